"""dbt's adapter suite: caching."""

from .suite import scenarios

globals().update(scenarios("caching", globals()))
