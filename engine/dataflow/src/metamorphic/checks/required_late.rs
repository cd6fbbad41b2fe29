//! Computes which events must be late when a single partition is read without a pause. They depend only on the source
//! and the settings, not on the steps of the script.

use std::collections::BTreeMap;

use client::{Offset, Partition, PartitionOffset};

use super::Event;
use crate::metamorphic::kinds::Windowing;
use crate::metamorphic::scripts::Script;

/// The offsets of the events that must be late. An event is late only because of earlier batches, never because of an
/// event in its own batch.
pub(in crate::metamorphic) fn required_late(script: &Script) -> Vec<Offset> {
    let settings = script.settings;
    let mut late = Vec::new();
    let (mut offset, mut greatest) = (0, None::<i64>);
    let mut accepted = Vec::new();
    for batch in &script.source[0] {
        let records = (offset..).zip(batch);
        let events: Vec<_> = records
            .filter_map(|(offset, record)| {
                let (partition, offset) = (Partition(0), Offset(offset));
                Event::of(PartitionOffset { partition, offset }, record)
            })
            .collect();
        if let Some(greatest) = greatest {
            let watermark = greatest - settings.lateness_ms;
            let forgotten = watermark - settings.allowed_lateness_ms;
            let mut its = match settings.kind.windowing() {
                Windowing::Windows { size_ms, hop_ms } => {
                    let pane = |time: i64| time.div_euclid(hop_ms) * hop_ms;
                    of(&events, |event| pane(event.time) + size_ms <= forgotten)
                }
                Windowing::Sessions { gap_ms } => {
                    late_sessions(&events, &accepted, gap_ms, forgotten)
                }
                Windowing::Events => of(&events, |event| event.time < watermark),
            };
            late.append(&mut its);
        }
        greatest = greatest.max(events.iter().map(|event| event.time).max());
        let is_late = |event: &Event| late.contains(&event.at.offset);
        accepted.extend(events.into_iter().filter(|event| !is_late(event)));
        offset += batch.len() as i64;
    }
    late.sort_unstable();
    late
}

fn of(events: &[Event], is_late: impl Fn(&Event) -> bool) -> Vec<Offset> {
    let late = events.iter().filter(|event| is_late(event));
    late.map(|event| event.at.offset).collect()
}

/// Joins a batch's events into sessions. Returns the events of those sessions that begin more than one gap before
/// `forgotten` and do not extend a session that is still in memory.
fn late_sessions(events: &[Event], accepted: &[Event], gap_ms: i64, forgotten: i64) -> Vec<Offset> {
    let mut late = Vec::new();
    let mut keys: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        keys.entry(&event.key).or_default().push(event);
    }
    for (key, mut events) in keys {
        events.sort();
        let mut known: Vec<_> = accepted
            .iter()
            .filter(|event| event.key == key)
            .map(|event| event.time)
            .collect();
        for chain in events.chunk_by(|a, b| b.time - a.time <= gap_ms) {
            known.sort_unstable();
            let (first, last) = (chain[0].time, chain[chain.len() - 1].time);
            let goes_on = known
                .chunk_by(|a, b| b - a <= gap_ms)
                .map(|session| (session[0], session[session.len() - 1]))
                .filter(|(_, end)| end + 1 + 2 * gap_ms > forgotten)
                .any(|(start, end)| start <= first && first <= end + gap_ms && last >= start);
            if first + 1 + gap_ms <= forgotten && !goes_on {
                late.extend(chain.iter().map(|event| event.at.offset));
            } else {
                known.extend(chain.iter().map(|event| event.time));
            }
        }
    }
    late
}
