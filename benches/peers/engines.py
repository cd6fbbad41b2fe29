"""Defines how each engine is started, with its tuning."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ours
import rows
import usage

JOBS = Path(__file__).parent / "jobs"


@dataclass(frozen=True)
class Input:
    """One input in the two forms that engines read, and the expected rows."""

    events: Path  # a file of JSON lines
    topic: Path  # the data folder of a local cluster
    expected: rows.Rows
    count: int


@dataclass(frozen=True)
class Tools:
    python: Path
    binary: Path


@dataclass(frozen=True)
class Engine:
    name: str
    package: str  # empty for ours
    run: Callable[[Input, Path, Tools], usage.Usage]


def engines() -> list[Engine]:
    return [
        Engine("ours", "", this_project),
        Engine("Flink SQL, streaming", "apache-flink", job("flink_job.py", "streaming")),
        Engine("Flink SQL, batch", "apache-flink", job("flink_job.py", "batch")),
        Engine("bytewax", "bytewax", bytewax),
        Engine("Polars", "polars", job("polars_job.py")),
        Engine("DuckDB", "duckdb", job("duckdb_job.py")),
    ]


def this_project(given: Input, folder: Path, tools: Tools) -> usage.Usage:
    return ours.run(given.topic, folder, tools.binary, given.expected)


def job(script: str, *words: str) -> Callable[[Input, Path, Tools], usage.Usage]:
    def run(given: Input, folder: Path, tools: Tools) -> usage.Usage:
        target = folder / "rows"
        return checked([str(tools.python), str(JOBS / script), *words, str(given.events), str(target)], given, folder)

    return run


def bytewax(given: Input, folder: Path, tools: Tools) -> usage.Usage:
    flow = f"bytewax_job:flow({str(given.events)!r}, {str(folder / 'rows')!r})"
    return checked([str(tools.python), "-m", "bytewax.testing", "--processes", "2", flow], given, folder)


def checked(command: list[str], given: Input, folder: Path) -> usage.Usage:
    environment = {
        "PYTHONPATH": str(JOBS),
        "POLARS_MAX_THREADS": "2",
        "JVM_ARGS": "-Xms4g -Xmx4g -XX:+UseParallelGC",
    }
    used = usage.of_command(command, environment, folder)
    rows.compare(rows.written(folder / "rows"), given.expected)
    return used
