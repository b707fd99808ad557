"""dbt's adapter suite: store_test_failures_tests."""

from .suite import scenarios

globals().update(scenarios("store_test_failures_tests", globals()))
