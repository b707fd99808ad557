"""The adapter: what differs from dbt-mysql's for MariaDB."""

import csv
import datetime
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbt.adapters.base import available
from dbt.adapters.base.impl import ConstraintSupport
from dbt.adapters.capability import Capability, CapabilityDict, CapabilitySupport, Support
from dbt.adapters.mariadb import MariaDBAdapter
from dbt.adapters.sql import SQLAdapter
from dbt_common.contracts.constraints import ConstraintType
from dbt_common.contracts.metadata import CatalogTable, ColumnMetadata, TableMetadata
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError
from pymysql.constants import ER

from dbt.adapters.foreview_mariadb.column import Column as _Column
from dbt.adapters.foreview_mariadb.connections import ConnectionManager
from dbt.adapters.foreview_mariadb.relation import Relation as _Relation
from dbt.adapters.foreview_mariadb.relation import quote

if TYPE_CHECKING:
    import agate

ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
CAST_TYPES = {
    "boolean": "signed",
    "bool": "signed",
    **dict.fromkeys(["tinyint", "smallint", "mediumint", "bigint"], "signed"),
    **dict.fromkeys(["string", "varchar", "tinytext", "text", "mediumtext", "longtext"], "char"),
    "timestamp": "datetime",
    "numeric": "decimal",
    "real": "double",
}
WITH_SIZES = {"decimal", "datetime", "time"}
"""A text is not cast to a length: what is too long would be cut without a word."""
SEED_VARCHAR, MOST_VARCHARS = 255, 48
"""A seed's short texts are varchar, as far as a row of them (65,535 bytes) may be."""


class Foreview_MariaDBAdapter(MariaDBAdapter):  # noqa: N801 - dbt makes the type's name of it
    """MariaDB for dbt."""

    Relation = _Relation
    Column = _Column
    ConnectionManager = ConnectionManager

    # A foreign key would keep dbt from replacing the table that it refers to.
    CONSTRAINT_SUPPORT = {  # noqa: RUF012
        ConstraintType.check: ConstraintSupport.ENFORCED,
        ConstraintType.not_null: ConstraintSupport.ENFORCED,
        ConstraintType.unique: ConstraintSupport.ENFORCED,
        ConstraintType.primary_key: ConstraintSupport.ENFORCED,
        ConstraintType.foreign_key: ConstraintSupport.NOT_SUPPORTED,
    }
    _capabilities = CapabilityDict(
        {
            Capability.SchemaMetadataByRelations: CapabilitySupport(support=Support.Full),
        }
    )

    # In place of dbt-mysql's: for arguments that dbt no longer has, or for a MySQL without EXCEPT.
    get_catalog = SQLAdapter.get_catalog
    _get_one_catalog = SQLAdapter._get_one_catalog
    get_rows_different_sql = SQLAdapter.get_rows_different_sql
    list_relations_without_caching = SQLAdapter.list_relations_without_caching

    @classmethod
    def quote(cls, identifier: str) -> str:
        """Return a name in backticks, those in it doubled."""
        return quote(str(identifier))  # dbt also asks for the name of the database, None

    def _make_match_kwargs(
        self, database: str | None, schema: str, identifier: str
    ) -> dict[str, str]:
        # Names differ by capitals, also without quotes.
        return {"schema": schema, "identifier": identifier}

    @classmethod
    def convert_text_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        """Return the type of a seed's column of text."""
        longest = max((len(one or "") for one in agate_table.columns[col_idx].values()), default=0)
        short = longest <= SEED_VARCHAR and len(agate_table.columns) <= MOST_VARCHARS
        return f"varchar({SEED_VARCHAR})" if short else "longtext"

    @classmethod
    def convert_integer_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        """Return the type of a seed's column of integers."""
        return "bigint"

    @classmethod
    def convert_number_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        """Return the type of a seed's column of numbers."""
        kind = super().convert_number_type(agate_table, col_idx)
        return "double" if kind == "float8" else "bigint"

    @classmethod
    def convert_datetime_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        """Return the type of a seed's column of instants (`timestamp` would end in 2038)."""
        return "datetime(6)"

    @classmethod
    def convert_time_type(cls, agate_table: "agate.Table", col_idx: int) -> str:
        """Return the type of a seed's column of times."""
        return "time(6)"

    def valid_incremental_strategies(self) -> list[str]:
        """Return the strategies of incremental models."""
        return ["append", "delete+insert", "merge", "microbatch"]

    @available
    @classmethod
    def cast_type(cls, data_type: str) -> str:
        """Return what to cast to for values of a type: MariaDB casts to fewer types than it has."""
        name, sizes, rest = re.match(  # type: ignore[union-attr]
            r"\s*(\w*)\s*(\([^)]*\))?(.*)", data_type.lower(), re.DOTALL
        ).groups()
        cast = CAST_TYPES.get(name, name)
        if "unsigned" in rest and cast in {"signed", "int", "integer"}:
            return "unsigned"
        if cast == "datetime" and not sizes and name == "timestamp":
            sizes = "(6)"
        return cast + (sizes if sizes and cast in WITH_SIZES else "")

    def get_columns_in_relation(self, relation: _Relation) -> list[_Column]:
        """Return a relation's columns, also a temporary table's; none where it is not there."""
        try:
            return list(SQLAdapter.get_columns_in_relation(self, relation))
        except DbtDatabaseError as error:
            if f"({ER.NO_SUCH_TABLE})" in str(error):
                return []
            raise

    def get_catalog_for_single_relation(self, relation: _Relation) -> CatalogTable | None:
        """Return what the catalog says of one relation; None where it is not there."""
        table = self.execute_macro(
            "get_catalog_relations",
            kwargs={"information_schema": None, "relations": [relation]},
        )
        if not table.rows:
            return None
        first = table.rows[0]
        return CatalogTable(
            metadata=TableMetadata(
                type=first["table_type"],
                schema=first["table_schema"],
                name=first["table_name"],
                comment=first["table_comment"],
            ),
            columns={
                row["column_name"]: ColumnMetadata(
                    type=row["column_type"],
                    index=int(row["column_index"]),
                    name=row["column_name"],
                    comment=row["column_comment"],
                )
                for row in table.rows
            },
            stats={},
        )

    @available
    def columns_from(self, described: "agate.Table") -> list[_Column]:
        """Return the columns that `show full columns` describes."""
        columns = []
        for row in described:
            column = self.Column.from_description(row["Field"], row["Type"])
            column.is_nullable = row["Null"] == "YES"
            column.collation = row["Collation"]
            column.comment = row["Comment"] or ""
            columns.append(column)
        return columns

    def expand_column_types(self, goal: _Relation, current: _Relation) -> None:
        """Widen a table's columns so that they take another's values.

        A table that was made from a query has columns as narrow as its first rows: a literal is
        `varchar` of its own length and not null, and a decimal would be rounded without a word.
        """
        targets = {one.name: one for one in self.get_columns_in_relation(current)}
        for source in self.get_columns_in_relation(goal):
            target = targets.get(source.name)
            if target is None:
                continue
            wider = target.widened(source)
            nullable = target.is_nullable or source.is_nullable
            if wider or nullable != target.is_nullable:
                collated = target.collation if target.is_string() else None
                self.execute(
                    f"alter table {current} modify column {target.quoted} "
                    f"{wider or target.column_type}"
                    + (f" collate {collated}" if collated else "")
                    + (" null" if nullable else " not null")
                    + (f" comment {text_literal(target.comment)}" if target.comment else "")
                )

    @classmethod
    def render_raw_columns_constraints(cls, raw_columns: dict[str, dict[str, Any]]) -> list[str]:
        """Return the columns of `create table`: MariaDB takes one check a column, at its end."""
        ordered = {}
        for name, column in raw_columns.items():
            constraints = column.get("constraints") or []
            checks = [one for one in constraints if one["type"] == ConstraintType.check]
            others = [one for one in constraints if one["type"] != ConstraintType.check]
            if len(checks) > 1:
                both = " and ".join(f"({one['expression']})" for one in checks)
                checks = [{"type": ConstraintType.check, "expression": both}]
            ordered[name] = {**column, "constraints": others + checks}
        return list(super().render_raw_columns_constraints(ordered))

    @classmethod
    def _catalog_filter_table(cls, table: "agate.Table", used_schemas: Any) -> "agate.Table":
        # dbt's own takes a schema without a database for one that is not used.
        schemas = {schema for _, schema in used_schemas}
        return table.where(lambda row: row["table_schema"] in schemas)

    def standardize_grants_dict(self, grants_table: "agate.Table") -> dict[str, list[str]]:
        """Return the grantees of each privilege, as `user@host`, a role by its name alone."""
        grants: dict[str, list[str]] = {}
        for row in grants_table:
            grantee = re.sub(r"^'(.*)'@'(.*)'$", r"\1@\2", row["grantee"]).removesuffix("@")
            grants.setdefault(row["privilege_type"].lower(), []).append(grantee)
        return grants

    @available
    @classmethod
    def quote_grantee(cls, grantee: str) -> str:
        """Return `user@host`, or a role, in quotes."""
        user, at, host = grantee.rpartition("@")
        return f"{text_literal(user)}@{text_literal(host)}" if at else text_literal(grantee)

    @available
    @classmethod
    def text_literal(cls, text: str) -> str:
        """Return a text as a literal of SQL."""
        return text_literal(text)

    @available
    def load_rows(
        self, relation: _Relation, agate_table: "agate.Table", column_types: dict[str, str]
    ) -> str:
        """Fill a seed's table by LOAD DATA, widening columns of text that are too short.

        Args:
            relation: the table, empty.
            agate_table: the seed's rows.
            column_types: the types that the seed's own configuration sets; these stay.

        Returns:
            The statement.

        Raises:
            DbtRuntimeError: a text has a NUL character.
            DbtDatabaseError: a value does not fit its column; nothing is loaded.
        """
        self._widen_texts(relation, agate_table, column_types)
        return self._load_fields(relation, agate_table.column_names, agate_table.rows)

    @available
    def load_csv(self, relation: _Relation, path: str, columns: list[str]) -> str:
        """Fill a table of texts from a CSV file by LOAD DATA; an empty field is null.

        Args:
            relation: the table, empty.
            path: the file: UTF-8, a line of headings, fields quoted where they need it.
            columns: the table's columns in the order of the file's.

        Returns:
            The statement.

        Raises:
            DbtRuntimeError: a row has more or fewer fields, or a text a NUL character.
        """
        # The server would read a CSV file too, but take the code NULL for no value.
        with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123
            rows = csv.reader(file, strict=True)
            next(rows, None)
            return self._load_fields(
                relation, columns, ([field or None for field in row] for row in rows)
            )

    def _load_fields(
        self, relation: _Relation, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> str:
        names = ", ".join(self.quote(one) for one in columns)
        with tempfile.TemporaryDirectory(prefix="dbt-seed-") as folder:
            path = os.path.join(folder, "rows")  # noqa: PTH118
            with open(path, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
                for number, row in enumerate(rows, start=1):
                    if len(row) != len(columns):
                        raise DbtRuntimeError(
                            f"Seed {relation.identifier}: row {number} has {len(row)} fields, its "
                            f"heading {len(columns)}."
                        )
                    fields = [_field(one) for one in row]
                    line = "\t".join(fields)
                    if "\0" in line:
                        at = next(i for i, one in enumerate(fields) if "\0" in one)
                        raise DbtRuntimeError(
                            f"Seed {relation.identifier}: row {number}, column "
                            f"{columns[at]} has a NUL character: take it out."
                        )
                    file.write(line + "\n")
            sql = (
                # What made the table ready has ended the transaction.
                f"start transaction; load data local infile {text_literal(path)} "
                f"into table {relation} character set utf8mb4 "
                f"fields terminated by '\\t' escaped by '\\\\' lines terminated by '\\n' ({names})"
            )
            self._load(relation, sql)
        return sql

    def _widen_texts(
        self, relation: _Relation, agate_table: "agate.Table", column_types: dict[str, str]
    ) -> None:
        columns = {one.name.lower(): one for one in self.get_columns_in_relation(relation)}
        for index, name in enumerate(agate_table.column_names):
            column = columns.get(name.lower())
            if column is None or not column.is_string() or name in column_types:
                continue
            texts = [one for one in agate_table.columns[index].values() if isinstance(one, str)]
            if max(map(len, texts), default=0) > column.string_size():
                self.execute(
                    f"alter table {relation} modify column {column.quoted} longtext "
                    f"collate {column.collation}"
                )

    def _load(self, relation: _Relation, sql: str) -> None:
        handle = self.connections.get_thread_connection().handle
        handle._local_infile = True
        try:
            self.connections.add_query(sql, auto_begin=True)
        finally:
            handle._local_infile = False
        # From a client's file the server takes what does not fit, cut, and only warns.
        _, warnings = self.execute("show warnings limit 3", fetch=True)
        if len(warnings.rows):
            self.connections.rollback_if_open()
            said = "; ".join(str(row["Message"]) for row in warnings)
            raise DbtDatabaseError(
                f"Seed {relation.identifier} was not loaded: {said}. Mend the rows, or set "
                "`column_types` of the seed and run `dbt seed --full-refresh`."
            )


def text_literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return str(value.isoformat(sep=" "))
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).translate(ESCAPES)
