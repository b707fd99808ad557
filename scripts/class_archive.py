"""Make the archive of loaded classes that shortens the start of Spark's JVM; run by setup.sh.

One small session does what every command does first. At its end the JVM writes the classes that
it loaded (JDK class-data sharing, `-XX:ArchiveClassesAtExit`) to `.venv/spark.jsa`, which
profiles.yml names. A JVM that the archive does not fit, or that finds none, goes without.
"""

import os
import sys
import tempfile
from pathlib import Path

from foreview.engine import CLASS_ARCHIVE, open_session
from foreview.workspace import open_workspace


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
        session = open_session(open_workspace(os.environ, home=home))
        script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
        for statement in script.removesuffix(";\n").split(";\n"):
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
