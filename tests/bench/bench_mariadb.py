"""MariaDB: seeds and snapshots beside dbt-mysql's and SQL by hand, submits on a full registry.

Starts a server of its own. dbt-mysql runs as released, with dbt-core 1.7, in an environment that
uv makes. Prints JSON lines: seconds and ratios. Seconds of seeds and snapshots are dbt's own of the
node, those of a submit are spent in the database.

    python tests/bench/bench_mariadb.py --rows 100000 --large 1000000 --change-sets 10000
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

import sqlalchemy as sa
from registries import Clock, ServerStore
from test_registry import added, change_set

from foreview.mariadb_server import Server, running_server
from foreview.registry import Registry

PEER = ("dbt-core==1.7.19", "dbt-mysql==1.7.0", "setuptools<80")
COLUMNS = ("code", "name", "network", "country", "is_nsfw", "launched", "share")
SNAPSHOT = """
{% snapshot history %}
{{ config(target_schema=target.schema, unique_key='code', strategy='check', check_cols='all',
          invalidate_hard_deletes=true) }}
select * from {{ source('bench', 'rows_now') }}
{% endsnapshot %}
"""
SOURCES = "version: 2\nsources: [{name: bench, schema: bench, tables: [{name: rows_now}]}]\n"
COUNT = "select count(*) from {}.rows_now"
INSERT = "insert into rows_now values (%s, %s, %s, %s, %s, %s, %s)"
FIRST = "insert into by_hand select *, now(6), null from rows_now"
CHANGE = """
update rows_now set name = concat(%s, code)
where cast(substring_index(substr(code, 2), '.', 1) as unsigned) %% 100 = %s
"""
OPEN = "select count(*), sum({} is null) from {}"
BY_HAND = """
start transaction;
set @instant = now(6);
create or replace temporary table changed as
select now_.code from {history} as known join {now} as now_ on now_.code = known.code
where known.valid_to is null and not ({same});
update {history} as known join changed on changed.code = known.code
set known.valid_to = @instant where known.valid_to is null;
update {history} as known left join {now} as now_ on now_.code = known.code
set known.valid_to = @instant where known.valid_to is null and now_.code is null;
insert into {history}
select now_.*, @instant, null from {now} as now_
left join {history} as known on known.code = now_.code and known.valid_to is null
where known.code is null;
commit
"""


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--change-sets", type=int, default=10_000)
    parser.add_argument("--only", choices=["seed", "snapshot", "submit"])
    options = parser.parse_args()
    options_of_server = ("--innodb-buffer-pool-size=2G", "--max-allowed-packet=1G")
    with (
        tempfile.TemporaryDirectory(prefix="foreview-bench-") as folder,
        running_server(*options_of_server) as server,
    ):
        if options.only in (None, "seed"):
            tell("seed", **seeds(Path(folder), server, options.rows))
        if options.only in (None, "snapshot"):
            for rows in (options.rows, options.large):
                if rows:
                    tell("snapshot", **snapshots(Path(folder), server, rows, options.rounds))
        if options.only in (None, "submit"):
            tell("submit", **submits(server, options.change_sets))


def tell(what: str, **figures: Any) -> None:
    """Print a line."""
    print(json.dumps({"what": what, **figures}), flush=True)


def make_rows(rows: int) -> list[tuple[Any, ...]]:
    """Return rows as of channels, the same in each run."""
    draw = random.Random(1)
    return [
        (
            f"C{number}.us",
            f'Channel {number} of "{draw.randrange(500)}"',
            f"N{draw.randrange(3000)}",
            draw.choice(["US", "DE", "FR", "BR"]),
            draw.choice(["true", "false"]),
            f"{draw.randrange(1950, 2026)}-01-01",
            f"{draw.random():.4f}",
        )
        for number in range(rows)
    ]


def seeds(folder: Path, server: Server, rows: int) -> dict[str, Any]:
    """Load a seed by our adapter and by dbt-mysql as released."""
    project = make_project(folder / "seed", server)
    with (project / "seeds" / "rows_now.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(make_rows(rows))
    peer = folder / "peer"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(peer)], check=True)
    python = str(peer / "bin" / "python")
    install = ["uv", "pip", "install", "-q", "--no-config", "--python", python, *PEER]
    subprocess.run(install, check=True)
    ours = [run_node(project, "ours", "seed", "--full-refresh") for _ in range(3)]
    theirs = run_node(project, "peer", "seed", "--full-refresh", dbt=str(peer / "bin" / "dbt"))
    with server.connect() as connection, connection.cursor() as cursor:
        counts = []
        for schema in ("ours", "peer"):
            cursor.execute(COUNT.format(schema))
            counts.append(cursor.fetchone()[0])
    assert counts == [rows, rows], counts
    seconds = statistics.median(ours)
    return {
        "rows": rows,
        "ours": round(seconds, 2),
        "dbt_mysql": round(theirs, 1),
        "times": round(theirs / seconds, 1),
    }


def snapshots(folder: Path, server: Server, rows: int, rounds: int) -> dict[str, Any]:
    """Snapshot a table of which 1% changed, by dbt and by hand, taking turns."""
    project = make_project(folder / f"snapshot{rows}", server)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "set session join_cache_level = 8, join_buffer_size = 67108864,"
            " join_buffer_space_limit = 268435456"
        )
        cursor.execute("create or replace database bench")
        cursor.execute("use bench")
        columns = ", ".join(f"{name} varchar(64)" for name in COLUMNS)
        cursor.execute(f"create table rows_now ({columns}, key (code))")
        cursor.executemany(INSERT, make_rows(rows))
        cursor.execute(
            f"create table by_hand ({columns}, valid_from datetime(6), valid_to datetime(6),"
            " key (code))"
        )
        cursor.execute(FIRST)
        run_node(project, "bench", "snapshot")
        same = " and ".join(f"now_.{name} <=> known.{name}" for name in COLUMNS)
        statements = BY_HAND.format(history="by_hand", now="rows_now", same=same).split(";")
        told: dict[str, list[float]] = {"snapshot": [], "by_hand": []}

        def by_dbt() -> None:
            told["snapshot"].append(run_node(project, "bench", "snapshot"))

        def by_hand() -> None:
            start = time.monotonic()
            for one in statements:
                cursor.execute(one)
            told["by_hand"].append(time.monotonic() - start)

        for number in range(rounds):
            cursor.execute(CHANGE, (f"round {number} ", number))
            for turn in (by_dbt, by_hand) if number % 2 else (by_hand, by_dbt):
                turn()
            for table, end in (("history", "dbt_valid_to"), ("by_hand", "valid_to")):
                cursor.execute(OPEN.format(end, table))
                assert cursor.fetchone() == (rows + (number + 1) * rows // 100, rows), table
    medians = {name: round(statistics.median(one), 2) for name, one in told.items()}
    return {"rows": rows, **medians, "ratio": round(medians["snapshot"] / medians["by_hand"], 2)}


def submits(server: Server, change_sets: int) -> dict[str, Any]:
    """Record change sets of ten rows beside ten thousand others.

    Returns:
        Milliseconds in statements, and of the whole call with commit and Python's work.
    """
    store = ServerStore(server, "registry")
    Registry(store.owner(), Clock())
    registry = Registry(store.url, Clock(), actor="anna")
    for number in range(change_sets):
        registry.record_change_set(ten_rows(number))
    engine = registry._database._engine  # type: ignore[attr-defined]
    seconds, whole = [], []
    for number in range(change_sets, change_sets + 20):
        edit = ten_rows(number)
        start = time.monotonic()
        with counted(engine) as spent:
            registry.record_change_set(edit)
        seconds.append(spent[0])
        whole.append(time.monotonic() - start)
    return {
        "change_sets": change_sets,
        "median_ms": round(statistics.median(seconds) * 1000, 1),
        "most_ms": round(max(seconds) * 1000, 1),
        "median_whole_ms": round(statistics.median(whole) * 1000, 1),
    }


def ten_rows(number: int) -> Any:
    """Return a change set that adds ten rows."""
    return change_set(*(added(f"R{number}.{row}", "N1") for row in range(10)), author="anna")


@contextmanager
def counted(engine: sa.Engine) -> Any:
    """Count the seconds that statements take."""
    spent, start = [0.0], [0.0]

    def before(*_: Any) -> None:
        start[0] = time.monotonic()

    def after(*_: Any) -> None:
        spent[0] += time.monotonic() - start[0]

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
    yield spent
    sa.event.remove(engine, "before_cursor_execute", before)
    sa.event.remove(engine, "after_cursor_execute", after)


def make_project(folder: Path, server: Server) -> Path:
    """Make a dbt project with a target for each adapter."""
    (folder / "seeds").mkdir(parents=True)
    (folder / "snapshots").mkdir()
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(
        "name: bench\nversion: '1.0'\nconfig-version: 2\nprofile: bench\n"
        "flags: {send_anonymous_usage_stats: false}\n"
    )
    (folder / "snapshots" / "history.sql").write_text(SNAPSHOT)
    (folder / "models" / "sources.yml").write_text(SOURCES)
    ours = {"type": "foreview_mariadb", "host": server.host, "port": server.port, "threads": 1}
    ours |= {"user": server.user, "password": "{{ env_var('DBT_ENV_SECRET_BENCH') }}"}
    theirs = ours | {"type": "mariadb", "server": server.host, "username": server.user}
    theirs |= {"schema": "peer", "driver": "MariaDB"}
    for name in ("host", "user"):
        del theirs[name]
    outputs = {name: ours | {"schema": name} for name in ("ours", "bench")} | {"peer": theirs}
    profiles = {"bench": {"target": "ours", "outputs": outputs}}
    (folder / "profiles.yml").write_text(json.dumps(profiles))
    os.environ["DBT_ENV_SECRET_BENCH"] = server.password
    return folder


def run_node(project: Path, target: str, *command: str, dbt: str | None = None) -> float:
    """Run dbt and return its own seconds of the one node."""
    dbt = dbt or str(Path(sys.executable).with_name("dbt"))
    done = subprocess.run(
        [dbt, *command, "--target", target, "--project-dir", ".", "--profiles-dir", "."],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-2000:])
    results = json.loads((project / "target" / "run_results.json").read_text("utf-8"))["results"]
    return float(results[0]["execution_time"])


if __name__ == "__main__":
    main()
