"""dbt's adapter suite: models, seeds, tests, ephemeral models, docs."""

from typing import Any

import pytest
from dbt.tests.adapter.basic.expected_catalog import (
    base_expected_catalog,
    expected_references_catalog,
    no_stats,
)
from dbt.tests.adapter.basic.test_docs_generate import BaseDocsGenerate, BaseDocsGenReferences
from dbt.tests.adapter.basic.test_get_catalog_for_single_relation import (
    BaseGetCatalogForSingleRelation,
)
from dbt_common.contracts.metadata import CatalogTable, ColumnMetadata, TableMetadata

from .suite import scenarios

TYPES = {
    "role": None,  # MariaDB's tables have no owner
    "id_type": "bigint(20)",
    "text_type": "varchar(255)",
    "time_type": "datetime(6)",
    "view_type": "view",
    "table_type": "table",
    "model_stats": no_stats(),
}


class TestDocsGenerate(BaseDocsGenerate):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project: Any) -> dict[str, Any]:
        return base_expected_catalog(project, **TYPES)


class TestDocsGenReferences(BaseDocsGenReferences):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project: Any) -> dict[str, Any]:
        return expected_references_catalog(project, **TYPES, bigint_type="bigint(21)")


class TestGetCatalogForSingleRelation(BaseGetCatalogForSingleRelation):
    @pytest.fixture(scope="class")
    def expected_catalog_my_seed(self, project: Any) -> CatalogTable:
        return self.expected(project, "my_seed", "table")

    @pytest.fixture(scope="class")
    def expected_catalog_my_view_model(self, project: Any) -> CatalogTable:
        return self.expected(project, "my_view_model", "view")

    def expected(self, project: Any, name: str, kind: str) -> CatalogTable:
        types = {
            "id": "bigint(20)",
            "first_name": "varchar(255)",
            "email": "varchar(255)",
            "ip_address": "varchar(255)",
            "updated_at": "datetime(6)",
        }
        return CatalogTable(
            metadata=TableMetadata(type=kind, schema=project.test_schema, name=name),
            columns={
                column: ColumnMetadata(type=one, index=index, name=column)
                for index, (column, one) in enumerate(types.items(), start=1)
            },
            stats={},
        )


globals().update(scenarios("basic", globals()))
