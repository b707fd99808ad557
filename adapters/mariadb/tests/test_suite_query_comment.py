"""dbt's adapter suite: query_comment."""

from .suite import scenarios

globals().update(scenarios("query_comment", globals()))
