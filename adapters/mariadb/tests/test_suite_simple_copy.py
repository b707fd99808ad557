"""dbt's adapter suite: simple_copy."""

from .suite import scenarios

globals().update(scenarios("simple_copy", globals()))
