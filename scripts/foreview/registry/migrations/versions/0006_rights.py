"""On MariaDB, what is recorded is checked there too: who says so, in which order, and who decides.

Triggers refuse rows in somebody else's name, a decision of an author on their own change request,
what was not approved, and events out of order. Views let somebody add rows of some kinds to a
table only. A registry in a file has no users: there the file's rights are all there is.
"""

from alembic import op

from foreview.registry.migrations.steps import is_sqlite

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ME = "LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())))"
"""The connected user; names may have an @ themselves."""

WORDS = {
    "@LAST_DECISION": "(SELECT decision FROM reviews WHERE change_set_id = NEW.change_set_id "
    "ORDER BY id DESC LIMIT 1)",
    "@IS_AUTHOR": "(LOWER(@AUTHOR) = LOWER(@ME))",
    "@AUTHOR": "(SELECT author FROM change_sets WHERE id = NEW.change_set_id)",
    "@RELEASE": "FROM releases WHERE number = NEW.`release`",
    "@ME": ME,
}
"""What the conditions below are made of; one may name those after it."""

CHECKS = (
    ("change_sets", "NEW.author <> @ME", "change sets are recorded by their author"),
    ("changes", "COALESCE(@AUTHOR, '') <> @ME", "this change set is of somebody else"),
    ("reviews", "NEW.reviewer <> @ME", "decisions are recorded by who makes them"),
    (
        "reviews",
        "NEW.decision IN ('approve', 'agree', 'send-back') AND @IS_AUTHOR",
        "the author of a change set cannot review it",
    ),
    (
        "reviews",
        "NEW.decision = 'withdraw' AND NOT @IS_AUTHOR",
        "only the author withdraws a change set",
    ),
    (
        "reviews",
        "EXISTS (SELECT 1 FROM release_change_sets WHERE change_set_id = NEW.change_set_id)",
        "this change set is in effect",
    ),
    (
        "reviews",
        "NEW.decision IN ('approve', 'agree') AND NOT EXISTS (SELECT 1 FROM receipts "
        "WHERE checksum = NEW.receipt_checksum "
        "AND LOCATE(CONCAT('\"', NEW.change_set_id, '\"'), change_set_ids))",
        "there is no such preview of this change set",
    ),
    ("releases", "NEW.promoted_by <> @ME", "reference versions are recorded by who promotes"),
    (
        "releases",
        "NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM releases)",
        "another reference version is next",
    ),
    (
        "release_change_sets",
        "COALESCE((SELECT promoted_by @RELEASE), '') <> @ME OR EXISTS (SELECT 1 FROM events "
        "WHERE kind = 'release-recorded' "
        "AND LOCATE(CONCAT('\"number\"', CHAR(58), NEW.`release`, ','), payload))",
        "this reference version is recorded already",
    ),
    (
        "release_change_sets",
        "COALESCE(@LAST_DECISION, '') <> 'approve' AND (SELECT kind @RELEASE) <> 'baseline'",
        "this change set is not approved",
    ),
    ("calendar", "NEW.actor <> @ME", "periods are recorded by who closes or reopens them"),
    (
        "calendar",
        "EXISTS (SELECT 1 FROM calendar AS asked WHERE asked.id = NEW.confirms "
        "AND LOWER(asked.actor) = LOWER(@ME))",
        "who asked to reopen days cannot confirm it",
    ),
    (
        "calendar",
        "NEW.state = 'open' AND NOT EXISTS (SELECT 1 FROM calendar AS asked "
        "WHERE asked.id = NEW.confirms AND asked.state = 'reopening')",
        "days are reopened by confirming a request",
    ),
    ("events", "NEW.actor <> @ME", "events are recorded by who acts"),
    (
        "events",
        "NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM events) "
        "OR NEW.previous_hash <> COALESCE((SELECT hash FROM events "
        "ORDER BY sequence DESC LIMIT 1), REPEAT('0', 64))",
        "events follow each other",
    ),
)
VIEWS = {
    "withdrawals": ("reviews", "decision = 'withdraw'"),
    "closings": ("calendar", "state IN ('preliminary', 'published')"),
    "reopenings": ("calendar", "state IN ('reopening', 'open')"),
}


def _checks() -> dict[str, str]:
    """Return the statement of each table's trigger."""
    found: dict[str, str] = {}
    for table, text, message in CHECKS:
        condition = text
        for word, meaning in WORDS.items():
            condition = condition.replace(word, meaning)
        signal = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{message}'"
        found[table] = found.get(table, "") + f"IF {condition} THEN {signal}; END IF; "
    return found


def upgrade() -> None:
    """Make the triggers and views."""
    if is_sqlite():
        return
    for table, statements in _checks().items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_checked BEFORE INSERT ON {table} FOR EACH ROW "
            f"BEGIN {statements}END"
        )
    for view, (table, condition) in VIEWS.items():
        made = ("CREATE OR REPLACE VIEW", view, "AS SELECT * FROM", table, "WHERE", condition)
        op.execute(" ".join((*made, "WITH CHECK OPTION")))


def downgrade() -> None:
    """Take them away."""
    if is_sqlite():
        return
    for table in _checks():
        op.execute(f"DROP TRIGGER IF EXISTS {table}_checked")
    for view in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {view}")
