//! Running one derivation: its start, its loop, and its restarts.

pub(crate) mod derivation;
pub(crate) mod job;
pub(crate) mod options;
pub(crate) mod reset;
pub(crate) mod run;
