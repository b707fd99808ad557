"""dbt's adapter suite: relations."""

from .suite import scenarios

globals().update(scenarios("relations", globals()))
