//! `sessions`: how long players stay, and when they come and go.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Look;
use crate::limits::HISTORY_MS;
use crate::span::Span;
use crate::store::Session;
use crate::symbols::Sym;

/// Upper ends of the lengths that are counted together, in seconds; the last has none.
const LENGTHS_S: &[f32] = &[
    10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0,
];

#[derive(Serialize)]
pub(super) struct Sessions<'a> {
    /// Sessions that ended within the span.
    sessions: usize,
    median_s: Option<f32>,
    p90_s: Option<f32>,
    events: u64,
    level_completes: u64,
    lengths: Vec<Length>,
    step_ms: i64,
    times: Vec<i64>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    platforms: BTreeMap<&'a str, u32>,
}

#[derive(Serialize)]
struct Length {
    from_s: f32,
    to_s: Option<f32>,
    sessions: u32,
}

pub(super) fn view<'a>(look: &Look<'a>) -> Sessions<'a> {
    let span = Span::over(look.range.clone(), 0);
    let (mut starts, mut ends): (Vec<u32>, Vec<u32>) = (span.values(), span.values());
    let mut ended = Vec::new();
    let kept = look.range.start - HISTORY_MS..look.range.end;
    for (_, (start, _), session) in look.store.sessions.range(kept) {
        if !look.wants(session.game) {
            continue;
        }
        let end = start + i64::from(session.length_ms);
        if let Some(piece) = span.index(*start) {
            starts[piece] += 1;
        }
        if let Some(piece) = span.index(end) {
            ends[piece] += 1;
        }
        if look.has(end) {
            ended.push(session);
        }
    }
    ended.sort_by_key(|session| session.length_ms);
    Sessions {
        sessions: ended.len(),
        median_s: quantile(&ended, 50),
        p90_s: quantile(&ended, 90),
        events: ended.iter().map(|session| u64::from(session.events)).sum(),
        level_completes: ended
            .iter()
            .map(|session| u64::from(session.completes))
            .sum(),
        lengths: lengths(&ended),
        step_ms: span.step_ms,
        times: span.times(),
        starts,
        ends,
        platforms: platforms(look, &ended),
    }
}

/// Of sessions in the order of their length.
fn quantile(sessions: &[&Session], percent: usize) -> Option<f32> {
    let last = sessions.len().checked_sub(1)?;
    Some(seconds(sessions[last * percent / 100]))
}

fn seconds(session: &Session) -> f32 {
    session.length_ms as f32 / 1_000.0
}

fn lengths(sessions: &[&Session]) -> Vec<Length> {
    let ends = LENGTHS_S.iter().copied().map(Some).chain([None]);
    let mut from_s = 0.0;
    let lengths = ends.map(|to_s| {
        let within = |session: &&&Session| {
            let length_s = seconds(session);
            length_s >= from_s && to_s.is_none_or(|to_s| length_s < to_s)
        };
        let length = Length {
            from_s,
            to_s,
            sessions: sessions.iter().filter(within).count() as u32,
        };
        from_s = to_s.unwrap_or(from_s);
        length
    });
    lengths.collect()
}

fn platforms<'a>(look: &Look<'a>, sessions: &[&Session]) -> BTreeMap<&'a str, u32> {
    let mut counts = BTreeMap::<Sym, u32>::new();
    for session in sessions {
        *counts.entry(session.platform).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(platform, count)| (look.name(platform), count))
        .collect()
}
