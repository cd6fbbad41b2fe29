//! Groups the events of one batch into sessions.

use serde::Serialize;
use smallvec::SmallVec;

use super::Groups;
use super::slots::Slots;
use crate::emit::Emit;
use crate::merge::Merge;
use crate::partial::{self, BatchHeader, ContributionRef};
use crate::time::Timestamp;
use crate::window::Window;

/// The sessions of each key in one batch.
pub struct BatchSessions<P> {
    keys: Slots<KeySessions<P>>,
    gap_ms: i64,
}

impl<P> BatchSessions<P> {
    pub(super) fn new(gap_ms: i64) -> Self {
        Self {
            keys: Slots::default(),
            gap_ms,
        }
    }
}

impl<P: Merge + Serialize> Groups<P> for BatchSessions<P> {
    fn emitter(&mut self, time: Timestamp, offset: i64) -> impl Emit<P> {
        SessionEmitter {
            keys: &mut self.keys,
            gap_ms: self.gap_ms,
            time,
            offset,
        }
    }

    fn encode(&mut self, header: &BatchHeader, output: &mut Vec<u8>) {
        for slot in self.keys.iter_mut() {
            slot.partial.settle();
        }
        let (mut windows, mut keys) = (Vec::new(), Vec::new());
        for slot in self.keys.iter() {
            for session in &slot.partial.0 {
                windows.push((session.span, 1));
                keys.push(self.keys.text(slot));
            }
        }
        let sessions = self.keys.iter().flat_map(|slot| {
            let sessions = slot.partial.0.iter();
            sessions.map(|session| ContributionRef {
                key_length: slot.key_length(),
                events: session.events,
                partial: &session.partial,
            })
        });
        partial::encode(header, &keys, &windows, sessions, output);
        self.keys.clear();
    }
}

/// Adds an event's contribution to a session of its key.
struct SessionEmitter<'s, P> {
    keys: &'s mut Slots<KeySessions<P>>,
    gap_ms: i64,
    time: Timestamp,
    offset: i64,
}

impl<P: Merge> Emit<P> for SessionEmitter<'_, P> {
    fn offset(&self) -> i64 {
        self.offset
    }

    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P)) {
        let sessions = &mut self.keys.slot(key).partial;
        add(sessions.add(self.time, self.gap_ms));
    }
}

/// The sessions of one key in the order of time. The distance between any two is longer than the gap. Most keys have
/// one session in a batch.
struct KeySessions<P>(SmallVec<[KeySession<P>; 1]>);

/// A run of events in which no event is further than the gap from the next one.
struct KeySession<P> {
    span: Window,
    events: u64,
    partial: P,
}

impl<P> Default for KeySessions<P> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<P: Merge> KeySessions<P> {
    /// Adds an event at `time` to a session and returns the session's partial. The event may merge two sessions
    /// into one.
    fn add(&mut self, time: Timestamp, gap_ms: i64) -> &mut P {
        let span = Window::instant(time);
        // Events arrive almost in order, so the search begins at the end.
        let before = self
            .0
            .iter()
            .rposition(|session| session.span.start <= time);
        let mut index = before.map_or(0, |before| before + 1);
        if before.is_some_and(|before| self.0[before].span.is_within(gap_ms, &span)) {
            index -= 1;
        } else if !self
            .0
            .get(index)
            .is_some_and(|next| next.span.is_within(gap_ms, &span))
        {
            self.0.insert(index, KeySession::at(span));
        }
        self.extend(index, span, gap_ms);
        &mut self.0[index].partial
    }

    fn extend(&mut self, index: usize, span: Window, gap_ms: i64) {
        let session = &mut self.0[index];
        session.span = session.span.join(span);
        session.events += 1;
        let joins = |next: &KeySession<P>| self.0[index].span.is_within(gap_ms, &next.span);
        if self.0.get(index + 1).is_some_and(joins) {
            let next = self.0.remove(index + 1);
            let session = &mut self.0[index];
            session.span = session.span.join(next.span);
            session.events += next.events;
            session.partial.merge(next.partial);
        }
    }

    fn settle(&mut self) {
        self.0
            .iter_mut()
            .for_each(|session| session.partial.settle());
    }
}

impl<P: Default> KeySession<P> {
    fn at(span: Window) -> Self {
        Self {
            span,
            events: 0,
            partial: P::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GAP_MS: i64 = 10;

    impl Merge for Vec<i64> {
        fn merge(&mut self, other: Self) {
            self.extend(other);
        }
    }

    proptest! {
        #[test]
        fn any_order_gives_the_sessions_of_the_sorted_times(
            times in prop::collection::vec(0_i64..200, 1..30),
        ) {
            let mut sessions = KeySessions::<Vec<i64>>::default();
            for time in &times {
                sessions.add(Timestamp::from_millis(*time), GAP_MS).push(*time);
            }
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let oracle: Vec<_> = sorted.chunk_by(|a, b| b - a <= GAP_MS).map(<[i64]>::to_vec).collect();
            let found: Vec<_> = sessions.0.iter().map(|session| {
                let mut times = session.partial.clone();
                times.sort_unstable();
                assert_eq!(session.events, times.len() as u64);
                let span = (session.span.start.as_millis(), session.span.last().as_millis());
                assert_eq!(span, (times[0], times[times.len() - 1]));
                times
            }).collect();
            prop_assert_eq!(found, oracle);
        }
    }
}
