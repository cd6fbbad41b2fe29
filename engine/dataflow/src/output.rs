//! The stages of the pipeline before and after the windows. The stage before decides which contributions are late.
//! The stage after decides which rows are written and with which revision; an earlier runner may have written some
//! of them already. This module does not depend on the windows.

mod json;
pub(crate) mod lateness;
pub(crate) mod offsets;
pub(crate) mod prior;
pub(crate) mod revisions;
