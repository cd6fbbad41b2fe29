"""The job in Polars: a lazy query, executed by its streaming engine.

    POLARS_MAX_THREADS=2 polars_job.py INPUT OUTPUT
"""

import sys

import polars as pl

PARAMETERS = pl.Struct({
    "game_id": pl.String,
    "player_id": pl.String,
    "event_type": pl.String,
    "level_id": pl.String,
    "map_id": pl.String,
})
SCHEMA = {"event_timestamp": pl.String, "parameters": PARAMETERS}


def main() -> None:
    source, target = sys.argv[1:]
    rows(pl.scan_ndjson(source, schema=SCHEMA)).sink_ndjson(target, engine="streaming")


def rows(events: pl.LazyFrame) -> pl.LazyFrame:
    parameter = pl.col("parameters").struct.field
    at = pl.col("event_timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms")
    keys = [
        at.dt.truncate("10s").dt.epoch("ms").alias("window_start"),
        parameter("game_id").fill_null("default"),
        parameter("level_id"),
        parameter("map_id"),
    ]
    values = [parameter("player_id"), (parameter("event_type") == "level_complete").alias("completes")]
    return events.select(*keys, *values).group_by("window_start", "game_id", "level_id", "map_id").agg(
        pl.len().alias("events"),
        pl.col("player_id").n_unique().alias("players"),
        pl.col("completes").sum().alias("level_completes"),
    )


if __name__ == "__main__":
    main()
