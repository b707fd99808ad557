"""The Spark session: one a process, with the settings of profiles.yml, quiet on the terminal."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from foreview.errors import EngineError, Problem
from foreview.yaml_files import parse_yaml

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from foreview.impact import Read
    from foreview.workspace import Workspace


CLASS_ARCHIVE = Path(sys.prefix) / "spark.jsa"
"""Classes that Spark's JVM would have to load one by one; scripts/class_archive.py makes it."""


def open_session(
    workspace: Workspace, *, meanwhile: Callable[[], object] | None = None
) -> SparkSession:
    """Return the process's Spark session, started on first use (some seconds).

    Args:
        workspace: Where.
        meanwhile: What Python does while the JVM starts; not done when the session is there.

    Raises:
        EngineError: No Java, no Delta jar, the metastore is held by another process, or Spark
            does not start; the log is named.
    """
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("FOREVIEW_CLASS_ARCHIVE", str(CLASS_ARCHIVE))
    _check_java(os.environ)
    _check_delta()
    log = workspace.home / "logs" / "spark.log"
    builder = SparkSession.builder.enableHiveSupport()  # as dbt-spark does
    for name, value in target_settings(workspace, "local")["server_side_parameters"].items():
        builder = builder.config(name, value)
    other = Thread(target=meanwhile, daemon=True)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with _stderr_to(log):
            other.start()
            session = builder.getOrCreate()
            session.catalog.listDatabases()  # opens the metastore
    except Exception as error:  # py4j and Spark raise many kinds
        raise _start_error(error, log) from error
    other.join()
    return session


def target_settings(workspace: Workspace, target: str) -> dict[str, Any]:
    """Return a target's settings from profiles.yml as dbt sees them, so they are written once."""
    import jinja2

    workspace.export_environment()
    text = (workspace.project / "profiles.yml").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - YAML
    environment.filters["as_number"] = int
    rendered = environment.from_string(text).render(env_var=lambda n, d=None: os.environ.get(n, d))
    settings: dict[str, Any] = parse_yaml(rendered)["foreview"]["outputs"][target]
    return settings


def _check_java(environment: Mapping[str, str]) -> None:
    home = environment.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else None
    if (java is not None and java.exists()) or (java is None and shutil.which("java")):
        return
    message = f"JAVA_HOME is {home}, but has no bin/java." if home else "There is no Java."
    fix = "Run make setup, or install Java 17 (Debian: openjdk-17-jre-headless; brew: openjdk@17)."
    raise EngineError(Problem("no-java", message, fix=fix))


def _check_delta() -> None:
    import pyspark

    if not list((Path(pyspark.__file__).parent / "jars").glob("delta-spark_*.jar")):
        message = "Spark has no Delta Lake jar."
        raise EngineError(Problem("no-delta", message, fix="Run make setup."))


def _start_error(error: Exception, log: Path) -> EngineError:
    if "Another instance of Derby" in str(error) or "Another instance of Derby" in _tail(log):
        message = "Another Spark process, perhaps a plain dbt command, holds the local metastore."
        fix = "Wait until it has finished and try again."
        return EngineError(Problem("metastore-busy", message, fix=fix))
    if "UnsupportedClassVersionError" in _tail(log):
        message = "The Java in use is older than 17."
        fix = "Install Java 17, and set JAVA_HOME to its folder."
        return EngineError(Problem("no-java", message, fix=fix))
    message = f"Spark did not start: {str(error).splitlines()[0][:200] if str(error) else error!r}."
    return EngineError(Problem("spark-start", message, fix=f"The log is {log}."))


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-20_000:] if log.exists() else ""


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """Send this process's and its children's standard error to a file for a while.

    The JVM that is started meanwhile keeps writing there: its start-up prints pages.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def lost_engine() -> EngineError | None:
    """Return the error that tells that this process's JVM has ended, or none while it runs.

    Of a JVM that was there before this process (PYSPARK_GATEWAY_PORT) nothing is known.
    """
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    jvm = getattr(getattr(context, "_gateway", None), "proc", None)
    if jvm is None:
        return None
    try:
        # Its end can be known a little later than that of the connection to it.
        status = jvm.wait(0.5)
    except subprocess.TimeoutExpired:
        return None
    how = signal.Signals(-status).name if status < 0 else f"exit code {status}"
    message = f"Spark ended in the middle of it ({how})."
    fix = (
        "Run the command again; foreview status says how a promotion goes on. Where the machine "
        "has too little memory, give Spark less: FOREVIEW_MEMORY."
    )
    return EngineError(Problem("engine-lost", message, fix=fix))


def remove_leftovers(spark: SparkSession, schema: str) -> None:
    """Remove folders in a schema's place that belong to no table.

    A process that is killed while Spark writes a table leaves its files, and Spark then refuses to
    make a table of that name. Nothing on an engine whose files can't be reached.
    """
    if not hasattr(spark, "_jsparkSession") or not spark.catalog.databaseExists(schema):
        return
    known = {one.name for one in spark.catalog.listTables(schema)}
    assert spark._jvm is not None  # noqa: S101 - the session runs
    place = spark._jvm.org.apache.hadoop.fs.Path(spark.catalog.getDatabase(schema).locationUri)
    files = place.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    for found in files.listStatus(place) if files.exists(place) else ():
        if found.getPath().getName() not in known:
            files.delete(found.getPath(), True)


class ReadMeter:
    """Tells what Spark's tasks have read since it was made, from Spark's own metrics."""

    def __init__(self, spark: SparkSession) -> None:
        """Begin to count."""
        self._spark = spark
        self._stage = max((one.stageId() for one in self._stages()), default=-1)
        self._query = max((one.executionId() for one in self._queries()), default=-1)

    def read(self) -> Read | None:
        """Return what was read, or None on an engine whose metrics can't be asked for."""
        from foreview.impact import Read

        stages = [one for one in self._stages() if one.stageId() > self._stage]
        if not stages:
            return None
        reading = {one.stageId() for one in stages if one.inputBytes()}
        queries = [
            one.executionId()
            for one in self._queries()
            if one.executionId() > self._query and reading.intersection(_stages_of(one))
        ]
        return Read(
            bytes=sum(one.inputBytes() for one in stages),
            files=sum(map(self._files, queries)),
            records=sum(one.inputRecords() for one in stages),
        )

    def _stages(self) -> list[Any]:
        if not hasattr(self._spark, "_jsparkSession"):  # Spark Connect
            return []
        context, gateway = self._spark.sparkContext._jsc.sc(), self._spark.sparkContext._gateway
        context.listenerBus().waitUntilEmpty(10_000)
        jvm = self._spark._jvm
        no_quantiles = gateway.new_array(jvm.double, 0)
        statuses = jvm.java.util.ArrayList()
        return _each(context.statusStore().stageList(None, False, False, no_quantiles, statuses))

    def _queries(self) -> list[Any]:
        if not hasattr(self._spark, "_jsparkSession"):
            return []
        return _each(self._store().executionsList())

    def _store(self) -> Any:
        return self._spark._jsparkSession.sharedState().statusStore()

    def _files(self, query: int) -> int:
        values = self._store().executionMetrics(query)
        scans = [
            node
            for node in _each(self._store().planGraph(query).allNodes())
            if node.name().startswith("Scan")
        ]
        told = [
            values.get(metric.accumulatorId())
            for scan in scans
            for metric in _each(scan.metrics())
            if metric.name() == "number of files read"
        ]
        return sum(int(one.get().replace(",", "")) for one in told if one.isDefined())


def _stages_of(query: Any) -> set[int]:
    return {int(one) for one in query.stages().mkString(",").split(",") if one}


def _each(sequence: Any) -> list[Any]:
    """Return the items of a Scala sequence."""
    return [sequence.apply(place) for place in range(sequence.size())]
