"""dbt's adapter suite: utils."""

from .suite import scenarios

globals().update(scenarios("utils", globals()))
