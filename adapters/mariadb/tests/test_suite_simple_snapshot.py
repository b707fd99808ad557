"""dbt's adapter suite: simple_snapshot."""

from .suite import scenarios

globals().update(scenarios("simple_snapshot", globals()))
