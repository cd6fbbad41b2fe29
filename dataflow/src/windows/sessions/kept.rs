//! One session in memory.

use model::{Merge, RecordKey, Timestamp, Window};
use serde::{Deserialize, Serialize};

use crate::standing::Standing;

/// Events of one key with no longer gap between them.
#[derive(Clone)]
pub(super) struct Session<P> {
    pub(super) key: RecordKey,
    pub(super) span: Window,
    pub(super) partial: P,
    pub(super) events: u64,
    pub(super) duplicates: u64,
    /// Per contributing partition the first offset: where a restart must read from.
    pub(super) first_offsets: Vec<(usize, i64)>,
    /// The revision that stands in the derived topic.
    pub(super) revision: Option<u32>,
    /// The derived topic's ends before its first row.
    pub(super) derived_from: Option<Vec<i64>>,
    /// When it is looked at next, to see whether it is over.
    pub(super) looked_at: Option<Timestamp>,
}

/// A session as a snapshot holds it.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedSession<P> {
    key: RecordKey,
    span: Window,
    partial: P,
    events: u64,
    duplicates: u64,
    first_offsets: Vec<(usize, i64)>,
}

impl<P: Merge> Session<P> {
    /// What one batch contributes.
    pub(super) fn new(
        key: RecordKey,
        span: Window,
        partial: P,
        events: u64,
        place: (usize, i64),
    ) -> Self {
        Self {
            key,
            span,
            partial,
            events,
            duplicates: 0,
            first_offsets: vec![place],
            revision: None,
            derived_from: None,
            looked_at: None,
        }
    }

    /// Becomes one with another session. The one that begins first keeps its revision.
    pub(super) fn join(&mut self, other: Self) {
        if other.span.start < self.span.start
            || (other.span.start == self.span.start && self.revision.is_none())
        {
            self.revision = other.revision;
        }
        self.span = self.span.join(other.span);
        self.partial.merge(other.partial);
        self.events += other.events;
        for (partition, offset) in other.first_offsets {
            self.contributed(partition, offset);
        }
        self.derived_from = match (self.derived_from.take(), other.derived_from) {
            (Some(a), Some(b)) => Some(a.iter().zip(&b).map(|(a, b)| *a.min(b)).collect()),
            (a, b) => a.or(b),
        };
    }

    fn contributed(&mut self, partition: usize, offset: i64) {
        match self
            .first_offsets
            .iter_mut()
            .find(|(known, _)| *known == partition)
        {
            Some((_, first)) => *first = (*first).min(offset),
            None => self.first_offsets.push((partition, offset)),
        }
    }

    /// What takes back the revision that stands of it, if there is one that is not taken back.
    pub(super) fn withdrawal(&self, standing: &Standing) -> Option<Withdrawn> {
        let row = || standing.row(self.span.start, self.key.as_str());
        let revision = self
            .revision
            .or_else(|| row().filter(|row| !row.withdrawn).map(|row| row.revision))?;
        Some(Withdrawn {
            key: self.key.clone(),
            start: self.span.start,
            revision: revision + 1,
        })
    }

    pub(super) fn save(&self) -> SavedSession<P>
    where
        P: Clone,
    {
        let mut partial = self.partial.clone();
        partial.settle();
        SavedSession {
            key: self.key.clone(),
            span: self.span,
            partial,
            events: self.events,
            duplicates: self.duplicates,
            first_offsets: self.first_offsets.clone(),
        }
    }
}

impl<P> From<SavedSession<P>> for Session<P> {
    fn from(saved: SavedSession<P>) -> Self {
        Self {
            key: saved.key,
            span: saved.span,
            partial: saved.partial,
            events: saved.events,
            duplicates: saved.duplicates,
            first_offsets: saved.first_offsets,
            revision: None,
            derived_from: None,
            looked_at: None,
        }
    }
}

/// A session that was emitted and has become part of another one.
pub(super) struct Withdrawn {
    pub(super) key: RecordKey,
    pub(super) start: Timestamp,
    /// The revision that takes it back.
    pub(super) revision: u32,
}
