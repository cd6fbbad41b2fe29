//! Recomputes derived topics from source records, by other means than the package's own: plain
//! JSON values, maps and sets, and another calendar.

mod accept;
mod compare;
mod measures;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use accept::{Accepted, player_events, purchase_events, server_metrics};
pub(crate) use compare::{assert_rows_equal, compare_rows, last_revisions};
pub(crate) use measures::{level_engagement, purchase_summaries, server_health};

/// Derived records by (window start, record key).
pub(crate) type Rows = BTreeMap<(i64, String), Value>;

/// The length of a window.
const WINDOW_MS: i64 = 10_000;
