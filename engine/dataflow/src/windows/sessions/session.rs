//! One session in memory.

use client::PartitionOffset;
use model::partial::Contribution;
use model::{Merge, RecordKey, Timestamp, Window};
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};

use crate::output::revisions::{Revision, RowsFrom};
use crate::windows::Origin;
use crate::windows::table::Entry;

/// Events of one key, with no gap between them longer than the configured gap.
#[derive(Clone)]
pub(super) struct Session<P> {
    pub(super) key: RecordKey,
    pub(super) span: Window,
    pub(super) partial: P,
    pub(super) events: u64,
    pub(super) duplicates: u64,
    /// For each partition that contributed, the offset at which its first contributing batch begins. A restart must
    /// read from there.
    pub(super) first_offsets: SmallVec<[PartitionOffset; 1]>,
    /// The revision of the session's row.
    pub(super) revision: Revision,
    /// Whether the row has been emitted since the session was over.
    pub(super) is_final: bool,
    pub(super) rows_from: RowsFrom,
    /// The time of the next check whether the session is over; `None` if no check is scheduled.
    pub(super) looked_at: Option<Timestamp>,
}

/// The snapshot form of a session.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedSession<P> {
    key: RecordKey,
    span: Window,
    partial: P,
    events: u64,
    duplicates: u64,
    first_offsets: SmallVec<[PartitionOffset; 1]>,
}

impl<P> Entry for Session<P> {
    fn key(&self) -> &str {
        self.key.as_str()
    }
}

impl<P: Merge> Session<P> {
    /// A session that consists of one batch's contribution.
    pub(super) fn new(key: RecordKey, contribution: Contribution<P>, origin: Origin) -> Self {
        Self {
            key,
            span: contribution.window,
            partial: contribution.partial,
            events: contribution.events,
            duplicates: 0,
            first_offsets: smallvec![origin.first()],
            revision: Revision::default(),
            is_final: false,
            rows_from: RowsFrom::default(),
            looked_at: None,
        }
    }

    /// Adds the contribution of another batch.
    pub(super) fn add(&mut self, contribution: Contribution<P>, origin: Origin) {
        self.span = self.span.join(contribution.window);
        self.partial.merge(contribution.partial);
        self.events += contribution.events;
        self.contributed(origin.first());
    }

    /// Joins another session of the same key to this one. The result continues the revision of the session that
    /// begins first. If the two begin at different times, the later one is displaced: returns its start and revision.
    pub(super) fn join(&mut self, other: Self) -> Option<(Timestamp, Revision)> {
        let starts = (self.span.start, other.span.start);
        let later = if starts.1 < starts.0 {
            self.revision
        } else {
            other.revision
        };
        if starts.1 < starts.0 || (starts.1 == starts.0 && !self.revision.is_some()) {
            self.revision = other.revision;
            self.is_final = other.is_final;
        }
        self.span = self.span.join(other.span);
        self.partial.merge(other.partial);
        self.events += other.events;
        for first in other.first_offsets {
            self.contributed(first);
        }
        self.rows_from.join(other.rows_from);
        (starts.0 != starts.1).then(|| (starts.0.max(starts.1), later))
    }

    fn contributed(&mut self, first: PartitionOffset) {
        let mut known = self.first_offsets.iter_mut();
        match known.find(|known| known.partition == first.partition) {
            Some(known) => known.offset = known.offset.min(first.offset),
            None => self.first_offsets.push(first),
        }
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
            revision: Revision::default(),
            is_final: false,
            rows_from: RowsFrom::default(),
            looked_at: None,
        }
    }
}
