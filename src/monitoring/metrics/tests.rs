//! Renders a status board with known values and checks the samples.

#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

use std::time::Duration;

use super::*;

fn board() -> (BTreeMap<String, String>, BTreeMap<String, DerivationStatus>) {
    let counts = Counts {
        read: 10,
        accepted: 6,
        rejected: [(Reason::NotJson, 2)].into(),
        late: 1,
        duplicate: 1,
        evicted: 3,
        ahead: 0,
    };
    let mut latency = Latency::default();
    latency.buckets[0] = 3;
    latency.buckets[LATENCY_BOUNDS_MS.len()] = 1;
    latency.sum_ms = 700_500;
    let status = DerivationStatus {
        partitions: vec![Counts::default(), counts],
        partials: 4,
        open: 7,
        written: 5,
        watermark: Some(Timestamp::from_millis(1_000_000)),
        restarts: 2,
        only: Some(client::Partition(1)),
        lag: vec![0, 9],
        at_work: true,
        saved_at: Some(UNIX_EPOCH + Duration::from_secs(1_004)),
        latency,
        ..DerivationStatus::default()
    };
    let name = "level-engagement".to_owned();
    (
        [(name.clone(), "player-events".to_owned())].into(),
        [(name, status)].into(),
    )
}

fn rendered(
    (sources, statuses): (BTreeMap<String, String>, BTreeMap<String, DerivationStatus>),
) -> String {
    let now = UNIX_EPOCH + Duration::from_millis(1_006_500);
    render(&sources, statuses, now).unwrap()
}

#[test]
fn every_number_of_the_board_is_a_sample() {
    let text = rendered(board());
    let of_partition = |name| {
        format!(
            "game_analytics_{name}_total{{derivation=\"level-engagement\",topic=\"player-events\",partition=\"1\"}}"
        )
    };
    let of_derivation = |name| format!("game_analytics_{name}{{derivation=\"level-engagement\"}}");
    for expected in [
        of_partition("records_read") + " 10",
        of_partition("records_accepted") + " 6",
        of_partition("records_late") + " 1",
        of_partition("records_duplicate") + " 1",
        of_partition("records_rejected").replace('}', ",reason=\"not_json\"} 2"),
        of_partition("records_rejected").replace('}', ",reason=\"too_large\"} 0"),
        of_derivation("partials_merged_total") + " 4",
        of_derivation("rows_written_total") + " 5",
        of_derivation("restarts_total") + " 2",
        of_partition("records_evicted") + " 3",
        of_partition("source_lag").replace("_total", "") + " 9",
        of_derivation("reads_one_partition") + " 1.0",
        of_derivation("windows_open") + " 7.0",
        of_derivation("at_work") + " 1.0",
        of_derivation("healthy") + " 1.0",
        of_derivation("watermark_delay_seconds") + " 6.5",
        of_derivation("checkpoint_age_seconds") + " 2.5",
        of_derivation("end_to_end_latency_seconds_count") + " 4",
        of_derivation("end_to_end_latency_seconds_sum") + " 700.5",
        "game_analytics_end_to_end_latency_seconds_bucket{le=\"600.0\",derivation=\"level-engagement\"} 3".to_owned(),
        "game_analytics_end_to_end_latency_seconds_bucket{le=\"+Inf\",derivation=\"level-engagement\"} 4".to_owned(),
    ] {
        assert!(text.lines().any(|line| line == expected), "no `{expected}` in:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn what_is_not_known_is_absent() {
    let (sources, mut statuses) = board();
    for status in statuses.values_mut() {
        (status.watermark, status.saved_at, status.at_work) = (None, None, false);
    }
    let text = rendered((sources, statuses));
    assert!(!text.contains("watermark_delay_seconds{"));
    assert!(!text.contains("checkpoint_age_seconds{"));
    assert!(text.contains("game_analytics_healthy{derivation=\"level-engagement\"} 0.0"));
}

#[test]
fn a_derivation_that_has_not_started_is_there_and_not_healthy() {
    let (sources, _) = board();
    let text = rendered((sources, BTreeMap::new()));
    assert!(text.contains("game_analytics_at_work{derivation=\"level-engagement\"} 0.0"));
    assert!(text.contains("game_analytics_healthy{derivation=\"level-engagement\"} 0.0"));
}
