"""dbt's adapter suite: persist_docs."""

from .suite import scenarios

globals().update(scenarios("persist_docs", globals()))
