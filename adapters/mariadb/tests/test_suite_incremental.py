"""dbt's adapter suite: incremental."""

from .suite import scenarios

globals().update(scenarios("incremental", globals()))
