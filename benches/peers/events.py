"""The input: a file of events made by our data generator, the same for all engines."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import IO

from cluster import Cluster

DATAFLOW = Path(__file__).parent / "dataflow.yaml"
START = "2025-01-01T00:00:00Z"
PLAYER_SHARE = 0.8  # less than the share of player events in the generated world, so that there are enough of them


def make(path: Path, count: int, binary: Path) -> None:
    """Writes `count` player events, one per line, in the order in which the world sends them."""
    work = path.with_suffix(".making")
    rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    dataflow = work / "dataflow.yaml"
    dataflow.write_text(DATAFLOW.read_text().replace("partitions: 2", "partitions: 1"))  # one partition keeps the order
    with Cluster(binary, dataflow, work / "data", work) as cluster:
        cluster.do("provision")
        cluster.do("generate", "--events", str(int(count / PLAYER_SHARE) + 1000), "--seed", "1", "--start", START)
        consume(cluster, work / "events", count)
    (work / "events").rename(path)
    rmtree(work)


def consume(cluster: Cluster, path: Path, count: int) -> None:
    command = cluster.command("consume", "player-events", "--beginning", "--output", "json")
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader, path.open("wb") as file:
        assert reader.stdout
        file.writelines(islice(reader.stdout, count))
        reader.kill()
    if lines(path) != count:
        sys.exit(f"the generator made {lines(path)} of {count} player events")


def lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in blocks(file))


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(1 << 20):
        yield block
