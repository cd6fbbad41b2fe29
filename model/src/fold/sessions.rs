//! The sessions of one key while its batch is folded.

use crate::merge::Merge;
use crate::time::Timestamp;
use crate::window::Window;

/// The sessions of one key, in the order of time, further apart than the gap.
pub(super) struct Sessions<P>(Vec<Session<P>>);

/// Events with no longer gap between them.
pub(super) struct Session<P> {
    pub(super) span: Window,
    pub(super) events: u64,
    pub(super) partial: P,
}

impl<P> Default for Sessions<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Merge> Sessions<P> {
    /// The partial of the session that an event at `time` belongs to; it may be what joins two.
    pub(super) fn add(&mut self, time: Timestamp, gap_ms: i64) -> &mut P {
        let span = Window::instant(time);
        // Events come nearly in order: the place is at the end.
        let behind = self
            .0
            .iter()
            .rposition(|session| session.span.start <= time);
        let mut place = behind.map_or(0, |index| index + 1);
        if behind.is_some_and(|index| self.0[index].span.is_within(gap_ms, &span)) {
            place -= 1;
        } else if !self
            .0
            .get(place)
            .is_some_and(|next| next.span.is_within(gap_ms, &span))
        {
            self.0.insert(place, Session::at(span));
        }
        self.extend(place, span, gap_ms);
        &mut self.0[place].partial
    }

    fn extend(&mut self, place: usize, span: Window, gap_ms: i64) {
        let session = &mut self.0[place];
        session.span = session.span.join(span);
        session.events += 1;
        let joins = |next: &Session<P>| self.0[place].span.is_within(gap_ms, &next.span);
        if self.0.get(place + 1).is_some_and(joins) {
            let next = self.0.remove(place + 1);
            let session = &mut self.0[place];
            session.span = session.span.join(next.span);
            session.events += next.events;
            session.partial.merge(next.partial);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session<P>> {
        self.0.iter()
    }

    pub(super) fn settle(&mut self) {
        self.0
            .iter_mut()
            .for_each(|session| session.partial.settle());
    }
}

impl<P: Default> Session<P> {
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
        fn any_order_gives_the_sessions_of_the_sorted_times(times in prop::collection::vec(0_i64..200, 1..30)) {
            let mut sessions = Sessions::<Vec<i64>>::default();
            for time in &times {
                sessions.add(Timestamp::from_millis(*time), GAP_MS).push(*time);
            }
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let oracle: Vec<_> = sorted.chunk_by(|a, b| b - a <= GAP_MS).map(<[i64]>::to_vec).collect();
            let found: Vec<_> = sessions.iter().map(|session| {
                let mut times = session.partial.clone();
                times.sort_unstable();
                assert_eq!(session.events, times.len() as u64);
                assert_eq!((session.span.start.as_millis(), session.span.last().as_millis()), (times[0], times[times.len() - 1]));
                times
            }).collect();
            prop_assert_eq!(found, oracle);
        }
    }
}
