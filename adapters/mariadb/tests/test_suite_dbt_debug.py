"""dbt's adapter suite: dbt_debug."""

from .suite import scenarios

globals().update(scenarios("dbt_debug", globals()))
