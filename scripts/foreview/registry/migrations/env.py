"""Run the migrations on the connection that the registry hands in, in its transaction."""

from alembic import context

from foreview.registry.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
)
with context.begin_transaction():
    context.run_migrations()
