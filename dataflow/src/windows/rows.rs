//! Rows: derived records with their revision, told apart from what stands already.

use model::derived::Derived;
use model::{RecordKey, Timestamp, Window};
use serde::Serialize;

use crate::standing::Standing;

/// A derived record, ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) window_end: Timestamp,
    pub(crate) revision: u32,
}

impl Row {
    /// Of this key and window.
    pub(super) fn of<T: Serialize>(
        key: &RecordKey,
        window: Window,
        derived: &Derived<T>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            key: key.to_string(),
            value: serde_json::to_vec(derived)?,
            window_end: window.end,
            revision: derived.revision,
        })
    }

    /// The next revision of a row that says this; `None` where it stands already or must not be
    /// touched. `revision` is the last one that this runner knows of.
    pub(super) fn next<T: Serialize>(
        key: &RecordKey,
        window: Window,
        measures: T,
        revision: &mut Option<u32>,
        standing: &Standing,
    ) -> Result<Option<Self>, serde_json::Error> {
        if standing.is_final(window.start, key.as_str()) {
            return Ok(None);
        }
        let mut derived = Derived::new(window, measures, 0);
        if revision.is_none()
            && let Some(row) = standing.row(window.start, key.as_str())
        {
            *revision = Some(row.revision);
            derived.revision = row.revision;
            if serde_json::to_vec(&derived)? == row.value {
                return Ok(None);
            }
        }
        derived.revision = revision.map_or(0, |revision| revision + 1);
        *revision = Some(derived.revision);
        Self::of(key, window, &derived).map(Some)
    }
}
