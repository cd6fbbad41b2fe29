//! Stores the recent history of every topic that the dashboard shows, as computed from the topic's records.
//!
//! `shown` contains the traits that topics implement, and `topics` contains the list of topics.

mod accounts;
mod samples;
mod senders;
mod shown;
mod topics;

use std::collections::BTreeSet;

use client::Record;
use model::Timestamp;
use thiserror::Error;

pub(crate) use accounts::Account;
pub(crate) use samples::Sample;
pub(crate) use senders::SenderAhead;
pub(crate) use topics::{HealthRow, RevenueRow, SessionRow, Topic, TopicState, Topics};

use crate::symbols::{Symbol, Symbols};
use shown::{FoldContext, Names};

/// The reason why a record is not shown.
#[derive(Debug, Error)]
pub(crate) enum Unshown {
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("its time, {0}, is far in the future")]
    Future(Timestamp),
    #[error("it has {0} bytes, which exceeds the limit")]
    Large(usize),
    #[error("the table of names is full")]
    Names,
}

/// All data that views are computed from.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) symbols: Symbols,
    pub(crate) games: BTreeSet<Symbol>,
    pub(crate) topics: Topics,
    states: [TopicState; Topic::ALL.len()],
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            symbols: Symbols::new(),
            games: BTreeSet::new(),
            topics: Topics::empty(),
            states: Default::default(),
        }
    }

    pub(crate) fn state(&self, topic: Topic) -> &TopicState {
        &self.states[topic as usize]
    }

    pub(crate) fn state_mut(&mut self, topic: Topic) -> &mut TopicState {
        &mut self.states[topic as usize]
    }

    /// Returns the event time up to which a topic is complete.
    pub(crate) fn watermark(&self, topic: Topic) -> Option<Timestamp> {
        let accounts = &self.topics.accounts;
        let accounted = match topic {
            Topic::Accounting => accounts.least_watermark(),
            _ => accounts.watermark(topic.name()),
        };
        self.state(topic).window_end.max(accounted)
    }

    /// Returns the greatest watermark of all topics, or the wall-clock time if no topic has a watermark yet, in
    /// milliseconds since 1970.
    pub(crate) fn clock(&self) -> i64 {
        let newest = Topic::ALL
            .iter()
            .filter_map(|topic| self.watermark(*topic))
            .max();
        newest.unwrap_or_else(now).as_millis()
    }

    /// Folds one record into the state of its topic.
    pub(crate) fn apply(&mut self, topic: Topic, record: &Record) {
        let arrived = record.timestamp_ms.unwrap_or_else(|| now().as_millis());
        let mut context = FoldContext {
            names: Names {
                symbols: &mut self.symbols,
                games: &mut self.games,
            },
            state: &mut self.states[topic as usize],
            arrived,
        };
        let folded = self.topics.fold(topic, record, &mut context);
        let state = self.state_mut(topic);
        if let Err(reason) = folded {
            tracing::debug!(topic = topic.name(), offset = %record.offset, %reason, "a record is not shown");
            state.unshown += 1;
        }
        state.records += 1;
        state.arrived_ms = state.arrived_ms.max(Some(arrived));
    }

    /// Clears the state of a topic that has been deleted and created again.
    pub(crate) fn forget(&mut self, topic: Topic) {
        self.topics.clear(topic);
        *self.state_mut(topic) = TopicState::default();
    }

    /// Returns the names of the games, sorted.
    pub(crate) fn game_names(&self) -> Vec<&str> {
        let games = self.games.iter();
        let mut names: Vec<_> = games.map(|game| self.symbols.name(*game)).collect();
        names.sort_unstable();
        names
    }
}

/// The current wall-clock time.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(client::now_ms())
}

#[cfg(test)]
mod tests;
