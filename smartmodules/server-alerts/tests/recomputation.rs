//! Compares the keyed process with a simple recomputation, which takes all windows and silences of a server
//! from sorted lists and then processes them in one loop. Any split and order must give the same alerts.

use std::collections::BTreeMap;

use dataflow::{Partition, Registration};
use model::fold::SourceRecord;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};
use server_alerts::ServerAlertsDerivation;

const WINDOW: i64 = 10_000;
const SILENT: i64 = 30_000;
const FORGET: i64 = 60_000;

/// A report. Loads are in tenths of a percent, so that sums are exact and values can equal a threshold
/// exactly.
#[derive(Clone, Copy, Debug)]
struct Report {
    ms: i64,
    server: usize,
    cpu: i64,
    memory: i64,
    latency_ms: i64,
    /// The region and the type, which do not affect when alerts open and close.
    place: [&'static str; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ServerEvent {
    WindowEnds(i64),
    SilenceIsTooLong { last: i64 },
    IsForgotten { last: i64 },
    ReportsAgain { last: i64 },
}

/// When the alert opened, when it closed, its value, and whether the server was forgotten.
type Alert = (i64, Option<i64>, f64, bool);

fn recomputed(reports: &[Report]) -> BTreeMap<(usize, &'static str), Vec<Alert>> {
    let end = reports
        .iter()
        .map(|report| report.ms + 1)
        .max()
        .unwrap_or(0);
    let mut alerts = BTreeMap::new();
    for server in 0..3 {
        let mine = reports.iter().filter(|report| report.server == server);
        let mine: Vec<Report> = mine.copied().collect();
        let mut found = Vec::new();
        recompute_server(&mine, end, &mut found);
        for (condition, alert) in found {
            alerts
                .entry((server, condition))
                .or_insert_with(Vec::new)
                .push(alert);
        }
    }
    alerts
}

fn recompute_server(reports: &[Report], end: i64, found: &mut Vec<(&'static str, Alert)>) {
    let mut windows: BTreeMap<i64, Vec<Report>> = BTreeMap::new();
    for report in reports {
        windows
            .entry(report.ms / WINDOW * WINDOW + WINDOW)
            .or_default()
            .push(*report);
    }
    let mut loads = [(None, 0, 0.0); 3];
    let mut silent = None;
    for (at, event) in server_events(reports, &windows, end) {
        match event {
            ServerEvent::WindowEnds(at) => {
                for (load, measured) in loads.iter_mut().zip(measure(&windows[&at])) {
                    judge(load, at, measured, found);
                }
            }
            ServerEvent::SilenceIsTooLong { last } => {
                silent = Some(last + SILENT);
                loads.iter_mut().for_each(|load| load.1 = 0);
                found.push(("silent", (last + SILENT, None, 30.0, false)));
            }
            ServerEvent::ReportsAgain { last } => {
                if let Some(opened) = silent.take() {
                    let silence = (at - last) as f64 / 1_000.0;
                    found.push(("silent", (opened, Some(at), silence, false)));
                }
            }
            ServerEvent::IsForgotten { last } => {
                let closed = Some(last + FORGET);
                for (name, load) in NAMES.into_iter().zip(std::mem::take(&mut loads)) {
                    if let Some(opened) = load.0 {
                        found.push((name, (opened, closed, load.2, true)));
                    }
                }
                if let Some(opened) = silent.take() {
                    found.push(("silent", (opened, closed, 60.0, true)));
                }
            }
        }
    }
}

const NAMES: [&str; 3] = ["cpu", "memory", "latency"];

/// Returns everything that happens to one server up to `end`, in order.
fn server_events(
    reports: &[Report],
    windows: &BTreeMap<i64, Vec<Report>>,
    end: i64,
) -> Vec<(i64, ServerEvent)> {
    let mut server_events: Vec<_> = windows
        .keys()
        .map(|at| (*at, ServerEvent::WindowEnds(*at)))
        .collect();
    let mut times: Vec<i64> = reports.iter().map(|report| report.ms).collect();
    times.sort_unstable();
    for (index, last) in times.iter().copied().enumerate() {
        let next = times.get(index + 1).copied().unwrap_or(i64::MAX);
        if next - last > SILENT {
            server_events.push((last + SILENT + 1, ServerEvent::SilenceIsTooLong { last }));
        }
        if next - last > FORGET {
            server_events.push((last + FORGET + 1, ServerEvent::IsForgotten { last }));
        }
        if next < i64::MAX {
            server_events.push((next, ServerEvent::ReportsAgain { last }));
        }
    }
    server_events.sort();
    server_events.retain(|(at, _)| *at <= end);
    server_events
}

/// Returns for CPU, memory and latency: the name, the value, whether it is above the threshold, and whether
/// it is below the closing limit.
fn measure(reports: &[Report]) -> [(&'static str, f64, bool, bool); 3] {
    let readings = reports.len() as i64;
    let mean = |name, of: fn(&Report) -> i64| {
        let sum: i64 = reports.iter().map(of).sum();
        let (above, below) = (sum > 800 * readings, sum < 750 * readings);
        (name, sum as f64 / readings as f64 / 10.0, above, below)
    };
    let mut latencies: Vec<i64> = reports.iter().map(|report| report.latency_ms).collect();
    latencies.sort_unstable();
    let p95 = latencies[95 * (latencies.len() - 1) / 100];
    [
        mean("cpu", |report| report.cpu),
        mean("memory", |report| report.memory),
        ("latency", p95 as f64, p95 > 250, p95 < 225),
    ]
}

/// Processes a window's result from [`measure`]. The first parameter is the state of one measure: when its alert
/// opened, the number of consecutive windows that call for a change, and the last value.
fn judge(
    (opened, in_a_row, last): &mut (Option<i64>, u32, f64),
    at: i64,
    (name, value, above, below): (&'static str, f64, bool, bool),
    found: &mut Vec<(&'static str, Alert)>,
) {
    *last = value;
    let wanted = if opened.is_some() { below } else { above };
    *in_a_row = if wanted { *in_a_row + 1 } else { 0 };
    if *in_a_row == 2 {
        *in_a_row = 0;
        let closed = opened.map(|_| at);
        found.push((name, (opened.unwrap_or(at), closed, value, false)));
        *opened = if opened.is_some() { None } else { Some(at) };
    }
}

/// Returns the alerts that the runner's own code raises, by server and condition.
fn derived(batches: &[Vec<Report>]) -> BTreeMap<String, Vec<Value>> {
    let params = [("forget_s", "60")].into_iter().collect();
    let registration = Registration::keyed::<ServerAlertsDerivation>();
    let mut offline = registration.offline(&params, 2).expect("parameters");
    let mut next_offsets = [0, 0];
    for batch in batches {
        for (partition, next_offset) in Partition::all().zip(&mut next_offsets) {
            // All reports of a server are in the same partition.
            let texts = batch
                .iter()
                .filter(|report| report.server % 2 == partition.index());
            let texts: Vec<String> = texts.map(text).collect();
            let records = (*next_offset..).zip(&texts);
            let header = offline.batch(
                partition,
                records.map(|(offset, text)| SourceRecord::new(offset, None, text.as_bytes())),
            );
            assert_eq!(header.accepted as usize, texts.len());
            *next_offset += texts.len() as i64;
        }
    }
    let mut alerts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, value) in offline.finish().expect("JSON") {
        let value = serde_json::from_slice(&value).expect("JSON");
        alerts.entry(key).or_default().push(value);
    }
    alerts
}

fn text(report: &Report) -> String {
    let tenths = |value: i64| value as f64 / 10.0;
    let time = model::Timestamp::from_millis(report.ms);
    json!({
        "event_name": "server_metric",
        "event_timestamp": time.to_string(),
        "parameters": {"server_id": format!("s|{}", report.server), "cpu_load": tenths(report.cpu),
            "memory_usage": tenths(report.memory), "latency": report.latency_ms},
        "server_data": {"region": report.place[0], "server_type": report.place[1]},
    })
    .to_string()
}

/// Returns the region and type in the server's latest report as of `at`, when an alert opened or closed. A report at
/// `at` itself counts only for `silent`, whose alert it closes. Other alerts open and close at the end of a window, to
/// which that report does not belong, or when the server is forgotten; then there is no report at `at`.
fn place(reports: &[Report], server: usize, condition: &str, at: i64) -> [&'static str; 2] {
    let until = if condition == "silent" { at } else { at - 1 };
    let mine = reports.iter().filter(|report| report.server == server);
    let latest = mine
        .filter(|report| report.ms <= until)
        .max_by_key(|report| report.ms);
    latest.expect("a report").place
}

fn agree(
    found: &BTreeMap<String, Vec<Value>>,
    expected: &BTreeMap<(usize, &str), Vec<Alert>>,
    reports: &[Report],
) -> Result<(), TestCaseError> {
    let keys: Vec<String> = expected
        .keys()
        .map(|(server, condition)| format!("s%7C{server}|{condition}"))
        .collect();
    prop_assert_eq!(
        found.keys().collect::<Vec<_>>(),
        keys.iter().collect::<Vec<_>>()
    );
    for (rows, ((server, condition), alerts)) in found.values().zip(expected) {
        let mut alerts = alerts.clone();
        alerts.sort_by_key(|alert| (alert.0, alert.1));
        prop_assert_eq!(rows.len(), alerts.len());
        for (row, (opened, closed, value, forgotten)) in rows.iter().zip(alerts) {
            let place = place(reports, *server, condition, closed.unwrap_or(opened));
            prop_assert_eq!([&row["region"], &row["server_type"]], place);
            let time = |ms: i64| json!(model::Timestamp::from_millis(ms).to_string());
            prop_assert_eq!(&row["server_id"], &json!(format!("s|{server}")));
            prop_assert_eq!(&row["condition"], &json!(condition));
            prop_assert_eq!(&row["opened_at"], &time(opened));
            prop_assert_eq!(&row["window_start"], &time(opened));
            prop_assert_eq!(&row["closed_at"], &closed.map_or(Value::Null, time));
            prop_assert_eq!(&row["window_end"], &time(closed.unwrap_or(opened + 1)));
            prop_assert_eq!(&row["revision"], &json!(u32::from(closed.is_some())));
            prop_assert_eq!(row.get("forgotten").is_some(), forgotten);
            let error = if *condition == "latency" {
                0.01 * value
            } else {
                0.0
            };
            let written = row["value"].as_f64().expect("a number");
            prop_assert!(
                (written - value).abs() <= error + 0.000_501,
                "{} is not {}",
                row,
                value
            );
        }
    }
    Ok(())
}

/// Generates reports of three servers. Loads are near both thresholds (75 % and 80 %), exactly at them, or far away.
/// Latencies differ from the thresholds by more than the sketch's error.
fn reports() -> impl Strategy<Value = Vec<Report>> {
    let load = || prop::sample::select(vec![300, 740, 749, 750, 780, 800, 801, 810, 1_000]);
    let latency = prop::sample::select(vec![0, 30, 220, 230, 245, 256, 900]);
    let pause = prop_oneof![
        8 => 0_i64..8_000,
        2 => 8_000_i64..29_000,
        1 => prop::sample::select(vec![29_999_i64, 30_000, 30_001, 60_000, 60_001]),
        1 => 30_000_i64..90_000,
    ];
    let place = prop::array::uniform2(prop::sample::select(vec!["eu", "us"]));
    let one = (pause, 0_usize..3, load(), load(), latency, place);
    prop::collection::vec(one, 1..120).prop_map(|steps| {
        // Reports of one server at the same instant have the same region and type, because otherwise their
        // order would decide which report is the latest.
        let mut places = [["eu"; 2]; 3];
        let mut clocks = [1_731_406_530_000_i64, 1_731_406_533_000, 1_731_406_536_000];
        let report = |(pause, server, cpu, memory, latency_ms, place)| {
            let clock: &mut i64 = &mut clocks[server];
            *clock += pause;
            if pause > 0 {
                places[server] = place;
            }
            Report {
                ms: *clock,
                server,
                cpu,
                memory,
                latency_ms,
                place: places[server],
            }
        };
        steps.into_iter().map(report).collect()
    })
}

proptest! {
    #[test]
    fn any_split_gives_what_a_recomputation_gives(
        reports in reports(),
        dealt in prop::collection::vec(0_usize..5, 120),
    ) {
        let expected = recomputed(&reports);
        let mut batches = vec![Vec::new(); 5];
        reports.iter().zip(dealt).for_each(|(report, batch)| batches[batch].push(*report));
        let whole = derived(std::slice::from_ref(&reports));
        agree(&whole, &expected, &reports)?;
        prop_assert_eq!(&derived(&batches), &whole);
        batches.reverse();
        prop_assert_eq!(&derived(&batches), &whole);
    }
}

/// The random reports must reach every branch; otherwise the property above would prove little.
#[test]
fn random_reports_open_close_and_forget_every_condition() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for _ in 0..200 {
        let reports = reports().new_tree(&mut runner).expect("reports").current();
        for ((_, condition), alerts) in recomputed(&reports) {
            for (_, closed, _, forgotten) in alerts {
                let kind = match (closed, forgotten) {
                    (None, _) => "opened",
                    (Some(_), false) => "closed",
                    (Some(_), true) => "forgotten",
                };
                *seen.entry((condition.to_owned(), kind)).or_default() += 1;
            }
        }
    }
    for condition in ["cpu", "memory", "latency", "silent"] {
        for kind in ["opened", "closed", "forgotten"] {
            let count = seen
                .get(&(condition.to_owned(), kind))
                .copied()
                .unwrap_or(0);
            assert!(count >= 10, "{condition} {kind} {count} times: {seen:?}");
        }
    }
}
