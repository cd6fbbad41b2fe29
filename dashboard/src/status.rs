//! Whether what is shown is true now: is the cluster there, does anything come.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use client::{ClientError, Cluster};
use model::Timestamp;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::hub::Hub;
use crate::limits::{ACCOUNTS_PERIOD_MS, PULSE_PATIENCE, PULSE_PERIOD, STALE_GRACE_MS};
use crate::store::{Store, Topic, now};
use crate::views::View;

/// Topics by view.
type ByView = BTreeMap<&'static str, Vec<&'static str>>;

/// What every browser hears all the time.
#[derive(Debug, Serialize)]
struct Status {
    now: Timestamp,
    cluster: Beat,
    /// Whether the past is still being read.
    filling: bool,
    topics: BTreeMap<&'static str, State>,
    /// The topics of each view from which nothing has come for too long.
    stale: ByView,
    /// The topics of each view that cannot be read.
    missing: ByView,
}

/// The last word of the cluster.
#[derive(Clone, Debug, Serialize)]
struct Beat {
    reachable: bool,
    /// Since when this is so.
    since: Timestamp,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// There is no such topic, or it cannot be read.
    Missing,
    /// Its past is being read.
    Filling,
    /// It has no records.
    Empty,
    /// Its next rows are overdue.
    Stale,
    Live,
}

/// Asks the cluster and tells the browsers, over and over.
pub(crate) async fn follow(hub: Arc<Hub>, cluster: Cluster) {
    let mut beat = Beat {
        reachable: true,
        since: now(),
        reason: None,
    };
    let mut ticks = interval(PULSE_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reason = trouble(&cluster).await;
        if beat.reachable != reason.is_none() {
            (beat.reachable, beat.since) = (reason.is_none(), now());
        }
        beat.reason = reason;
        let status = status(&hub.store(), &beat);
        // Names, numbers and texts: there is nothing in it that cannot be written.
        hub.status
            .send_replace(Bytes::from(serde_json::to_vec(&status).unwrap_or_default()));
    }
}

async fn trouble(cluster: &Cluster) -> Option<String> {
    let asked = cluster.end_offset(Topic::Accounting.name(), 0);
    match timeout(PULSE_PATIENCE, asked).await {
        // A cluster that says that there is no such topic is there.
        Ok(Ok(_) | Err(ClientError::Configuration { .. })) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("`{}` does not answer", cluster.address())),
    }
}

fn status(store: &Store, beat: &Beat) -> Status {
    let now = now();
    let states = Topic::ALL.map(|topic| (topic, state(store, topic, now.as_millis())));
    let by_view = |wanted: State| -> ByView {
        let of = |view: View| {
            let topics = states
                .iter()
                .filter(|(topic, state)| *state == wanted && topic.feeds().contains(&view));
            (view.name(), topics.map(|(topic, _)| topic.name()).collect())
        };
        View::ALL.map(of).into()
    };
    Status {
        now,
        cluster: beat.clone(),
        filling: states.iter().any(|(_, state)| *state == State::Filling),
        stale: by_view(State::Stale),
        missing: by_view(State::Missing),
        topics: states.map(|(topic, state)| (topic.name(), state)).into(),
    }
}

/// Alerts and sessions come when they come; what has windows, or is published on time, is overdue.
fn state(store: &Store, topic: Topic, now: i64) -> State {
    let known = store.topic(topic);
    let period = match topic {
        Topic::Accounting => Some(ACCOUNTS_PERIOD_MS),
        _ => topic.has_windows().then_some(known.window_ms),
    };
    let overdue = |arrived| period.is_some_and(|period| now - arrived > period + STALE_GRACE_MS);
    match known.arrived_ms {
        _ if known.trouble.is_some() => State::Missing,
        _ if !known.filled => State::Filling,
        None => State::Empty,
        Some(arrived) if overdue(arrived) => State::Stale,
        Some(_) => State::Live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overdue_is_stale_within_five_seconds_of_its_time() {
        let mut store = Store::new();
        assert_eq!(state(&store, Topic::ActivePlayers, 0), State::Filling);
        let known = store.topic_mut(Topic::ActivePlayers);
        known.filled = true;
        assert_eq!(state(&store, Topic::ActivePlayers, 0), State::Empty);
        let known = store.topic_mut(Topic::ActivePlayers);
        (known.arrived_ms, known.window_ms) = (Some(1_000), 10_000);
        assert_eq!(state(&store, Topic::ActivePlayers, 12_000), State::Live);
        assert_eq!(
            state(&store, Topic::ActivePlayers, 1_000 + 10_000 + 5_000),
            State::Stale
        );
        store.topic_mut(Topic::ActivePlayers).trouble = Some("gone".to_owned());
        assert_eq!(state(&store, Topic::ActivePlayers, 12_000), State::Missing);
    }

    #[test]
    fn silence_of_alerts_is_no_staleness() {
        let mut store = Store::new();
        let known = store.topic_mut(Topic::FraudAlerts);
        (known.filled, known.arrived_ms) = (true, Some(0));
        assert_eq!(state(&store, Topic::FraudAlerts, 1 << 40), State::Live);
    }
}
