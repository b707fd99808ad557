"""dbt's adapter suite: simple_seed."""

from .suite import scenarios

globals().update(scenarios("simple_seed", globals()))
