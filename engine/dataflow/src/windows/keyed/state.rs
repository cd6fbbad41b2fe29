//! The state of one key, and the versions of the process that can be applied to it.

use client::{Offset, PartitionOffset};
use model::keyed_process::Detection;
use model::{KeyedProcess, RecordKey, Timestamp};

use super::facts::WaitingFacts;
use crate::windows::table::Entry;

/// The process with one version of its parameters, and the offset in each source partition from which the version
/// applies.
pub(super) struct Version<M> {
    pub(super) process: M,
    pub(super) from: Vec<Offset>,
}

/// The index of the newest version that applies to the record at this partition and offset.
pub(super) fn version_at<M>(versions: &[Version<M>], at: PartitionOffset) -> usize {
    let holds = |version: &Version<M>| {
        let from = version.from.get(at.partition.index());
        from.is_none_or(|from| *from <= at.offset)
    };
    versions.iter().rposition(holds).unwrap_or(0)
}

/// The state of one key, and its facts that wait for the watermark.
pub(super) struct KeyState<M: KeyedProcess> {
    pub(super) key: RecordKey,
    pub(super) state: M::State,
    /// The index of the version that processed this key's last fact.
    pub(super) version: usize,
    pub(super) waiting: WaitingFacts<M::Fact>,
    /// The time at which the agenda has this key's timer looked at; `None` if it does not.
    pub(super) looked_at: Option<Timestamp>,
}

impl<M: KeyedProcess> Entry for KeyState<M> {
    fn key(&self) -> &str {
        self.key.as_str()
    }
}

impl<M: KeyedProcess> KeyState<M> {
    pub(super) fn new(key: RecordKey) -> Self {
        Self {
            key,
            state: M::State::default(),
            version: 0,
            waiting: WaitingFacts::default(),
            looked_at: None,
        }
    }

    /// The time of the key's timer; `None` if it has none.
    pub(super) fn timer(&self, versions: &[Version<M>]) -> Option<Timestamp> {
        versions[self.version].process.timer(&self.state)
    }

    /// Whether the key has neither state nor waiting facts.
    pub(super) fn is_empty(&self, versions: &[Version<M>]) -> bool {
        self.waiting.is_empty() && versions[self.version].process.is_empty(&self.state)
    }

    /// Fires the timers up to and including `until`. `fired` is the last timer that has fired.
    pub(super) fn fire(
        &mut self,
        versions: &[Version<M>],
        until: Timestamp,
        fired: &mut Option<Timestamp>,
        detections: &mut Vec<Detection<M::Output>>,
    ) {
        let process = &versions[self.version].process;
        // The comparison with `fired` ends the loop if a timer does not advance. Otherwise it would fire endlessly.
        while let Some(timer) = process.timer(&self.state)
            && timer <= until
            && *fired < Some(timer)
        {
            *fired = Some(timer);
            process.on_timer(&self.key, &mut self.state, timer, detections);
        }
    }
}
