"""dbt's adapter suite: dbt_show."""

from .suite import scenarios

globals().update(scenarios("dbt_show", globals()))
