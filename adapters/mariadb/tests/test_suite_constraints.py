"""dbt's adapter suite: constraints."""

from .suite import scenarios

globals().update(scenarios("constraints", globals()))
