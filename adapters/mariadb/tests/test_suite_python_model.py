"""dbt's adapter suite: python_model."""

from .suite import scenarios

globals().update(scenarios("python_model", globals()))
