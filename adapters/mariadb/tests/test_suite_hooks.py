"""dbt's adapter suite: hooks."""

from .suite import scenarios

globals().update(scenarios("hooks", globals()))
