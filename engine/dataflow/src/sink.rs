//! The destinations of results: output topics, dead letters, accounts (published record counts), and the
//! status board.

pub(crate) mod accounting;
pub(crate) mod counts;
pub(crate) mod dead_letters;
pub(crate) mod latency;
pub(crate) mod position;
pub(crate) mod status;
pub(crate) mod topic_writer;
