//! Built-in derivations as queries, to compare the speed of both.

use dataflow::{DataflowSpec, Registry, SpecError};

/// Each query has the name of a built-in derivation with `sql-` in front, and computes its measures, or those that a
/// query can.
const QUERIES: &str = r#"
  sql-active-players:
    sql: >
      SELECT COALESCE(game_id, 'default') AS game_id, count(DISTINCT player_id) AS active_players,
             count(DISTINCT session_id) AS sessions, count(*) AS events
      FROM "player-events" GROUP BY TUMBLE('10s'), COALESCE(game_id, 'default')
  sql-level-engagement:
    sql: >
      SELECT COALESCE(game_id, 'default') AS game_id, level_id, map_id, count(*) AS events,
             count(DISTINCT player_id) AS active_players, count(DISTINCT session_id) AS sessions,
             count(*) FILTER (WHERE event_type = 'move') AS moves,
             count(*) FILTER (WHERE event_type = 'interaction') AS interactions,
             count(*) FILTER (WHERE event_type = 'level_complete') AS level_completes,
             count(DISTINCT session_id) FILTER (WHERE event_type = 'level_complete') AS completing_sessions
      FROM "player-events" GROUP BY TUMBLE('10s'), COALESCE(game_id, 'default'), level_id, map_id
  sql-player-activity:
    sql: >
      SELECT COALESCE(game_id, 'default') AS game_id, player_id, count(*) AS event_count
      FROM "player-events" GROUP BY TUMBLE('5s'), COALESCE(game_id, 'default'), player_id
  sql-server-health:
    sql: >
      SELECT server_id, max(region) AS region, max(server_type) AS server_type, count(*) AS samples,
             avg(cpu_load) AS cpu_mean, max(cpu_load) AS cpu_max, avg(memory_usage) AS memory_mean,
             max(memory_usage) AS memory_max, avg(latency_ms) AS latency_mean, max(latency_ms) AS latency_max,
             quantile(latency_ms, 0.5) AS p50, quantile(latency_ms, 0.95) AS p95, quantile(latency_ms, 0.99) AS p99
      FROM "server-metrics" GROUP BY TUMBLE('10s'), server_id
"#;

/// Returns the dataflow file at the root, with the queries as further derivations.
pub fn dataflow(registry: &Registry) -> Result<DataflowSpec, SpecError> {
    let built_in = include_str!("../../dataflow.yaml");
    DataflowSpec::parse(&format!("{built_in}{QUERIES}"), registry)
}
