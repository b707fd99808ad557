"""On MariaDB, what a table's rules approve is recorded by a user of that name, and nothing else is.

The user `(rule)` approves suppliers' files. Who connects so has no other's password, and nobody
else can write that name: the trigger of 0006 compares it with the connected user.
"""

from alembic import op

from foreview.registry.migrations.steps import is_sqlite

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

IS_OTHER = (
    "NEW.decision <> 'approve' OR COALESCE("
    "(SELECT kind FROM change_sets WHERE id = NEW.change_set_id), '') <> 'load'"
)


def upgrade() -> None:
    """Make the trigger, and the view through which the rule's role adds its approvals."""
    if is_sqlite():
        return
    op.execute(
        "CREATE OR REPLACE TRIGGER reviews_by_rule BEFORE INSERT ON reviews FOR EACH ROW "
        f"BEGIN IF NEW.reviewer = '(rule)' AND ({IS_OTHER}) THEN SIGNAL SQLSTATE '45000' "
        "SET MESSAGE_TEXT = 'a rule only approves, and only files of suppliers'; END IF; END"
    )
    op.execute(
        "CREATE OR REPLACE VIEW rulings AS SELECT * FROM reviews "
        "WHERE reviewer = '(rule)' AND decision = 'approve' WITH CHECK OPTION"
    )


def downgrade() -> None:
    """Take them away."""
    if is_sqlite():
        return
    op.execute("DROP TRIGGER IF EXISTS reviews_by_rule")
    op.execute("DROP VIEW IF EXISTS rulings")
