//! Recomputes derived topics from source records without this project's own code: with plain JSON values, ordered maps
//! and sets, and a different calendar library.

mod accept;
mod compare;
mod examples;
mod fraud;
mod measures;
mod money;
mod players;
mod queries;
mod servers;
mod tables;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use accept::{Accepted, player_events, purchase_events, time_ms};
use accept::{
    player_events_by_game, player_events_by_player, purchase_events_by_currency, server_metrics,
};
pub(crate) use compare::{
    assert_rows_equal, compare_rows, every_revision, last_revisions, tolerance,
};
pub(crate) use examples::{events_by_level, events_by_player, row_of};
pub(crate) use fraud::{FraudRules, Limit, fraud_alerts};
pub(crate) use measures::level_engagement;
use measures::{active_players, player_activity, server_health};
use money::revenue;
pub(crate) use money::{ledger, minor_digits, purchase_summaries};
pub(crate) use players::{Stuck, player_session_summaries, stuck_players};
pub(crate) use queries::{busiest, odd_levels, server_load, visits};
pub(crate) use servers::{ServerRules, server_alerts};
pub(crate) use tables::{first_rarities, rarity_revenue};

/// Derived records by window start and record key.
pub(crate) type Rows = BTreeMap<(i64, String), Value>;

/// A derived topic, and how to recompute it.
#[derive(Clone, Copy)]
pub(crate) struct Recomputation {
    pub(crate) topic: &'static str,
    pub(crate) source: &'static str,
    pub(crate) accept: fn(&[client::Record]) -> Accepted,
    pub(crate) rows: fn(&Accepted) -> Rows,
    /// Whether a repeated record counts only once.
    pub(crate) unique: bool,
}

/// All derived topics that have fixed windows.
pub(crate) const RECOMPUTATIONS: [Recomputation; 6] = [
    Recomputation {
        topic: "active-players",
        source: "player-events",
        accept: player_events_by_game,
        rows: active_players,
        unique: false,
    },
    Recomputation {
        topic: "level-engagement",
        source: "player-events",
        accept: player_events,
        rows: level_engagement,
        unique: false,
    },
    Recomputation {
        topic: "player-activity",
        source: "player-events",
        accept: player_events_by_player,
        rows: player_activity,
        unique: false,
    },
    Recomputation {
        topic: "purchase-summaries",
        source: "purchase-events",
        accept: purchase_events,
        rows: purchase_summaries,
        unique: true,
    },
    Recomputation {
        topic: "revenue",
        source: "purchase-events",
        accept: purchase_events_by_currency,
        rows: revenue,
        unique: true,
    },
    Recomputation {
        topic: "server-health",
        source: "server-metrics",
        accept: server_metrics,
        rows: server_health,
        unique: false,
    },
];
