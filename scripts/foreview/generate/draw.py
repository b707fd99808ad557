"""Draws by hash: numbers that depend on a seed, a purpose and a key, and on nothing else."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column

_UNIT = 1.0 / 2**53


def number(*place: object) -> int:
    """Return a number below 2**60, by SHA-256 of the place that it is drawn for."""
    return int(hashlib.sha256("|".join(map(str, place)).encode()).hexdigest()[:15], 16)


def uniform(seed: int, purpose: str, *key: Column) -> Column:
    """Return numbers evenly spread over [0, 1), by xxHash64 of seed, purpose and key."""
    from pyspark.sql import functions as f

    place = f.lit((seed & 0x7FFF_FFFF) << 32 | zlib.crc32(purpose.encode())).cast("bigint")
    return f.shiftrightunsigned(f.xxhash64(place, *key), 11) * f.lit(_UNIT)


def choose(choices: Sequence[str], draw: Column) -> Column:
    """Return one of a short list of values, each with the same chance."""
    from pyspark.sql import functions as f

    place = (draw * len(choices)).cast("int")
    return f.get(f.array(*map(f.lit, choices)), place)
