"""The what-if on a standalone cluster of two workers, one of which is killed in the middle.

The cluster is started on this machine and stopped again. The receipt must be the one that the
local engine gives. Takes a folder that `bench_what_if.py --keep` has loaded, or loads one:

    python tests/bench/bench_cluster.py --keep FOLDER
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
from bench_what_if import MINUTES, bench_workspace, ten_row_edit

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
DEPLOY = "org.apache.spark.deploy"


def preview_once(options: argparse.Namespace) -> None:
    """Compute the impact in this process; print each model's name, then the receipt."""
    from foreview.engine import open_session
    from foreview.what_if import preview

    workspace = bench_workspace(options.keep, *options.without)
    spark = open_session(workspace)
    change_set = ten_row_edit(workspace, spark, touched=5_000)
    workspace.registry.record_change_set(change_set)
    start = time.monotonic()
    impact = preview(workspace, [change_set.id], progress=lambda name, *_: print(name, flush=True))
    seconds = round(time.monotonic() - start, 1)
    print(json.dumps({"seconds": seconds, "receipt": impact.checksum}), flush=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def cluster(logs: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a master and two workers of one core; yield its address and the workers."""
    port, host = free_port(), "127.0.0.1"
    master = f"spark://{host}:{port}"
    commands = [[f"{DEPLOY}.master.Master", "--host", host, "--port", str(port)]]
    worker = [f"{DEPLOY}.worker.Worker", "--host", host, "--cores", "1", "--memory", "4g", master]
    commands += [worker, worker]
    environment = os.environ | {"SPARK_LOCAL_IP": host}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(commands):
            ports = ["--webui-port", str(free_port())]
            with (logs / f"cluster-{number}.log").open("wb") as log:
                whole = [str(SPARK_CLASS), *command[:1], *ports, *command[1:]]
                started.append(
                    subprocess.Popen(whole, stdout=log, stderr=log, env=environment, cwd=logs)
                )
            time.sleep(5)
        yield master, started[1:]
    finally:
        for one in started:
            one.kill()
            one.wait()


def run(options: argparse.Namespace, environment: dict[str, str], victim: Any = None) -> Any:
    """Run the what-if in a process of its own; kill the victim once viewing is being read."""
    command = [sys.executable, __file__, "--once", "--keep", str(options.keep)]
    command += ["--without", *options.without]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    last = ""
    assert child.stdout
    for line in child.stdout:
        last = line
        if "touched_viewing" in line and victim:
            victim.kill()
            victim = None
    assert child.wait() == 0
    assert victim is None
    return json.loads(last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--without", nargs="*", default=[MINUTES], help="marts to leave out")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        preview_once(options)
        return
    if options.keep is None:
        options.keep = Path(tempfile.mkdtemp(prefix="foreview-bench-"))
        load = [sys.executable, str(Path(__file__).with_name("bench_what_if.py")), "--load-only"]
        subprocess.run([*load, "--keep", str(options.keep), "--rows", "5000000"], check=True)
    told = {"local": run(options, {})}
    for name in ("cluster", "cluster_one_killed"):
        with cluster(options.keep) as (master, workers):
            environment = {"SPARK_MASTER": master, "SPARK_EXECUTOR_MEMORY": "3g"}
            environment |= {"SPARK_LOCAL_IP": "127.0.0.1"}
            told[name] = run(options, environment, workers[1] if "killed" in name else None)
        assert told[name]["receipt"] == told["local"]["receipt"], told
        print(json.dumps({name: told[name]}), file=sys.stderr, flush=True)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
