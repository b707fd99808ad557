"""dbt's adapter suite: ephemeral."""

from .suite import scenarios

globals().update(scenarios("ephemeral", globals()))
