"""dbt's adapter suite: functions."""

from .suite import scenarios

globals().update(scenarios("functions", globals()))
