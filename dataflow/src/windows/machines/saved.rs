//! State machines as a snapshot holds them.

use model::{RecordKey, Timestamp};
use serde::{Deserialize, Serialize};

use super::Place;

/// All machines of a derivation.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved<S, F> {
    pub(super) followed_to: Option<Timestamp>,
    pub(super) last_time: Option<Timestamp>,
    pub(super) keys: Vec<SavedKey<S, F>>,
}

/// The machine of one key.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedKey<S, F> {
    pub(super) key: RecordKey,
    pub(super) state: S,
    pub(super) version: usize,
    pub(super) waiting: Vec<(Place, F)>,
}

/// [`Saved`] without a copy of the states.
#[derive(Serialize)]
pub(super) struct SavedRef<'s, S, F> {
    pub(super) followed_to: Option<Timestamp>,
    pub(super) last_time: Option<Timestamp>,
    pub(super) keys: Vec<SavedKeyRef<'s, S, F>>,
}

/// [`SavedKey`] without a copy of the state.
#[derive(Serialize)]
pub(super) struct SavedKeyRef<'s, S, F> {
    pub(super) key: &'s RecordKey,
    pub(super) state: &'s S,
    pub(super) version: usize,
    pub(super) waiting: Vec<(&'s Place, &'s F)>,
}
