"""dbt's adapter suite: materialized_view."""

from .suite import scenarios

globals().update(scenarios("materialized_view", globals()))
