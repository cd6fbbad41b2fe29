//! Asks questions with `sql` about generated events. The rows must equal a recomputation from the source records, and
//! every query in `docs/sql.md` must be valid.

pub(crate) mod declared;
mod follow;
mod saved;

use std::process::Output;

use client::Cluster;
use serde_json::Value;

use crate::commands::Generator;
use crate::examples;
use crate::harness::{self, AnyCluster, LocalCluster};
use crate::oracle::{self, Rows};

const GUIDE: &str = include_str!("../../docs/sql.md");

/// The derived topic `server-health` as a query, without its status.
const SERVER_HEALTH: &str = r#"
    SELECT server_id, count(*) AS samples, avg(cpu_load) AS cpu_mean, max(cpu_load) AS cpu_max,
           avg(latency_ms) AS latency_mean, quantile(latency_ms, 0.95) AS latency_p95
    FROM "server-metrics"
    GROUP BY TUMBLE('10s'), server_id"#;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_queries_equal_a_recomputation() {
    let any = AnyCluster::start();
    let cluster = Cluster::connect(Some(any.address())).await.unwrap();
    let generator = Generator::at(any.address());
    generator.events(20_000).seed(7).broken(0.01).run();

    let records = harness::records(&cluster, "player-events").await;
    let accepted = oracle::player_events(&records);
    let expected = oracle::level_engagement(&accepted);
    let level_engagement = examples::query("level-engagement");
    let (rows, note) = json_rows(any.address(), &level_engagement);
    assert_eq!(rows.len(), expected.len());
    for row in &rows {
        assert_level_row(row, &expected);
    }
    let sum: u64 = rows.iter().map(|row| row["events"].as_u64().unwrap()).sum();
    assert_eq!(sum, accepted.count(), "each event counts once");
    let rejected = records.len() as u64 - accepted.count();
    let left_out: u64 = note.lines().filter_map(left_out).sum();
    assert!(rejected > 0 && left_out == rejected, "{rejected}: {note}");

    let server_health = oracle::RECOMPUTATIONS
        .iter()
        .find(|recomputation| recomputation.topic == "server-health")
        .unwrap();
    let records = harness::records(&cluster, server_health.source).await;
    let expected = (server_health.rows)(&(server_health.accept)(&records));
    let (rows, _) = json_rows(any.address(), SERVER_HEALTH);
    assert_eq!(rows.len(), expected.len());
    for row in &rows {
        assert_server_row(row, &expected);
    }
}

/// Returns the number in a line such as `left out as wrong_type: 12, the first in …`.
fn left_out(line: &str) -> Option<u64> {
    let (_, counted) = line.strip_prefix("left out as ")?.split_once(": ")?;
    counted.split(',').next()?.parse().ok()
}

fn assert_level_row(row: &Value, expected: &Rows) {
    let key = ["game_id", "level_id", "map_id"].map(|field| row[field].as_str().unwrap());
    let expected = expected_row(row, &key.join("|"), expected);
    for measure in [
        "events",
        "active_players",
        "sessions",
        "moves",
        "interactions",
        "level_completes",
        "completing_sessions",
        "window_start",
        "window_end",
    ] {
        assert_eq!(row[measure], expected[measure], "{measure} of {row}");
    }
    // The derivation rounds to four digits.
    assert_near(&row["completion_rate"], &expected["completion_rate"], 1e-4);
}

fn assert_server_row(row: &Value, expected: &Rows) {
    let expected = expected_row(row, row["server_id"].as_str().unwrap(), expected);
    assert_eq!(row["samples"], expected["samples"], "{row}");
    let cpu = &expected["cpu_load"];
    assert_near(&row["cpu_mean"], &cpu["mean"], 1e-4);
    assert_near(&row["cpu_max"], &cpu["max"], 1e-4);
    let latency = &expected["latency_ms"];
    assert_near(&row["latency_mean"], &latency["mean"], 1e-3);
    assert_near(
        &row["latency_p95"],
        &latency["p95"],
        0.021 * latency["p95"].as_f64().unwrap() + 1e-3,
    );
}

fn expected_row<'a>(row: &Value, key: &str, expected: &'a Rows) -> &'a Value {
    let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
    let found = expected.get(&(start.as_millisecond(), key.to_owned()));
    found.unwrap_or_else(|| panic!("no row is expected for {row}"))
}

fn assert_near(found: &Value, expected: &Value, tolerance: f64) {
    let (left, right) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!(
        (left - right).abs() <= tolerance,
        "{found} is not near {expected}"
    );
}

#[test]
fn every_query_of_the_guide_is_valid() {
    let node = LocalCluster::start();
    Generator::at(&node.address).events(5_000).seed(3).run();
    let queries: Vec<&str> = GUIDE
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(
        queries.len() >= 8,
        "only {} queries were found",
        queries.len()
    );
    for query in queries {
        let (rows, _) = json_rows(&node.address, query);
        assert!(!rows.is_empty(), "no rows: {query}");
    }
}

#[test]
fn rows_are_printed_in_each_format_and_only_recent_windows_by_default() {
    let node = LocalCluster::start();
    let query = r#"SELECT platform, sum(amount) AS paid FROM "purchase-events" GROUP BY TUMBLE('1h'), platform
                   ORDER BY platform LIMIT 2"#;
    let old = Generator::at(&node.address).beginning_at("2025-01-01T00:00:00Z");
    old.events(3_000).seed(3).run();
    let (rows, _) = json_rows(&node.address, query);
    let platforms: Vec<&Value> = rows.iter().map(|row| &row["platform"]).collect();
    assert_eq!(platforms, ["Console", "Mobile"], "{rows:?}");
    let recent = ask(&node.address, query, &["--last", "2h"]);
    assert_eq!(String::from_utf8(recent.stdout).unwrap(), "");

    let csv = ask(
        &node.address,
        query,
        &["--from", "beginning", "--output", "csv"],
    );
    let csv = String::from_utf8(csv.stdout).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "window_start,window_end,platform,paid,rank");
    let first = format!(
        "2025-01-01T00:00:00.000Z,2025-01-01T01:00:00.000Z,Console,{},1",
        text(&rows[0]["paid"])
    );
    assert_eq!(lines[1], first);
    let table = ask(
        &node.address,
        query,
        &["--from", "beginning", "--output", "table"],
    );
    let table = String::from_utf8(table.stdout).unwrap();
    let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells, first.split(',').collect::<Vec<_>>());
}

#[test]
fn an_invalid_query_is_explained() {
    let node = LocalCluster::start();
    harness::run(&["provision", "--cluster", &node.address]);
    for (query, expected) in [
        (
            r#"SELECT count(*) AS n FROM "player-event""#,
            "line 1, column 27: unknown source `player-event`",
        ),
        ("SELECT\n  plaform FROM x", "did you mean"),
    ] {
        let output = harness::try_run(&["sql", query, "--cluster", &node.address]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{error}");
        let is_named = error.contains(expected) || error.contains("expected one of");
        assert!(
            error.starts_with("error: invalid query: ") && is_named,
            "{error}"
        );
    }
    let empty = ask(
        &node.address,
        r#"SELECT count(*) AS n FROM "player-events""#,
        &[],
    );
    assert_eq!(String::from_utf8(empty.stdout).unwrap(), "{\"n\":0}\n");
}

/// Returns the rows of a query over all records, and the note about what was read.
fn json_rows(cluster: &str, query: &str) -> (Vec<Value>, String) {
    let output = ask(cluster, query, &["--from", "beginning", "--output", "json"]);
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap());
    (rows.collect(), String::from_utf8(output.stderr).unwrap())
}

fn ask(cluster: &str, query: &str, flags: &[&str]) -> Output {
    let args = [&["sql", query, "--cluster", cluster][..], flags].concat();
    let output = harness::try_run(&args);
    assert!(
        output.status.success(),
        "{query}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
