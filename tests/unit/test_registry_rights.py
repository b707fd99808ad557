"""Rights in a registry on a server: what each role can do, and what none can, by raw SQL either."""

from __future__ import annotations

from typing import Any

import pymysql
import pytest
from registries import Clock, ServerStore
from test_registry import EDIT, added, approve, change_set, modified, rule_of

from foreview.errors import EngineError, RefusedError, UsageError
from foreview.mariadb_server import Server
from foreview.registry import Registry
from foreview.registry.reviews import RULE
from foreview.registry.rights import ROLES, statements_for
from foreview.registry.schema import METADATA

ROLES_OF = {
    "anna": ("analyst", "reviewer"),
    "bert": ("reviewer",),
    "cleo": ("analyst", "publisher"),
    "eve": ("restater",),
    "rita": ("reader",),
    "theo": ("restater",),
    RULE: ("rule",),
}
DENIED = "command denied"


class Office:
    """A registry on a server whose people have roles."""

    def __init__(self, server: Server) -> None:
        self.store = ServerStore(server, "office")
        Registry(self.store.owner(), Clock())
        for name, roles in ROLES_OF.items():
            self.store.run(
                f"create or replace user '{name}'@'127.0.0.1'",
                *statements_for(self.store.owner(), name, roles, "127.0.0.1"),
            )

    def __getitem__(self, name: str) -> Registry:
        return Registry(self.store.url, Clock(), actor=name)

    def run(self, name: str, *statements: str) -> None:
        """Run raw SQL as somebody."""
        server = self.store.server
        with pymysql.connect(
            host=server.host, port=server.port, user=name, database="office"
        ) as connection:
            for one in statements:
                connection.cursor().execute(one)
            connection.commit()


OTHER = change_set(modified("C1", "FOX", "NBC"))
SUPPLIED = change_set(modified("C1", "FOX", "CBS"), kind="load")
LOADED = change_set(added("C1", "FOX"), author="cleo", kind="baseline")
DAYS = ("2026-04-01", "2026-04-30")


@pytest.fixture(scope="module")
def office(mariadb: Server) -> Office:
    """Cleo has loaded rows, Anna has proposed two change sets, Bert has approved the first."""
    found = Office(mariadb)
    anna, bert, cleo, eve = (found[name] for name in ("anna", "bert", "cleo", "eve"))
    cleo.record_change_set(LOADED)
    cleo.record_release(1, [LOADED.id], kind="baseline", publication=1, actor="cleo")
    anna.record_change_set(EDIT)
    anna.record_change_set(OTHER)
    anna.record_change_set(SUPPLIED)
    approve(bert, EDIT)
    cleo.record_calendar("mart", "*", *DAYS, "published", reason="", actor="cleo")
    eve.record_calendar("mart", "*", *DAYS, "reopening", reason="R1", actor="eve")
    return found


def into(place: str, *values: object) -> str:
    texts = [one if one == "null" else repr(one) for one in values]
    return " ".join(("insert into", place, "values (", ", ".join(map(str, texts)), ")"))


def review(id_: str, who: str, decision: str, receipt: str = EDIT.id * 4) -> str:
    return into("reviews", 99, id_, who, decision, receipt, "", "", "", "null")


def ruling(id_: str, who: str, decision: str) -> str:
    return review(id_, who, decision).replace("reviews", "rulings")


def release(number: int, who: str) -> str:
    return into("releases", number, 2, "promotion", who, "")


def placed(number: int, id_: str) -> str:
    return into("release_change_sets", number, 7, id_)


def change(id_: str) -> str:
    return into("changes", id_, 7, *("" for _ in range(12)), "null")


def event(who: str, step: int = 1, previous: str = "hash") -> str:
    values = f"max(sequence) + {step}, '', '{who}', 'x', '', {previous}, ''"
    last = "(select * from events order by sequence desc limit 1) as last"
    return " ".join(("insert into events select", values, "from", last))


def days(place: str, who: str, state: str, confirms: object = "null") -> str:
    return into(place, 99, "mart", "*", *DAYS, state, "", confirms, who, "")


@pytest.mark.parametrize(
    ("who", "statements", "message"),
    [
        ("anna", [review(OTHER.id, "anna", "approve")], "author of a change set cannot review"),
        ("anna", [review(OTHER.id, "anna", "agree")], "author of a change set cannot review"),
        ("anna", [review(OTHER.id, "bert", "approve")], "recorded by who makes them"),
        ("bert", [review(OTHER.id, "bert", "approve")], "no such preview"),
        ("bert", [review(OTHER.id, "bert", "approve", "x")], "no such preview"),
        ("bert", [review(OTHER.id, "bert", "withdraw")], "only the author withdraws"),
        ("bert", [review(LOADED.id, "bert", "reject")], "is in effect"),
        ("cleo", [review(OTHER.id, "cleo", "reject")], DENIED),
        ("bert", [review(SUPPLIED.id, RULE, "approve")], "recorded by who makes them"),
        (RULE, [review(SUPPLIED.id, RULE, "approve")], DENIED),
        (RULE, [ruling(SUPPLIED.id, "bert", "approve")], "recorded by who makes them"),
        (RULE, [ruling(SUPPLIED.id, RULE, "reject")], "a rule only approves"),
        (RULE, [ruling(EDIT.id, RULE, "approve")], "only files of suppliers"),
        (RULE, [event("bert")], "recorded by who acts"),
        ("cleo", [release(5, "cleo")], "another reference version is next"),
        ("cleo", [release(2, "anna")], "recorded by who promotes"),
        ("cleo", [release(2, "cleo"), placed(2, OTHER.id)], "not approved"),
        ("cleo", [placed(1, EDIT.id)], "recorded already"),
        ("anna", [release(2, "anna")], DENIED),
        ("bert", [release(2, "bert")], DENIED),
        ("anna", [change(LOADED.id)], "of somebody else"),
        ("bert", ["insert into change_sets select * from change_sets limit 1"], DENIED),
        ("cleo", [days("calendar", "cleo", "published")], DENIED),
        ("cleo", [days("reopenings", "cleo", "reopening")], DENIED),
        ("cleo", [days("closings", "cleo", "open", 2)], "CHECK OPTION failed"),
        ("cleo", [days("closings", "anna", "published")], "by who closes or reopens"),
        ("eve", [days("closings", "eve", "published")], DENIED),
        ("eve", [days("reopenings", "eve", "open", 2)], "who asked to reopen"),
        ("theo", [days("reopenings", "theo", "open")], "by confirming a request"),
        ("theo", [days("reopenings", "theo", "open", 1)], "by confirming a request"),
        ("rita", [event("rita")], DENIED),
        ("anna", [event("bert")], "recorded by who acts"),
        ("anna", [event("anna", step=2)], "follow each other"),
        ("anna", [event("anna", step=0)], "follow each other"),
        ("anna", [event("anna", previous="previous_hash")], "follow each other"),
        ("anna", ["drop trigger events_checked"], DENIED),
        ("anna", ["create or replace view withdrawals as select 1"], DENIED),
        ("cleo", ["truncate events"], DENIED),
    ],
)
def test_raw_sql_gives_nobody_more_than_their_role(
    office: Office, who: str, statements: list[str], message: str
) -> None:
    before = office["rita"].events()
    with pytest.raises(pymysql.MySQLError, match=message):
        office.run(who, *statements)
    assert office["rita"].events() == before
    assert office["rita"].verify_events() == []


@pytest.mark.parametrize("who", sorted(ROLES_OF))
@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_nobody_changes_or_removes_what_is_recorded(office: Office, who: str, table: str) -> None:
    first = METADATA.tables[table].columns.keys()[0]
    for words in (("update", table, f"set `{first}` = `{first}`"), ("delete from", table)):
        with pytest.raises(pymysql.OperationalError, match=DENIED):
            office.run(who, " ".join(words))


@pytest.mark.parametrize(
    ("who", "act"),
    [
        ("rita", lambda registry: registry.record_event("rita", "export", {})),
        (
            "bert",
            lambda registry: registry.record_change_set(
                change_set(added("C9", "X"), author="bert")
            ),
        ),
        (
            "eve",
            lambda registry: registry.record_release(
                2, [EDIT.id], kind="promotion", publication=2, actor="eve"
            ),
        ),
        (
            "eve",
            lambda registry: registry.record_calendar(
                "mart", "*", *DAYS, "published", reason="", actor="eve"
            ),
        ),
        (
            "cleo",
            lambda registry: registry.record_calendar(
                "mart", "*", *DAYS, "reopening", reason="", actor="cleo"
            ),
        ),
    ],
)
def test_who_lacks_a_role_is_told_to_ask_for_it(office: Office, who: str, act: Any) -> None:
    before = office["rita"].events()
    with pytest.raises(EngineError, match="foreview admin grant") as error:
        act(office[who])
    assert rule_of(error) == "registry-denied"
    assert office["rita"].events() == before


def test_each_role_does_its_own(office: Office) -> None:
    cleo, theo = office["cleo"], office["theo"]
    assert theo.confirm_reopening(2, actor="theo").state == "open"
    own = change_set(added("C7", "FOX"), author="cleo")
    cleo.record_change_set(own)
    cleo.record_review(own.id, "cleo", "withdraw")
    cleo.record_release(2, [EDIT.id], kind="promotion", publication=2, actor="cleo")
    assert office["rita"].status(EDIT.id) == "promoted"
    assert office["rita"].verify_events() == []


def test_a_rule_approves_a_suppliers_file_and_nobody_else_in_its_name(office: Office) -> None:
    receipt = {
        "checksum": SUPPLIED.id * 4,
        "change_set_ids": [SUPPLIED.id],
        "base_release": 1,
        "horizon_day": None,
        "horizon_batch": 0,
        "content": {},
    }
    office["anna"].record_receipt(receipt, actor="anna")
    named = {"receipt_checksum": SUPPLIED.id * 4}
    with pytest.raises((EngineError, RefusedError)):
        office["bert"].record_review(SUPPLIED.id, RULE, "approve", **named)
    review = office[RULE].record_review(SUPPLIED.id, RULE, "approve", **named)
    assert (review.reviewer, office["rita"].status(SUPPLIED.id)) == (RULE, "approved")
    assert office["rita"].events()[-1].actor == RULE
    assert office["rita"].verify_events() == []


def test_a_role_that_is_no_longer_given_is_gone(office: Office) -> None:
    user = "o'neil @`x"
    account = "'o''neil @`x'@'127.0.0.1'"
    office.store.run(f"create or replace user {account}")
    owner = office.store.owner()
    office.store.run(*statements_for(owner, user, ("analyst", "reviewer"), "127.0.0.1"))
    Registry(office.store.url, Clock(), actor=user).record_event(user, "export", {})
    office.store.run(*statements_for(owner, user, ("reader",), "127.0.0.1"))
    reader = Registry(office.store.url, Clock(), actor=user)
    assert reader.events()[-1].actor == user
    with pytest.raises(EngineError) as error:
        reader.record_event(user, "export", {})
    assert rule_of(error) == "registry-denied"


def test_a_registry_in_a_file_has_no_roles() -> None:
    with pytest.raises(UsageError, match="FOREVIEW_REGISTRY"):
        statements_for("sqlite:///registry.db", "ana", ROLES)
