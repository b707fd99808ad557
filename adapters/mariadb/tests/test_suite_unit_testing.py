"""dbt's adapter suite: unit_testing."""

from .suite import scenarios

globals().update(scenarios("unit_testing", globals()))
