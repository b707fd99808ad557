"""dbt's adapter suite: grants."""

from .suite import scenarios

globals().update(scenarios("grants", globals()))
