//! `sessions`: the lengths of sessions, and the number of sessions that start and end over time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ViewContext;
use crate::limits::HISTORY_MS;
use crate::span::Span;
use crate::store::SessionRow;
use crate::symbols::Symbol;

/// The upper bounds of the length buckets, in seconds. The last bucket has no bound.
const LENGTHS_S: &[f32] = &[
    10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0,
];

#[derive(Serialize)]
pub(super) struct Sessions<'a> {
    /// The number of sessions that ended in the span.
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

pub(super) fn view<'a>(context: &ViewContext<'a>) -> Sessions<'a> {
    let span = Span::over(context.range.clone(), 0);
    let (mut starts, mut ends): (Vec<u32>, Vec<u32>) = (span.values(), span.values());
    let mut ended = Vec::new();
    let kept = context.range.start - HISTORY_MS..context.range.end;
    for (_, (start, _), session) in context.store.topics.sessions.range(kept) {
        if !context.wants(session.game) {
            continue;
        }
        let end = start + i64::from(session.length_ms);
        if let Some(piece) = span.index(*start) {
            starts[piece] += 1;
        }
        if let Some(piece) = span.index(end) {
            ends[piece] += 1;
        }
        if context.has(end) {
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
        platforms: platforms(context, &ended),
    }
}

/// Returns a quantile of the session lengths in seconds. `sessions` must be sorted by length.
fn quantile(sessions: &[&SessionRow], percent: usize) -> Option<f32> {
    let last = sessions.len().checked_sub(1)?;
    Some(seconds(sessions[last * percent / 100]))
}

fn seconds(session: &SessionRow) -> f32 {
    session.length_ms as f32 / 1_000.0
}

fn lengths(sessions: &[&SessionRow]) -> Vec<Length> {
    let ends = LENGTHS_S.iter().copied().map(Some).chain([None]);
    let mut from_s = 0.0;
    let lengths = ends.map(|to_s| {
        let within = |session: &&&SessionRow| {
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

fn platforms<'a>(context: &ViewContext<'a>, sessions: &[&SessionRow]) -> BTreeMap<&'a str, u32> {
    let mut counts = BTreeMap::<Symbol, u32>::new();
    for session in sessions {
        *counts.entry(session.platform).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(platform, count)| (context.name(platform), count))
        .collect()
}
