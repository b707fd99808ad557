"""Time the generator: records per second and bytes on disk, as one line of JSON.

    python tests/bench/bench_generate.py --rows 10000000 --out /tmp/foreview-bench/viewing_10m \
        --channels channels.csv

Without `--channels` the sample market's channels are drawn. `--devices-out` also writes the
devices, with areas of the sample market.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from foreview.contract import BEGINNING
from foreview.generate.devices import generate_devices
from foreview.generate.market import channel_ids_of, open_keys, sample_rows
from foreview.generate.viewing import generate_viewing, write_viewing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RECORDS_PER_FILE = 2_000_000


def main() -> None:
    arguments = _arguments()
    started = time.monotonic()
    spark = _session()
    figures: dict[str, Any] = {"spark_start_seconds": round(time.monotonic() - started, 1)}
    if arguments.devices_out:
        figures["devices"] = _write_devices(spark, arguments)
    figures["viewing"] = _write_viewing(spark, arguments)
    print(json.dumps(figures))
    spark.stop()


def _write_viewing(spark: SparkSession, arguments: argparse.Namespace) -> dict[str, Any]:
    sample = open_keys(sample_rows(arguments.seed)["channel"], "channel_id")
    channels = channel_ids_of(arguments.channels) if arguments.channels else sample
    started = time.monotonic()
    viewing = generate_viewing(
        spark,
        rows=arguments.rows,
        first_day=arguments.first_day,
        days=arguments.days,
        devices=arguments.devices,
        channel_ids=channels,
        seed=arguments.seed,
        time_zone=arguments.time_zone,
    )
    files = max(arguments.days, arguments.rows // RECORDS_PER_FILE)
    write_viewing(viewing, arguments.out, file_format=arguments.format, files=files)
    seconds = time.monotonic() - started
    return {
        "rows": arguments.rows,
        "channels": len(channels),
        "devices": arguments.devices,
        "days": arguments.days,
        "seconds": round(seconds, 1),
        "rows_per_second": round(arguments.rows / seconds),
        **_size(arguments.out),
    }


def _write_devices(spark: SparkSession, arguments: argparse.Namespace) -> dict[str, Any]:
    started = time.monotonic()
    areas = open_keys(sample_rows(arguments.seed)["area"], "area_id")
    devices = generate_devices(
        spark,
        devices=arguments.devices,
        areas=areas,
        seed=arguments.seed,
        load_date=date.fromisoformat(BEGINNING),
    )
    devices.write.format(arguments.format).mode("overwrite").save(str(arguments.devices_out))
    seconds = round(time.monotonic() - started, 1)
    return {"rows": arguments.devices, "seconds": seconds, **_size(arguments.devices_out)}


def _size(folder: Path) -> dict[str, int]:
    files = list(folder.rglob("*.parquet"))
    return {"files": len(files), "bytes": sum(file.stat().st_size for file in files)}


def _session() -> SparkSession:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "4g")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the generator of viewing.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--devices", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--first-day", type=date.fromisoformat, default=date(2026, 4, 1))
    parser.add_argument("--time-zone", default="America/New_York")
    parser.add_argument("--channels", type=Path, nargs="*", default=[])
    parser.add_argument("--format", choices=("delta", "parquet"), default="delta")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(tempfile.gettempdir()) / "foreview-bench-generate",
        help="folder; it is replaced",
    )
    parser.add_argument("--devices-out", type=Path, help="folder; it is replaced")
    arguments = parser.parse_args()
    for folder in (arguments.out, arguments.devices_out):
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    return arguments


if __name__ == "__main__":
    main()
