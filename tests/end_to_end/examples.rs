//! Runs each file in `examples` over a whole history. Every derived row must equal a recomputation from the source
//! records that uses none of this project's code.

mod matches;

use std::collections::BTreeMap;
use std::path::Path;

use client::{Cluster, Record};
use dataflow::{DataflowSpec, Registry};
use serde_json::{Value, json};

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, LocalCluster};
use crate::oracle::{self, RECOMPUTATIONS, Recomputation, Rows};

/// The dataflow file with the windows of built-in derivations as queries.
const SEED_METRICS: &str = include_str!("../../examples/seed-metrics.yaml");
const TWO_SUMS: &str = include_str!("../../examples/two-sums.yaml");

/// Returns a query of [`SEED_METRICS`].
pub(crate) fn query(derivation: &str) -> String {
    let dataflow = DataflowSpec::parse(SEED_METRICS, &Registry::default()).unwrap();
    dataflow.derivations[derivation].sql.clone().unwrap()
}

/// Derives the topics of a dataflow file from all records of its sources, and returns the last revisions of their rows.
async fn derive(cluster: &Cluster, file: &DataflowFile) -> BTreeMap<String, Rows> {
    let runner = Runner::at(cluster.address()).dataflow(file);
    let printed = runner.replay_into("all").run();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let mut rows = BTreeMap::new();
    for line in printed.lines() {
        let topic = line.split_once(": read ").unwrap().0;
        let records = harness::records(cluster, topic).await;
        let name = topic.strip_suffix("-all").unwrap().to_owned();
        rows.insert(name, oracle::last_revisions(&records));
    }
    rows
}

/// Compares the rows of each derived topic. The files must have no other derivations.
fn assert_derived(found: &BTreeMap<String, Rows>, expected: &[(&str, Rows)]) {
    let topics = expected.iter().map(|(topic, _)| *topic);
    assert!(
        found.keys().map(String::as_str).eq(topics),
        "in order of name"
    );
    for (topic, rows) in expected {
        assert!(!rows.is_empty(), "`{topic}`");
        let compared = oracle::compare_rows(&found[*topic], rows, tolerance);
        compared.unwrap_or_else(|difference| panic!("`{topic}`: {difference}"));
    }
}

/// Quantiles are exact to within 1 %, and the sum behind an average can be rounded differently.
fn tolerance(path: &str) -> f64 {
    match path {
        "/latency_p50" | "/latency_p95" | "/latency_p99" | "/p95_duration_s" => 0.0101,
        _ => 1e-12,
    }
}

#[test]
fn every_example_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let tested = [SEED_METRICS, TWO_SUMS, matches::MATCH_TELEMETRY];
    let untested = texts.filter(|text| !tested.contains(&text.as_str()));
    let untested: Vec<_> = untested.collect();
    assert!(
        untested.len() == 1 && untested[0].starts_with("# Examples"),
        "{untested:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_metrics() {
    let node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let file = DataflowFile::of(SEED_METRICS);
    let generator = Generator::at(&node.address).dataflow(&file);
    generator.events(20_000).seed(9).broken(0.01).run();
    let found = derive(&cluster, &file).await;
    let mut expected = Vec::new();
    for measures in &SEED_MEASURES {
        let records = harness::records(&cluster, measures.built_in().source).await;
        expected.push((measures.derivation, measures.recompute(&records)));
    }
    assert_derived(&found, &expected);
}

/// A query of [`SEED_METRICS`] with the measures of a built-in derivation.
pub(crate) struct SeedMeasures {
    pub(crate) derivation: &'static str,
    built_in: &'static str,
    /// Changes a row of the built-in derivation into one of the query.
    change: fn(&mut Value),
}

/// The queries of [`SEED_METRICS`], in order of name.
pub(crate) const SEED_MEASURES: [SeedMeasures; 4] = [
    SeedMeasures {
        derivation: "active-players-flat",
        built_in: "active-players",
        change: active_players,
    },
    SeedMeasures {
        derivation: "level-engagement",
        built_in: "level-engagement",
        change: completion_rate,
    },
    SeedMeasures {
        derivation: "player-activity",
        built_in: "player-activity",
        change: |_| {},
    },
    SeedMeasures {
        derivation: "server-health-flat",
        built_in: "server-health",
        change: server_health,
    },
];

impl SeedMeasures {
    /// Returns the recomputation of the built-in derivation.
    pub(crate) fn built_in(&self) -> &'static Recomputation {
        let mut all = RECOMPUTATIONS.iter();
        all.find(|built_in| built_in.topic == self.built_in)
            .unwrap()
    }

    /// Recomputes the query's rows from the records of its source.
    pub(crate) fn recompute(&self, records: &[Record]) -> Rows {
        let built_in = self.built_in();
        let mut rows = (built_in.rows)(&(built_in.accept)(records));
        rows.values_mut().for_each(self.change);
        rows
    }
}

fn active_players(row: &mut Value) {
    let platforms = row["by_platform"].take();
    for (platform, column) in [
        ("PC", "pc_players"),
        ("Console", "console_players"),
        ("Mobile", "mobile_players"),
    ] {
        row[column] = json!(platforms[platform].as_u64().unwrap_or(0));
    }
    row.as_object_mut().unwrap().remove("by_platform");
}

/// The built-in derivation rounds the rate.
fn completion_rate(row: &mut Value) {
    let number = |name: &str| row[name].as_f64().unwrap();
    row["completion_rate"] = json!(number("completing_sessions") / number("sessions"));
}

fn server_health(row: &mut Value) {
    let row = row.as_object_mut().unwrap();
    for (object, column) in [
        ("cpu_load", "cpu"),
        ("memory_usage", "memory"),
        ("latency_ms", "latency"),
    ] {
        let Some(Value::Object(measures)) = row.remove(object) else {
            panic!("`{object}` is an object");
        };
        for (measure, value) in measures {
            row.insert(format!("{column}_{measure}"), value);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sums() {
    let node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let file = DataflowFile::of(TWO_SUMS);
    let generator = Generator::at(&node.address).dataflow(&file);
    generator.events(20_000).seed(10).broken(0.01).run();
    let found = derive(&cluster, &file).await;
    let records = harness::records(&cluster, "player-events").await;
    let expected = [
        (
            "events-by-level",
            oracle::events_by_level(&records, 5_000, 10_000),
        ),
        (
            "events-by-player",
            oracle::events_by_player(&records, 5_000),
        ),
    ];
    assert_derived(&found, &expected);
}
