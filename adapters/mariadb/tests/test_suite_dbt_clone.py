"""dbt's adapter suite: dbt_clone."""

from .suite import scenarios

globals().update(scenarios("dbt_clone", globals()))
