"""dbt's adapter suite: aliases."""

from .suite import scenarios

globals().update(scenarios("aliases", globals()))
