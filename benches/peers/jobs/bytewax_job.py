"""The job in bytewax: two processes, each of which reads every other block of the file.

    python -m bytewax.testing -p 2 "bytewax_job:flow('INPUT', 'OUTPUT')"

Each block is folded into one partial for each window and key, before the processes exchange partials. A dataflow step
for each event takes ten times the processor time.
"""

import gc
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.files import DirSink
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

READERS = 2
BLOCK_BYTES = 1 << 23
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW_S = 10
# How long windows wait for out-of-order events. One reader can be far ahead of the other: with 10 minutes, events of
# the slower reader were late. One day is longer than the input, so all windows close at the end of the input.
WAIT = timedelta(days=1)

Keyed = tuple[str, "Partial"]
Row = tuple[str, tuple[int, "Partial"]]


@dataclass
class Partial:
    at: datetime
    events: int = 0
    level_completes: int = 0
    players: set[str] = field(default_factory=set[str])

    def merge(self, other: "Partial") -> "Partial":
        self.events += other.events
        self.level_completes += other.level_completes
        self.players |= other.players
        return self


def event_time(partial: Partial) -> datetime:
    return partial.at


class Blocks(StatefulSourcePartition[bytes, int]):
    """The blocks of one reader. They consist of whole lines; a line belongs to the block in which it begins."""

    def __init__(self, path: str, offset: int) -> None:
        self.file = Path(path).open("rb")
        self.offset = offset

    def next_batch(self) -> list[bytes]:
        self.file.seek(max(self.offset - 1, 0))
        if self.offset:
            self.file.readline()
        block = self.file.read(max(self.offset + BLOCK_BYTES - self.file.tell(), 0))
        if not block:
            raise StopIteration
        if not block.endswith(b"\n"):
            block += self.file.readline()
        self.offset += READERS * BLOCK_BYTES
        return [block]

    def snapshot(self) -> int:
        return self.offset

    def close(self) -> None:
        self.file.close()


class BlocksOfFile(FixedPartitionedSource[bytes, int]):
    def __init__(self, path: str) -> None:
        self.path = path

    def list_parts(self) -> list[str]:
        return [str(number) for number in range(READERS)]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Blocks:
        return Blocks(self.path, resume_state or int(for_part) * BLOCK_BYTES)


def fold(block: bytes) -> list[Keyed]:
    partials: dict[tuple[int, str], Partial] = {}
    for line in block.splitlines():
        event = orjson.loads(line)
        what = event["parameters"]
        at = datetime.fromisoformat(event["event_timestamp"])
        name = f"{what.get('game_id') or 'default'}\t{what['level_id']}\t{what['map_id']}"
        key = int(at.timestamp()) // WINDOW_S, name
        partial = partials.get(key)
        if partial is None:
            partial = partials[key] = Partial(at)
        partial.events += 1
        partial.players.add(what["player_id"])
        partial.level_completes += what["event_type"] == "level_complete"
    return [(name, partial) for (_, name), partial in partials.items()]


def to_json(row: Row) -> tuple[str, str]:
    key, (window, partial) = row
    game_id, level_id, map_id = key.split("\t")
    return key, json.dumps({
        "window_start": window * WINDOW_S * 1000,
        "game_id": game_id,
        "level_id": level_id,
        "map_id": map_id,
        "events": partial.events,
        "players": len(partial.players),
        "level_completes": partial.level_completes,
    })


def flow(source: str, target: str) -> Dataflow:
    gc.disable()  # no object here is part of a reference cycle; collection took a third of the processor time
    Path(target).mkdir(exist_ok=True)
    dataflow = Dataflow("level_engagement")
    blocks = op.input("read", dataflow, BlocksOfFile(source))
    partials = op.flat_map("fold", blocks, fold)
    clock = win.EventClock(ts_getter=event_time, wait_for_system_duration=WAIT)
    windower = win.TumblingWindower(length=timedelta(seconds=WINDOW_S), align_to=EPOCH)
    rows = win.fold_window(
        "merge", partials, clock, windower, lambda: Partial(EPOCH), Partial.merge, Partial.merge
    )
    op.output("write", op.map("rows", rows.down, to_json), DirSink(Path(target), READERS))
    return dataflow
