"""Commands of administrators."""

from __future__ import annotations

from typing import Annotated

import typer

from foreview.cli.command import Home, Json, app, running

admin = typer.Typer(no_args_is_help=True, help="Say who may do what in a registry on a server.")
app.add_typer(admin, name="admin")


@admin.command()
def grant(
    user: Annotated[str, typer.Argument(help="A user of the registry's server.")],
    roles: Annotated[
        list[str],
        typer.Argument(help="Of: reader, analyst, reviewer, publisher, restater, rule."),
    ],
    host: Annotated[str, typer.Option(help="From where the user connects.")] = "%",
    is_run: Annotated[bool, typer.Option("--run", help="Run the grants, as you.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Print the SQL that gives a user these roles and no others, or run it.

    Examples:
    foreview admin grant ana analyst

    foreview admin grant rob analyst reviewer --run
    """
    from foreview.registry.rights import ROLES, statements_for

    unknown = [one for one in roles if one not in ROLES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no role: use {', '.join(ROLES)}.")
    with running("admin grant", home, None, as_json) as session:
        workspace = session.workspace
        statements = statements_for(workspace.registry_url, user, roles, host)
        if is_run:
            workspace.registry.administer(statements)
        told = f"{user}: {', '.join(roles)}." if is_run else ";\n".join([*statements, ""]).rstrip()
        session.print({"statements": statements, "run": is_run}, told)
