"""Computes the reference rows of the job, reads the rows that an engine wrote, and compares them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

WINDOW_MS = 10_000
DEFAULT_GAME = "default"  # the game of events without a `game_id`


class Key(NamedTuple):
    window_start: int  # ms
    game_id: str
    level_id: str
    map_id: str


class Values(NamedTuple):
    events: int
    players: int
    level_completes: int


Rows = dict[Key, Values]


class DifferenceError(Exception):
    """An engine's rows differ from those of the reference."""


@dataclass
class Group:
    events: int = 0
    level_completes: int = 0
    players: set[str] = field(default_factory=set[str])


def reference(events: Path) -> Rows:
    """The rows that result from a file of events, computed in plain Python."""
    groups: dict[Key, Group] = {}
    with events.open("rb") as lines:
        for event in map(json.loads, lines):
            what, at_ms = event["parameters"], milliseconds(event["event_timestamp"])
            game_id = what.get("game_id") or DEFAULT_GAME
            key = Key(at_ms - at_ms % WINDOW_MS, game_id, what["level_id"], what["map_id"])
            group = groups.setdefault(key, Group())
            group.events += 1
            group.level_completes += what["event_type"] == "level_complete"
            group.players.add(what["player_id"])
    return {
        key: Values(group.events, len(group.players), group.level_completes) for key, group in groups.items()
    }


def written(target: Path) -> Rows:
    """The rows in a file, or in all files of a folder."""
    files = sorted(path for path in target.rglob("*") if path.is_file()) if target.is_dir() else [target]
    rows: Rows = {}
    for row in json_lines(files):
        start = row["window_start"]
        start = milliseconds(start) if isinstance(start, str) else start
        key = Key(start, row["game_id"], row["level_id"], row["map_id"])
        if key in rows:
            raise DifferenceError(f"{key} is written twice")
        rows[key] = Values(row["events"], row["players"], row["level_completes"])
    return rows


def compare(found: Rows, expected: Rows) -> None:
    """Raises an error with the first difference, in the order of windows."""
    for key in sorted(found.keys() | expected.keys()):
        if found.get(key) != expected.get(key):
            raise DifferenceError(f"{key}: found {found.get(key)}, expected {expected.get(key)}")


def json_lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        with path.open("rb") as lines:
            yield from map(json.loads, lines)


def milliseconds(time: str) -> int:
    """Converts a time such as `2025-01-01T00:00:00.123Z` to milliseconds since the epoch. `T` may be a space."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)
