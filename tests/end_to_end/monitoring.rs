//! Checks that metrics can be parsed and add up. `/health` must report a failure after the cluster is killed, and no
//! failure after it is restarted.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use client::Cluster;
use serde_json::Value;

use crate::commands::{Generator, Runner};
use crate::dataflow_file;
use crate::harness::{self, BINARY, LocalCluster, WAIT_MAX};
use crate::oracle::{RECOMPUTATIONS, Recomputation};

const EVENTS: u64 = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn metrics_add_up_and_health_follows_the_cluster() {
    let mut node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    Generator::at(&node.address)
        .events(EVENTS)
        .broken(0.01)
        .run();
    let runner = Runner::at(&node.address).start();
    let address = runner.line("metrics: ");
    // Leaves out `revenue`, because its windows are too long to wait for.
    let topics = RECOMPUTATIONS.map(|recomputation| recomputation.topic);
    let topics = topics.into_iter().filter(|topic| *topic != "revenue");
    for topic in topics {
        harness::wait_for_derived(&cluster, topic, |rows| !rows.is_empty()).await;
    }
    wait_for_health(&address, 200, "ok");
    assert_counts(&cluster, &address).await;

    let second = Runner::at(&node.address).start();
    let health = wait_for_health(&second.line("metrics: "), 200, "ok");
    assert_eq!(
        health.matches("\"standby\"").count(),
        dataflow_file::derivations().len(),
        "{health}"
    );
    second.stop();

    node.kill();
    assert_reasons(&wait_for_health(&address, 503, "failing"));
    node.restart();
    wait_for_health(&address, 200, "ok");
    // After the restart, no record is missing from the counts or counted twice.
    assert_counts(&cluster, &address).await;

    let (code, text) = get(&address, "/");
    assert!(code == 200 && text.contains("/metrics") && text.contains("/health"));
    assert_eq!(get(&address, "/elsewhere").0, 404);
    for foreign in ["Host: evil.example", "Origin: http://evil.example"] {
        let (code, text) = get_with(&address, "/metrics", foreign);
        assert!(
            code == 403 && text.contains("evil.example"),
            "{code} {text}"
        );
    }
    runner.stop();
    assert!(
        TcpStream::connect(&address).is_err(),
        "the endpoint ends with the process"
    );
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(BINARY)
        .args(["run", "--metrics-addr", &address])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        error.contains("--metrics-addr") && error.contains(&address),
        "{error}"
    );
}

/// Checks that every derivation has read every record of its source, and that each record is in one of the
/// four counters of its partition.
async fn assert_counts(cluster: &Cluster, address: &str) {
    let mut records = 0;
    for (_, source) in dataflow_file::derivations() {
        records += harness::records(cluster, source).await.len() as u64;
    }
    assert!(records >= EVENTS, "{records} records");
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let samples = samples(&get(address, "/metrics").1);
        let read = by_partition(&samples, &["read"]);
        let parts = by_partition(&samples, &["accepted", "rejected", "late", "duplicate"]);
        assert_eq!(read, parts);
        if read.values().sum::<u64>() == records && all_have_watermarks(&samples) {
            let rejected = by_partition(&samples, &["rejected"]);
            assert!(
                rejected.values().any(|count| *count > 0),
                "broken records were sent"
            );
            assert_work(&samples);
            return;
        }
        assert!(Instant::now() < deadline, "read {read:?} of {records}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Checks that `/health` contains a reason for each derivation that fails.
fn assert_reasons(health: &str) {
    let health: Value = serde_json::from_str(health).unwrap();
    let failing: Vec<_> = health["derivations"]
        .as_object()
        .unwrap()
        .values()
        .filter(|derivation| derivation["status"] == "failing")
        .collect();
    assert!(!failing.is_empty(), "{health}");
    for derivation in failing {
        let reasons = derivation["reasons"].as_array().unwrap();
        assert!(!reasons.is_empty(), "{health}");
        assert!(reasons.iter().all(|reason| reason.as_str() != Some("")));
    }
}

/// Whether every derivation has a watermark. After a restart, a derivation has none until it has read its partitions.
fn all_have_watermarks(samples: &BTreeMap<String, f64>) -> bool {
    let watermarks = samples
        .keys()
        .filter(|sample| sample.starts_with("game_analytics_watermark_delay_seconds{"));
    watermarks.count() == dataflow_file::derivations().len()
}

fn assert_work(samples: &BTreeMap<String, f64>) {
    for Recomputation {
        topic: derivation, ..
    } in &RECOMPUTATIONS
    {
        if *derivation == "revenue" {
            continue;
        }
        let value = |name: &str| {
            let sample = format!("game_analytics_{name}{{derivation=\"{derivation}\"}}");
            *samples
                .get(&sample)
                .unwrap_or_else(|| panic!("no `{sample}`: {samples:?}"))
        };
        assert!(value("partials_merged_total") > 0.0);
        assert!(value("rows_written_total") > 0.0);
        assert!(value("end_to_end_latency_seconds_count") > 0.0);
        assert!(value("end_to_end_latency_seconds_count") <= value("rows_written_total"));
        assert_eq!(
            samples[&format!(
                "game_analytics_end_to_end_latency_seconds_bucket{{le=\"+Inf\",derivation=\"{derivation}\"}}"
            )],
            value("end_to_end_latency_seconds_count")
        );
        assert!(value("checkpoint_age_seconds") < 3_600.0);
        assert_eq!((value("at_work"), value("healthy")), (1.0, 1.0));
        assert!(value("watermark_delay_seconds").is_finite() && value("windows_open") >= 0.0);
    }
}

/// Returns the sum of the record counters in `names`, for each derivation, topic and partition.
fn by_partition(samples: &BTreeMap<String, f64>, names: &[&str]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (sample, value) in samples {
        let (name, labels) = sample.split_once('{').unwrap();
        let counted = names
            .iter()
            .any(|counter| name == format!("game_analytics_records_{counter}_total"));
        if counted {
            let place = labels.split(",reason=").next().unwrap();
            *sums
                .entry(place.trim_end_matches('}').to_owned())
                .or_default() += *value as u64;
        }
    }
    sums
}

/// Returns every sample of a metrics text. Each line must be a sample or a known kind of comment.
fn samples(text: &str) -> BTreeMap<String, f64> {
    assert_eq!(text.lines().last(), Some("# EOF"));
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let kind = comment.split(' ').next().unwrap();
            assert!(["HELP", "TYPE", "UNIT", "EOF"].contains(&kind), "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        assert!(
            sample.starts_with("game_analytics_") && sample.ends_with("\"}"),
            "{line}"
        );
        let value: f64 = value
            .parse()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(
            samples.insert(sample.to_owned(), value).is_none(),
            "twice: {line}"
        );
    }
    samples
}

/// Waits until `/health` responds with this status code, checks that the body has this status, and returns the body.
fn wait_for_health(address: &str, code: u16, status: &str) -> String {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let (found, text) = get(address, "/health");
        let health: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            health["derivations"].as_object().unwrap().len(),
            dataflow_file::derivations().len()
        );
        if found == code {
            assert_eq!(health["status"], status, "{text}");
            return text;
        }
        assert!(Instant::now() < deadline, "still {found}: {text}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Sends a request, and returns the status code and the body of the response.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    get_with(address, path, &format!("Host: {address}"))
}

/// Sends a request with an additional header line. If the line is a `Host` header, it replaces the usual one.
fn get_with(address: &str, path: &str, header: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(WAIT_MAX)).unwrap();
    let host = match header.starts_with("Host: ") {
        true => String::new(),
        false => format!("Host: {address}\r\n"),
    };
    let request = format!("GET {path} HTTP/1.1\r\n{host}{header}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, body.to_owned())
}
