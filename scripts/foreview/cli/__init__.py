"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

from foreview.cli import data, editing, review, releases, calendar, tracks, admin  # isort: skip - help lists so
from foreview.cli.command import app, print_error
from foreview.errors import ForeviewError

__all__ = ["admin", "app", "calendar", "data", "editing", "main", "releases", "review", "tracks"]


def main() -> None:
    """Run the command line; usage errors exit with 2."""
    try:
        app()
    except ForeviewError as error:
        print_error(error, as_json=False)
        raise SystemExit(error.exit_code) from error
