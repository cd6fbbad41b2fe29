"""The job in Flink SQL: sources, windows and sink all run in the JVM; Python only submits the statements.

    flink_job.py MODE INPUT OUTPUT       MODE: streaming or batch
"""

import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

SETTINGS = {
    "parallelism.default": "2",
    "pipeline.object-reuse": "true",
    "table.local-time-zone": "UTC",
}
# Flink's aggregation strategy: in each mode, the faster one of ONE_PHASE and TWO_PHASE.
PHASES = {"streaming": "ONE_PHASE", "batch": "TWO_PHASE"}

SOURCE = """
CREATE TABLE player_events (
    event_timestamp TIMESTAMP_LTZ(3),
    parameters ROW<game_id STRING, player_id STRING, event_type STRING, level_id STRING, map_id STRING>,
    WATERMARK FOR event_timestamp AS event_timestamp - INTERVAL '2' SECOND
) WITH (
    'connector' = 'filesystem',
    'path' = 'file://{path}',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
)
"""

SINK = """
CREATE TABLE level_engagement (
    window_start TIMESTAMP_LTZ(3),
    game_id STRING,
    level_id STRING,
    map_id STRING,
    events BIGINT,
    players BIGINT,
    level_completes BIGINT
) WITH (
    'connector' = 'filesystem',
    'path' = 'file://{path}',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
)
"""

JOB = """
INSERT INTO level_engagement
SELECT
    CAST(window_start AS TIMESTAMP_LTZ(3)), game_id, level_id, map_id,
    COUNT(*),
    COUNT(DISTINCT player_id),
    COUNT(*) FILTER (WHERE event_type = 'level_complete')
FROM TABLE(TUMBLE(
    DATA => (
        SELECT
            event_timestamp,
            COALESCE(parameters.game_id, 'default') AS game_id,
            parameters.level_id AS level_id,
            parameters.map_id AS map_id,
            parameters.player_id AS player_id,
            parameters.event_type AS event_type
        FROM player_events
    ),
    TIMECOL => DESCRIPTOR(event_timestamp),
    SIZE => INTERVAL '10' SECONDS
))
GROUP BY window_start, window_end, game_id, level_id, map_id
"""


def settings(mode: str) -> EnvironmentSettings:
    return EnvironmentSettings.in_batch_mode() if mode == "batch" else EnvironmentSettings.in_streaming_mode()


def main() -> None:
    mode, source, target = sys.argv[1:]
    tables = TableEnvironment.create(settings(mode))
    for name, value in {**SETTINGS, "table.optimizer.agg-phase-strategy": PHASES[mode]}.items():
        tables.get_config().set(name, value)
    tables.execute_sql(SOURCE.format(path=source))
    tables.execute_sql(SINK.format(path=target))
    tables.execute_sql(JOB).wait()


if __name__ == "__main__":
    main()
