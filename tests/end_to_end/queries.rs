//! Derivations that are queries, for tests of the runner: with tumbling and hopping windows and sessions, with early
//! rows, with a condition that rows fulfil only at times, and with the first rows of each window.

use client::Record;
use serde_json::Value;

use crate::followed::Followed;
use crate::oracle::{self, Rows};

/// The derivations, as lines of a dataflow file.
pub(crate) const QUERIES: &str = r#"
  sql-level-engagement:
    sql: >
      SELECT COALESCE(game_id, 'default') AS game_id, level_id, map_id,
             count(*) AS events,
             count(DISTINCT player_id) AS active_players,
             count(DISTINCT session_id) AS sessions,
             count(*) FILTER (WHERE event_type = 'move') AS moves,
             count(*) FILTER (WHERE event_type = 'interaction') AS interactions,
             count(*) FILTER (WHERE event_type = 'level_complete') AS level_completes,
             count(DISTINCT session_id) FILTER (WHERE event_type = 'level_complete') AS completing_sessions
      FROM "player-events"
      GROUP BY TUMBLE(INTERVAL '10' SECOND), COALESCE(game_id, 'default'), level_id, map_id
    emit_every: 1s
    partitions: 2
  sql-odd-levels:
    sql: >
      SELECT level_id, count(*) AS events FROM "player-events"
      GROUP BY HOP('5s', '15s'), level_id HAVING count(*) % 2 = 1
    emit_every: 2s
  sql-busiest-players:
    sql: >
      SELECT player_id, count(*) AS events FROM "player-events"
      GROUP BY TUMBLE('10s'), player_id HAVING count(*) % 2 = 1 ORDER BY events DESC LIMIT 10
    emit_every: 1s
    partitions: 2
  sql-busiest-levels:
    sql: >
      SELECT level_id, count(*) AS events FROM "player-events"
      GROUP BY HOP('5s', '15s'), level_id HAVING count(*) % 2 = 1 ORDER BY count(*) DESC LIMIT 3
    emit_every: 2s
  sql-server-load:
    sql: >
      SELECT server_id, count(*) AS samples, avg(cpu_load) AS cpu_mean, max(cpu_load) AS cpu_max,
             quantile(latency_ms, 0.95) AS latency_p95
      FROM "server-metrics" GROUP BY TUMBLE('10s'), server_id
  sql-visits:
    sql: >
      SELECT player_id, count(*) AS events, arg_min(level_id, event_timestamp) AS first_level
      FROM "player-events" GROUP BY SESSION('8s'), player_id
    emit_every: 1s
"#;

/// Returns the derived topics of [`QUERIES`] with their recomputations.
pub(crate) fn queries() -> [Followed; 6] {
    [
        Followed {
            topic: "sql-level-engagement",
            source: "player-events",
            found: not_withdrawn,
            recompute: Box::new(|records| {
                let mut rows = oracle::level_engagement(&oracle::player_events(records));
                let columns = rows.values_mut().filter_map(Value::as_object_mut);
                columns.for_each(|row| drop(row.remove("completion_rate")));
                all_final(rows)
            }),
        },
        Followed {
            topic: "sql-odd-levels",
            source: "player-events",
            found: not_withdrawn,
            recompute: Box::new(|records| all_final(oracle::odd_levels(records, 5_000, 15_000))),
        },
        Followed {
            topic: "sql-busiest-players",
            source: "player-events",
            found: not_withdrawn,
            recompute: Box::new(|records| {
                all_final(oracle::busiest(records, "player_id", (10_000, 10_000), 10))
            }),
        },
        Followed {
            topic: "sql-busiest-levels",
            source: "player-events",
            found: not_withdrawn,
            recompute: Box::new(|records| {
                all_final(oracle::busiest(records, "level_id", (5_000, 15_000), 3))
            }),
        },
        Followed {
            topic: "sql-server-load",
            source: "server-metrics",
            found: oracle::last_revisions,
            recompute: Box::new(oracle::server_load),
        },
        Followed {
            topic: "sql-visits",
            source: "player-events",
            found: not_withdrawn,
            recompute: Box::new(|records| all_final(oracle::visits(records, 8_000))),
        },
    ]
}

/// The derived topics of [`QUERIES`] with hopping windows.
pub(crate) const HOPPING: [&str; 2] = ["sql-odd-levels", "sql-busiest-levels"];

/// Returns the last revision of each row that is not withdrawn.
pub(crate) fn not_withdrawn(records: &[Record]) -> Rows {
    let mut rows = oracle::last_revisions(records);
    rows.retain(|_, row| row["withdrawn"] != true);
    rows
}

/// Marks the rows as final, which the last revision of each row is.
fn all_final(mut rows: Rows) -> Rows {
    rows.values_mut().for_each(|row| row["final"] = true.into());
    rows
}

/// Returns the number of rows of a topic that were written while their windows were open.
pub(crate) fn early_rows(records: &[Record]) -> usize {
    let is_early = |record: &&Record| {
        let row: Value = serde_json::from_slice(&record.value).unwrap();
        row["final"] == false
    };
    records.iter().filter(is_early).count()
}
