//! The expected content of the derived topic, computed from the accepted events with plain maps and loops.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use client::PartitionOffset;
use serde_json::{Value, json};

use super::{Event, accepted, events};
use crate::metamorphic::cluster::{Cluster, Topics};
use crate::metamorphic::kinds::{Kind, Windowing};
use crate::metamorphic::merge_history::MergeHistory;
use crate::testing::{RANKS, SILENCE_MS};

/// Rows by window start, key and revision. The revision is 0 unless revisions are compared separately, as those of
/// keyed processes are.
pub(in crate::metamorphic) type Expected = BTreeMap<(i64, String, u32), Said>;

/// The content of a row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::metamorphic) struct Said {
    pub(in crate::metamorphic) window_end: i64,
    pub(in crate::metamorphic) measures: BTreeMap<String, Value>,
}

impl Said {
    fn values<'e>(window_end: i64, events: impl IntoIterator<Item = &'e Event>) -> Self {
        let values: BTreeSet<_> = events.into_iter().map(|event| &event.value).collect();
        Self::of(window_end, "values", json!(values))
    }

    fn of(window_end: i64, name: &str, value: Value) -> Self {
        Self {
            window_end,
            measures: BTreeMap::from([(name.to_owned(), value)]),
        }
    }
}

/// The expected content of the derived topic.
pub(in crate::metamorphic) fn expected(cluster: &Cluster) -> Expected {
    let accepted = accepted(cluster);
    match cluster.settings.kind.windowing() {
        Windowing::Windows { size_ms, hop_ms } => {
            let windows = windows(
                cluster,
                &cluster.runner.history,
                &accepted,
                (size_ms, hop_ms),
            );
            if hop_ms == size_ms {
                let all = windows_of_all(&accepted, size_ms);
                assert_eq!(windows, all, "what is not late is in its window");
            }
            let rows = kept(cluster.settings.kind, windows);
            if cluster.settings.kind.is_ranked() {
                ranked(rows)
            } else {
                rows
            }
        }
        Windowing::Sessions { gap_ms } => sessions(accepted, gap_ms),
        Windowing::Events => followed(accepted),
    }
}

/// The content of the derived topic if no event is late and retention removes no record.
pub(in crate::metamorphic) fn of_all(cluster: &Cluster) -> Expected {
    let events: Vec<_> = events(cluster).collect();
    match cluster.settings.kind.windowing() {
        Windowing::Windows { size_ms, hop_ms } => {
            let mut members: BTreeMap<(i64, String, u32), Vec<&Event>> = BTreeMap::new();
            for event in &events {
                for start in window_starts(event.time, size_ms, hop_ms) {
                    let place = (start, event.key.clone(), 0);
                    members.entry(place).or_default().push(event);
                }
            }
            let said = members.into_iter();
            said.map(|(place, events)| {
                let end = place.0 + size_ms;
                (place, Said::values(end, events))
            })
            .collect()
        }
        Windowing::Sessions { gap_ms } => sessions(events, gap_ms),
        Windowing::Events => followed(events),
    }
}

fn number(said: &Said) -> usize {
    said.measures["values"].as_array().map_or(0, Vec::len)
}

/// Returns the rows that the derivation keeps.
fn kept(kind: Kind, mut rows: Expected) -> Expected {
    let is_filtered = kind == Kind::Filtered || kind.is_ranked();
    rows.retain(|_, said| !is_filtered || number(said) % 2 == 1);
    rows
}

/// Returns the rows of each window with the most values, with their ranks as keys.
fn ranked(rows: Expected) -> Expected {
    let mut windows: BTreeMap<i64, Vec<(String, Said)>> = BTreeMap::new();
    for ((start, key, _), said) in rows {
        windows.entry(start).or_default().push((key, said));
    }
    let mut found = Expected::new();
    for (start, mut rows) in windows {
        // Rows with equally many values remain ordered by key.
        rows.sort_by_key(|(_, said)| Reverse(number(said)));
        for ((key, mut said), rank) in rows.into_iter().take(RANKS).zip(1..) {
            said.measures.insert("key".to_owned(), json!(key));
            found.insert((start, rank.to_string(), 0), said);
        }
    }
    found
}

/// The starts of the windows that contain `time`.
pub(in crate::metamorphic) fn window_starts(
    time: i64,
    size_ms: i64,
    hop_ms: i64,
) -> impl Iterator<Item = i64> {
    let last = time.div_euclid(hop_ms) * hop_ms;
    (0..size_ms / hop_ms).map(move |hops| last - hops * hop_ms)
}

/// Returns the rows of tumbling or hopping windows. Each window contains the events that arrived before it was
/// forgotten.
fn windows(
    topics: &Topics,
    history: &MergeHistory,
    accepted: &[Event],
    (size_ms, hop_ms): (i64, i64),
) -> Expected {
    let mut in_time: BTreeMap<i64, BTreeSet<PartitionOffset>> = topics.left.clone();
    let mut members: BTreeMap<(i64, String, u32), Vec<&Event>> = BTreeMap::new();
    for event in accepted {
        for start in window_starts(event.time, size_ms, hop_ms) {
            let in_time = in_time
                .entry(start)
                .or_insert_with(|| history.in_time_for(start + size_ms));
            if in_time.contains(&event.at) {
                let place = (start, event.key.clone(), 0);
                members.entry(place).or_default().push(event);
            }
        }
    }
    let said = |(place, events): ((i64, String, u32), Vec<&Event>)| {
        let end = place.0 + size_ms;
        (place, Said::values(end, events))
    };
    members.into_iter().map(said).collect()
}

/// Returns the rows of tumbling windows. Each window contains all accepted events of its time, whenever they arrived.
fn windows_of_all(accepted: &[Event], size_ms: i64) -> Expected {
    let mut members: Expected = Expected::new();
    for event in accepted {
        let start = event.time.div_euclid(size_ms) * size_ms;
        let its = |other: &&Event| {
            other.key == event.key && (start..start + size_ms).contains(&other.time)
        };
        let place = (start, event.key.clone(), 0);
        let said = || Said::values(start + size_ms, accepted.iter().filter(its));
        members.entry(place).or_insert_with(said);
    }
    members
}

/// The events of each key, ordered by time.
fn by_key(events: Vec<Event>) -> BTreeMap<String, Vec<Event>> {
    let mut keys: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in events {
        keys.entry(event.key.clone()).or_default().push(event);
    }
    keys.values_mut().for_each(|events| events.sort());
    keys
}

/// Splits the events wherever two consecutive ones are more than `gap_ms` apart.
fn cut(events: &[Event], gap_ms: i64) -> impl Iterator<Item = &[Event]> {
    events.chunk_by(move |a, b| b.time - a.time <= gap_ms)
}

fn sessions(accepted: Vec<Event>, gap_ms: i64) -> Expected {
    let mut sessions = Expected::new();
    for (key, events) in by_key(accepted) {
        for session in cut(&events, gap_ms) {
            let end = session[session.len() - 1].time + 1;
            let place = (session[0].time, key.clone(), 0);
            sessions.insert(place, Said::values(end, session));
        }
    }
    sessions
}

/// The number of accepted events that repeat another event of the same pane or session.
pub(super) fn duplicates(cluster: &Cluster) -> u64 {
    let groups: Vec<Vec<Event>> = match cluster.settings.kind.windowing() {
        Windowing::Events => return 0,
        Windowing::Sessions { gap_ms } => by_key(accepted(cluster))
            .values()
            .flat_map(|events| cut(events, gap_ms).map(<[Event]>::to_vec))
            .collect(),
        Windowing::Windows { hop_ms, .. } => {
            let pane = |event: &Event| event.time.div_euclid(hop_ms);
            by_key(accepted(cluster))
                .values()
                .flat_map(|events| events.chunk_by(|a, b| pane(a) == pane(b)))
                .map(<[Event]>::to_vec)
                .collect()
        }
    };
    let repeated = |events: &Vec<Event>| {
        let values: BTreeSet<_> = events.iter().map(|event| &event.value).collect();
        (events.len() - values.len()) as u64
    };
    groups.iter().map(repeated).sum()
}

/// The rows of a keyed process: one per event, at each third event a revision of the previous event's row, and one
/// row per silence.
fn followed(accepted: Vec<Event>) -> Expected {
    let mut found = Expected::new();
    for (key, events) in by_key(accepted) {
        let mut number = 0;
        let mut before: Option<&Event> = None;
        for (index, event) in events.iter().enumerate() {
            number += 1;
            let what = match before {
                Some(before) => format!("{} after {}", event.value, before.value),
                None => event.value.clone(),
            };
            let mut say = |time: i64, end: i64, key: String, revision: u32, what: String| {
                let said = Said::of(end, "what", json!(what));
                let again = found.insert((time, key, revision), said);
                assert!(again.is_none(), "found twice: {again:?}");
            };
            let time = event.time;
            say(time, time + 1, format!("{key}|{number}"), 0, what);
            if number % 3 == 0 {
                let before = before.expect("the second event");
                let what = format!("{} before {}", before.value, event.value);
                let key = format!("{key}|{}", number - 1);
                say(before.time, before.time + 1, key, 1, what);
            }
            before = Some(event);
            let next = events.get(index + 1).map(|next| next.time);
            if next.is_none_or(|next| next >= time + SILENCE_MS) {
                let what = format!("silent after {number} events");
                say(time, time + SILENCE_MS, format!("{key}|silent"), 0, what);
                if number >= 6 {
                    (number, before) = (0, None);
                }
            }
        }
    }
    found
}
