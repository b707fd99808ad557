"""Excel's number formats, without openpyxl: to import that takes longer than most workbooks do."""

from __future__ import annotations

import re
from functools import cache

_MONEY = '"$"#,##0.00'
_DAY, _CLOCK = "yyyy-mm-dd", "h:mm:ss"
BUILT_IN = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    **dict.fromkeys((*range(5, 9), *range(41, 45)), _MONEY),
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "mm-dd-yy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: _CLOCK,
    22: "m/d/yy h:mm",
    **dict.fromkeys((*range(27, 37), *range(50, 59), *range(71, 82)), _DAY),
    **dict.fromkeys((37, 38), "#,##0"),
    **dict.fromkeys((39, 40), "#,##0.00"),
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mmss.0",
    48: "##0.0E+0",
    49: "@",
    **dict.fromkeys((*range(59, 63), *range(67, 71)), "0.00"),
}
"""Formats that a file has by number alone: what they are in substance, money and days otherwise
spelled in each country (ECMA-376 part 1, 18.8.30; 27 and up are those of East Asia and Thailand).
"""

_NO_CODE = re.compile(r'"[^"]*"|\[(?!(?:h+|m+|s+)\])[^\]]*\]|[\\_*].', re.IGNORECASE)
_OF_DATE = re.compile("[dmyhs]", re.IGNORECASE)


@cache
def is_date_format(code: str) -> bool:
    """Whether numbers are shown as days or times: by the part for positive ones (18.8.31)."""
    return bool(_OF_DATE.search(_NO_CODE.sub("", code.partition(";")[0])))
