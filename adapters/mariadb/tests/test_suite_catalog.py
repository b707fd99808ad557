"""dbt's adapter suite: catalog."""

from .suite import scenarios

globals().update(scenarios("catalog", globals()))
