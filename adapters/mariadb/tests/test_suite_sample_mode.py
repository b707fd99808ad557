"""dbt's adapter suite: sample_mode."""

from .suite import scenarios

globals().update(scenarios("sample_mode", globals()))
