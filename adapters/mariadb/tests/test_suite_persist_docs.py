"""dbt's adapter suite: comments."""

from typing import Any

from dbt.tests.adapter.persist_docs.test_persist_docs import BasePersistDocs

from .suite import scenarios


class TestPersistDocs(BasePersistDocs):
    def _assert_has_view_comments(self, view_node: Any, *_: bool) -> None:
        """MariaDB keeps no comments on views."""
        super()._assert_has_view_comments(view_node, False, False)


globals().update(scenarios("persist_docs", globals()))
