//! The snapshot format of keyed processes.

use model::{RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

use super::facts::FactPosition;

/// The states of all keys of a derivation.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved<S, F> {
    pub(super) followed_to: Option<Timestamp>,
    pub(super) last_time: Option<Timestamp>,
    pub(super) keys: Vec<SavedKey<S, F>>,
}

/// The state of one key.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedKey<S, F> {
    pub(super) key: RecordKey,
    pub(super) state: S,
    pub(super) version: usize,
    pub(super) waiting: Vec<(FactPosition, F)>,
}

/// Same format as [`Saved`], but borrows the states.
#[derive(Serialize)]
pub(super) struct SavedRef<'s, S, F> {
    pub(super) followed_to: Option<Timestamp>,
    pub(super) last_time: Option<Timestamp>,
    pub(super) keys: Vec<SavedKeyRef<'s, S, F>>,
}

/// Same format as [`SavedKey`], but borrows the state.
#[derive(Serialize)]
pub(super) struct SavedKeyRef<'s, S, F> {
    pub(super) key: &'s RecordKey,
    pub(super) state: &'s S,
    pub(super) version: usize,
    pub(super) waiting: Vec<&'s (FactPosition, F)>,
}
