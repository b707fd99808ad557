"""dbt's adapter suite: column_types."""

from .suite import scenarios

globals().update(scenarios("column_types", globals()))
