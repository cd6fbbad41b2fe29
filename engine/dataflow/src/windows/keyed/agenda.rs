//! Which keys have to be processed at which time. Most keys have a timer long after their last fact, and each fact
//! moves it to a later time. The agenda therefore does not follow a timer: it looks at the key when the timer was once
//! due, and again when the timer is due then.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use model::Timestamp;

use crate::windows::table::Number;

/// The keys that have to be processed, by time.
#[derive(Default)]
pub(super) struct Agenda {
    /// The keys that have waiting facts, by the time of their first fact. There may be further entries, with times at
    /// which facts were waiting that have been processed since, even of keys that have been removed.
    facts: BinaryHeap<Reverse<(Timestamp, Number)>>,
    /// The keys that have timers, by the time at which to look at the timer. It is not later than the timer.
    timers: BTreeSet<(Timestamp, Number)>,
}

impl Agenda {
    /// Notes that the first waiting fact of a key has this time.
    pub(super) fn await_fact(&mut self, first: Timestamp, number: Number) {
        self.facts.push(Reverse((first, number)));
    }

    /// Notes that the timer of a key is due at `timer`. `looked_at` is stored with the key.
    pub(super) fn await_timer(
        &mut self,
        timer: Timestamp,
        number: Number,
        looked_at: &mut Option<Timestamp>,
    ) {
        if looked_at.is_some_and(|earlier| earlier <= timer) {
            return;
        }
        if let Some(later) = looked_at.replace(timer) {
            self.timers.remove(&(later, number));
        }
        self.timers.insert((timer, number));
    }

    /// Removes a key that has no waiting facts.
    pub(super) fn remove(&mut self, number: Number, looked_at: Option<Timestamp>) {
        if let Some(at) = looked_at {
            self.timers.remove(&(at, number));
        }
    }

    /// Removes the next entry of a key that had a fact before `watermark`, and returns the number of the key.
    pub(super) fn pop_fact(&mut self, watermark: Timestamp) -> Option<Number> {
        let Reverse((first, _)) = self.facts.peek()?;
        if *first >= watermark {
            return None;
        }
        self.facts.pop().map(|Reverse((_, number))| number)
    }

    /// Removes the next entry of a key whose timer has to be looked at by `watermark`, and returns the number of the
    /// key, whose `looked_at` is then outdated.
    pub(super) fn pop_timer(&mut self, watermark: Timestamp) -> Option<Number> {
        self.timers.first().filter(|(at, _)| *at <= watermark)?;
        self.timers.pop_first().map(|(_, number)| number)
    }
}
