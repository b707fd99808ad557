"""Invented devices, by Spark: households, device types, areas and weights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from foreview.generate.draw import choose, uniform

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

HOUSEHOLD_SIZES = (1, 3, 2, 1, 4, 1, 2, 3, 1, 2)
"""Devices of ten households in a row: 2.0 on average."""


def generate_devices(
    spark: SparkSession,
    *,
    devices: int,
    areas: Sequence[str],
    seed: int,
    load_date: date,
    household_sizes: Sequence[int] = HOUSEHOLD_SIZES,
) -> DataFrame:
    """Return devices 1 to `devices`; same arguments, same rows, however they are partitioned.

    Args:
        spark: The session.
        devices: Number of devices.
        areas: The area codes to draw from, with equal chances.
        seed: Changes areas, weights and device types, not the households' sizes.
        load_date: The day from which this load of devices holds.
        household_sizes: Devices of the households in a row, repeated.

    Returns:
        One row per device: `device_id`, `household_id`, `device_type`, `area_id`, `weight`
        (decimal(9,4), 0.2 to 3.0) and `load_date`. A household's devices have consecutive ids
        and share area and weight.
    """
    from pyspark.sql import functions as f

    members = [n for n, size in enumerate(household_sizes) for _ in range(size)]
    row = f.col("id")
    member = f.get(f.array(*map(f.lit, members)), (row % len(members)).cast("int"))
    block = (row / len(members)).cast("bigint")
    household = f.col("household_id")
    type_draw = uniform(seed, "device type", f.col("device_id"))
    weight = f.lit(2_000) + (uniform(seed, "weight", household) * 28_001).cast("int")
    return (
        spark.range(devices)
        .select(
            (row + 1).alias("device_id"),
            (block * len(household_sizes) + member + 1).cast("bigint").alias("household_id"),
        )
        .select(
            "device_id",
            "household_id",
            f.when(type_draw < 0.55, "set-top box")
            .when(type_draw < 0.85, "smart TV")
            .otherwise("DVR")
            .alias("device_type"),
            choose(areas, uniform(seed, "area", household)).alias("area_id"),
            (weight / 10_000).cast("decimal(9,4)").alias("weight"),
            f.lit(load_date).alias("load_date"),
        )
    )
