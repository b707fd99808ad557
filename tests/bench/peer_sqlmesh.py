"""SQLMesh's comparison of two Parquet folders, run by a Python that has `sqlmesh[spark]`.

Prints seconds, differing rows, and SQLMesh's version.
"""

import sys
import tempfile
import time
from importlib.metadata import version

from pyspark.sql import SparkSession
from sqlmesh.core.engine_adapter.spark import SparkEngineAdapter
from sqlmesh.core.table_diff import TableDiff
from sqlmesh.engines.spark.db_api import spark_session

old, new, *grain = sys.argv[1:]
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
builder = builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp())
spark = builder.config("spark.sql.shuffle.partitions", "8").getOrCreate()
for name, folder in (("old", old), ("new", new)):
    spark.catalog.createTable(name, folder, "parquet")
start = time.monotonic()
adapter = SparkEngineAdapter(lambda: spark_session.connection(spark))
found = TableDiff(adapter=adapter, source="default.old", target="default.new", on=grain).row_diff()
seconds = time.monotonic() - start
stats = found.stats
differing = stats["join_count"] - stats["full_match_count"]
differing += stats["s_only_count"] + stats["t_only_count"]
print(f"{seconds:.1f}", int(differing), version("sqlmesh"))
