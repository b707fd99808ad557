"""dbt's adapter suite: concurrency."""

from .suite import scenarios

globals().update(scenarios("concurrency", globals()))
