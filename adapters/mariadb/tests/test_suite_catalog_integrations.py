"""dbt's adapter suite: catalog_integrations."""

from .suite import scenarios

globals().update(scenarios("catalog_integrations", globals()))
