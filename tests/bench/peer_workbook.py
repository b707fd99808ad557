"""Reads and checks the benchmark's workbook with pandera or frictionless, for `bench_workbook.py`.

    PYTHON_WITH_THEM peer_workbook.py pandera FILE

The rules are those of the benchmark's contract. Prints the seconds without imports.
"""

import sys
import time

POWERS = ["full", "low, very"]
NETWORKS = ["007", "=N"]


def pandera(path: str) -> float:
    import pandas as pd
    from pandera.pandas import Check, Column, DataFrameSchema

    schema = DataFrameSchema(
        {
            "Station": Column(str, unique=True),
            "Name": Column(str),
            "Network": Column(str, Check.isin(NETWORKS), nullable=True),
            "Power": Column(str, Check.isin(POWERS), nullable=True),
            "Live": Column(str, Check.isin(["TRUE", "FALSE"])),
            "Rank": Column(str, Check.str_matches(r"^\d+$"), nullable=True),
        }
    )
    start = time.monotonic()
    frame = pd.read_excel(path, sheet_name="Station", dtype=str, engine="openpyxl")
    schema.validate(frame, lazy=True)
    return time.monotonic() - start


def frictionless(path: str) -> float:
    from frictionless import Detector, Resource, Schema, formats, system

    fields = [
        {"name": "Station", "type": "string", "constraints": {"unique": True, "required": True}},
        {"name": "Name", "type": "string", "constraints": {"required": True}},
        {"name": "Network", "type": "string", "constraints": {"enum": NETWORKS}},
        {"name": "Power", "type": "string", "constraints": {"enum": POWERS}},
        {"name": "Live", "type": "boolean", "trueValues": ["TRUE"], "falseValues": ["FALSE"]},
        {"name": "Rank", "type": "integer"},
    ]
    start = time.monotonic()
    control = formats.ExcelControl(sheet="Station", stringified=True)
    schema = Schema.from_descriptor({"fields": fields})
    detector = Detector(schema_sync=True)  # other columns are nothing to it
    with system.use_context(trusted=True):  # else it takes no absolute path
        report = Resource(path=path, control=control, schema=schema, detector=detector).validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "type", "note"])[:5]
    return time.monotonic() - start


if __name__ == "__main__":
    print({"pandera": pandera, "frictionless": frictionless}[sys.argv[1]](sys.argv[2]))
