"""The job in DuckDB: one SQL statement on two threads.

    duckdb_job.py INPUT OUTPUT
"""

import sys

import duckdb

QUERY = """
COPY (
    SELECT
        epoch_ms(time_bucket(INTERVAL '10 seconds', event_timestamp)) AS window_start,
        coalesce(parameters.game_id, 'default') AS game_id,
        parameters.level_id AS level_id,
        parameters.map_id AS map_id,
        count(*) AS events,
        count(DISTINCT parameters.player_id) AS players,
        count(*) FILTER (WHERE parameters.event_type = 'level_complete') AS level_completes
    FROM read_json($source, format = 'newline_delimited', columns = {
        event_timestamp: 'TIMESTAMP',
        parameters: 'STRUCT(game_id VARCHAR, player_id VARCHAR, event_type VARCHAR, level_id VARCHAR, map_id VARCHAR)'
    })
    GROUP BY ALL
) TO $target (FORMAT json)
"""


def main() -> None:
    source, target = sys.argv[1:]
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    connection.execute(QUERY, {"source": source, "target": target})


if __name__ == "__main__":
    main()
