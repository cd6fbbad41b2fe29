//! Reports whether the cluster is reachable, and which topics are loading, stale or missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use client::{ClientError, Cluster, Partition};
use model::Timestamp;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::broadcast::Broadcast;
use crate::limits::{ACCOUNTS_PERIOD_MS, PULSE_PERIOD, PULSE_TIMEOUT, STALE_GRACE_MS};
use crate::store::{Store, Topic, now};
use crate::views::View;

/// Names of topics, by view.
type ByView = BTreeMap<&'static str, Vec<&'static str>>;

/// The status that every browser receives regularly.
#[derive(Debug, Serialize)]
struct Status {
    now: Timestamp,
    cluster: ClusterStatus,
    /// Whether the history of a topic is still being read.
    filling: bool,
    /// The topics of the dataflow file that the views use.
    topics: BTreeMap<&'static str, TopicStatus>,
    /// The views for which the dataflow file has a topic.
    views: Vec<&'static str>,
    /// For each view, the topics whose next rows are overdue.
    stale: ByView,
    /// For each view, the topics that cannot be read.
    missing: ByView,
}

/// The result of the last check of the cluster.
#[derive(Clone, Debug, Serialize)]
struct ClusterStatus {
    reachable: bool,
    /// The time at which `reachable` last changed.
    since: Timestamp,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum TopicStatus {
    /// The topic does not exist, or cannot be read.
    Missing,
    /// The topic's history is still being read.
    Filling,
    /// The topic has no records.
    Empty,
    /// The topic's next rows are overdue.
    Stale,
    Live,
}

/// Checks the cluster and sends the status to the browsers, until the future is dropped.
///
/// `topics` are those of the dataflow file.
pub(crate) async fn follow(broadcast: Arc<Broadcast>, cluster: Cluster, topics: Vec<Topic>) {
    let mut cluster_status = ClusterStatus {
        reachable: true,
        since: now(),
        reason: None,
    };
    let mut ticks = interval(PULSE_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reason = last_error(&cluster).await;
        if cluster_status.reachable != reason.is_none() {
            (cluster_status.reachable, cluster_status.since) = (reason.is_none(), now());
        }
        cluster_status.reason = reason;
        let status = status(&broadcast.store(), &topics, &cluster_status);
        // Serialising names, numbers and texts cannot fail.
        broadcast
            .status
            .send_replace(Bytes::from(serde_json::to_vec(&status).unwrap_or_default()));
    }
}

async fn last_error(cluster: &Cluster) -> Option<String> {
    let asked = cluster.end_offset(Topic::Accounting.name(), Partition(0));
    match timeout(PULSE_TIMEOUT, asked).await {
        // A cluster that reports a missing topic is reachable.
        Ok(Ok(_) | Err(ClientError::TopicMissing { .. })) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("`{}` does not respond", cluster.address())),
    }
}

fn status(store: &Store, topics: &[Topic], cluster: &ClusterStatus) -> Status {
    let now = now();
    let states = topics
        .iter()
        .map(|&topic| (topic, state(store, topic, now.as_millis())));
    let states: Vec<_> = states.collect();
    let views = View::ALL
        .into_iter()
        .filter(|view| view.has_rows_of(topics));
    let by_view = |wanted: TopicStatus| -> ByView {
        let of = |view: View| {
            let topics = states
                .iter()
                .filter(|(topic, state)| *state == wanted && view.topics().contains(topic));
            (view.name(), topics.map(|(topic, _)| topic.name()).collect())
        };
        View::ALL.map(of).into()
    };
    Status {
        now,
        cluster: cluster.clone(),
        filling: states
            .iter()
            .any(|(_, state)| *state == TopicStatus::Filling),
        stale: by_view(TopicStatus::Stale),
        missing: by_view(TopicStatus::Missing),
        views: views.map(View::name).collect(),
        topics: states
            .iter()
            .map(|(topic, state)| (topic.name(), *state))
            .collect(),
    }
}

/// Computes the status of a topic. Topics with windows and `accounting` receive rows on a schedule, so they can be
/// stale. Topics of alerts, sessions and dead letters cannot.
fn state(store: &Store, topic: Topic, now: i64) -> TopicStatus {
    let known = store.state(topic);
    let period = match topic {
        Topic::Accounting => Some(ACCOUNTS_PERIOD_MS),
        _ => topic.has_windows().then_some(known.window_ms),
    };
    let overdue = |arrived| period.is_some_and(|period| now - arrived > period + STALE_GRACE_MS);
    match known.arrived_ms {
        _ if known.last_error.is_some() => TopicStatus::Missing,
        _ if !known.filled => TopicStatus::Filling,
        None => TopicStatus::Empty,
        Some(arrived) if overdue(arrived) => TopicStatus::Stale,
        Some(_) => TopicStatus::Live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_stale_within_five_seconds_of_its_due_time() {
        let mut store = Store::new();
        assert_eq!(state(&store, Topic::ActivePlayers, 0), TopicStatus::Filling);
        let known = store.state_mut(Topic::ActivePlayers);
        known.filled = true;
        assert_eq!(state(&store, Topic::ActivePlayers, 0), TopicStatus::Empty);
        let known = store.state_mut(Topic::ActivePlayers);
        (known.arrived_ms, known.window_ms) = (Some(1_000), 10_000);
        assert_eq!(
            state(&store, Topic::ActivePlayers, 12_000),
            TopicStatus::Live
        );
        assert_eq!(
            state(&store, Topic::ActivePlayers, 1_000 + 10_000 + 5_000),
            TopicStatus::Stale
        );
        store.state_mut(Topic::ActivePlayers).last_error = Some("gone".to_owned());
        assert_eq!(
            state(&store, Topic::ActivePlayers, 12_000),
            TopicStatus::Missing
        );
    }

    #[test]
    fn topics_of_alerts_are_never_stale() {
        let mut store = Store::new();
        let known = store.state_mut(Topic::FraudAlerts);
        (known.filled, known.arrived_ms) = (true, Some(0));
        assert_eq!(
            state(&store, Topic::FraudAlerts, 1 << 40),
            TopicStatus::Live
        );
    }
}
