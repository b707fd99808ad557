"""dbt's adapter suite: empty."""

from .suite import scenarios

globals().update(scenarios("empty", globals()))
