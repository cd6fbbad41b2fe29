"""Runs the job in this project, on a local cluster whose topic already contains the events: loading is not measured."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from shutil import copytree, rmtree
from types import TracebackType
from typing import IO, Self

import rows
import usage
from cluster import Cluster, stop

DATAFLOW = Path(__file__).parent / "dataflow.yaml"
BATCH = 700  # events in a request: about 350 for each partition, which stores them as one batch
END_GAME = "end-of-input"
END_PLAYERS = 64  # enough for both partitions to receive an event
END_AFTER_S = 3600


def load(events: Path, data: Path, binary: Path) -> None:
    """Writes the events to the topic, in order, and then the events of `end_of_input`."""
    work = data.with_suffix(".loading")
    rmtree(work, ignore_errors=True)
    work.mkdir()
    with Cluster(binary, DATAFLOW, work / "data", work) as cluster:
        cluster.do("provision")
        cluster.start("web-api.log", "web-api", "--web-api-addr", "127.0.0.1:0")
        connection = http.client.HTTPConnection(cluster.address_in("web-api.log"))
        last = b""
        with events.open("rb") as file:
            while batch := list(islice(file, BATCH)):
                last = batch[-1]
                post(connection, batch)
        post(connection, list(end_of_input(last)))
    rmtree(data, ignore_errors=True)
    (work / "data").rename(data)
    rmtree(work)


def post(connection: http.client.HTTPConnection, batch: list[bytes]) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    connection.request("POST", "/v1/player-events", b"".join(batch), headers)
    answer = json.loads(connection.getresponse().read())
    if answer.get("accepted") != len(batch):
        raise RuntimeError(f"the web API answered {answer}")


def end_of_input(last: bytes) -> Iterator[bytes]:
    """Events an hour after `last`. They close all windows. In the other engines, the end of the file closes them."""
    event = json.loads(last)
    at_ms = rows.milliseconds(event["event_timestamp"]) + END_AFTER_S * 1000
    event["event_timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
    event["parameters"]["game_id"] = END_GAME
    for number in range(END_PLAYERS):
        event["parameters"]["player_id"] = f"end_{number}"
        yield json.dumps(event).encode() + b"\n"


def run(data: Path, folder: Path, binary: Path, expected: rows.Rows) -> usage.Usage:
    """Measures a runner on a copy of the topic, from the runner's start until a reader has read all rows."""
    copytree(data, folder / "data")
    found = folder / "rows.json"
    with Cluster(binary, DATAFLOW, folder / "data", folder) as cluster:
        cluster.start(found.name, "consume", "level-engagement", "--beginning", "--follow", "--output", "json")
        pids = [process.pid for process in cluster.running]
        before, began = usage.cpu_s(pids), time.monotonic()
        runner = cluster.start("run.log", "run", "--metrics-addr", "127.0.0.1:0")
        pids.append(runner.pid)
        with MemoryPeak(pids) as memory, found.open("rb") as file:
            cluster.wait_until(Arrival(file, len(expected)).is_complete)
            used = usage.Usage(time.monotonic() - began, usage.cpu_s(pids) - before, memory.peak_mib)
        stop(runner)
    rmtree(folder / "data")
    rows.compare(written(found), expected)
    return used


class Arrival:
    """Counts the rows that are appended to a file. Corrections of rows are not counted."""

    def __init__(self, file: IO[bytes], expected: int) -> None:
        self.file, self.lacking, self.rest = file, expected, b""

    def is_complete(self) -> bool:
        *complete, self.rest = (self.rest + self.file.read()).split(b"\n")
        self.lacking -= sum(b'"revision":0' in line for line in complete)
        return self.lacking <= 0


class MemoryPeak:
    """Samples the memory of processes in a thread."""

    def __init__(self, pids: list[int]) -> None:
        self.pids, self.peak_mib = pids, 0.0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ended.set()
        self.thread.join()

    def sample(self) -> None:
        while not self.ended.wait(usage.SAMPLE_S):
            self.peak_mib = max(self.peak_mib, usage.memory_mib(self.pids))


def written(file: Path) -> rows.Rows:
    """The last revision of each row, without the rows of the events of `end_of_input`."""
    found: rows.Rows = {}
    for row in rows.json_lines([file]):
        if row["game_id"] != END_GAME:
            if "active_players_error" in row:
                raise rows.DifferenceError(f"distinct players are estimated: {row}")
            key = rows.Key(rows.milliseconds(row["window_start"]), row["game_id"], row["level_id"], row["map_id"])
            found[key] = rows.Values(row["events"], row["active_players"], row["level_completes"])
    return found
