"""Make the archive of loaded classes that shortens the start of Spark's JVM; run by setup.sh.

One small session does what every command does first. At its end the JVM writes the classes that
it loaded (JDK class-data sharing, `-XX:ArchiveClassesAtExit`) to `.venv/spark.jsa`, which
profiles.yml names. A JVM that the archive does not fit, or that finds none, goes without.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from foreview.engine import CLASS_ARCHIVE, open_session
from foreview.workspace import open_workspace

STATEMENTS = (
    "create schema archive",
    "create table archive.one (name string, number int, day date) using delta partitioned by (day)",
    "insert into archive.one select string(id), int(id), date'2026-01-01' from range(9)",
    "merge into archive.one using (select '1' as name) as new on one.name = new.name"
    " when matched then update set number = 7 when not matched then insert (name) values (name)",
    "create table archive.two using parquet as select day, count(distinct name), sum(number)"
    " from archive.one left join (select 1 as x) on number = x group by day order by day",
    "create view archive.three as select lag(day) over (order by day) as day from archive.two",
    "insert into archive.one replace where day = '2026-01-01' select * from archive.one",
    "select * from archive.three",
)


def main() -> None:
    """Run the session and keep its archive."""
    partial = CLASS_ARCHIVE.with_suffix(".part")
    CLASS_ARCHIVE.unlink(missing_ok=True)
    options = f"-Xlog:disable -XX:ArchiveClassesAtExit={partial}"
    os.environ["PYSPARK_SUBMIT_ARGS"] = (
        f'--conf "spark.driver.defaultJavaOptions={options}" pyspark-shell'
    )
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        session = open_session(replace(open_workspace(os.environ, home=home), schema="archive"))
        for statement in STATEMENTS:
            session.sql(statement).toArrow()
        gateway = session.sparkContext._gateway
        session.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()  # the JVM ends with it, and writes the archive
        if gateway.proc.wait(timeout=300) != 0 or not partial.exists():
            log = (home / "logs" / "spark.log").read_text(encoding="utf-8")
            sys.exit(f"The JVM made no archive: {log[-2000:]}")
    partial.replace(CLASS_ARCHIVE)


if __name__ == "__main__":
    main()
