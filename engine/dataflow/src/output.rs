//! The stages before and after the windows. They decide which contributions are late, and which rows are
//! written with which revision, even if an earlier runner has already written some of them. This module does
//! not depend on the windows.

pub(crate) mod lateness;
pub(crate) mod offsets;
pub(crate) mod prior;
pub(crate) mod revisions;
