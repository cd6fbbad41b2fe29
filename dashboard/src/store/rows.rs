//! Derived rows as they are kept: small, with names as numbers and money as minor units.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

use model::derived::{
    ActivePlayers, LevelEngagement, PlayerSessionSummary, ServerHealth, ServerStatus,
};
use serde::Deserialize;

use crate::limits::PLATFORMS_MAX;
use crate::money::Amount;
use crate::symbols::{Sym, Symbols};

/// Players of a game.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) players: u64,
    pub(crate) sessions: u64,
    pub(crate) events: u64,
    pub(crate) by_platform: Box<[(Sym, u32)]>,
}

impl Active {
    pub(crate) fn of(row: &ActivePlayers, symbols: &mut Symbols) -> Self {
        Self {
            players: row.active_players,
            sessions: row.sessions,
            events: row.events,
            by_platform: platforms(row, symbols),
        }
    }
}

/// The most used, and the sum of the others.
fn platforms(row: &ActivePlayers, symbols: &mut Symbols) -> Box<[(Sym, u32)]> {
    let mut named: Vec<_> = row.by_platform.iter().collect();
    named.sort_by_key(|(_, players)| Reverse(**players));
    let others = named.split_off(named.len().min(PLATFORMS_MAX - 1));
    let others: u64 = others.iter().map(|(_, players)| **players).sum();
    let named = named.into_iter();
    let mut platforms: Vec<_> = named
        .map(|(name, players)| (symbols.intern(name), narrow(*players)))
        .collect();
    if others > 0 {
        platforms.push((Sym::OTHER, narrow(others)));
    }
    platforms.into()
}

/// Activity on a map of a level, in one window or several.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) windows: u32,
    /// The sum of the windows' distinct ones.
    pub(crate) players: u32,
    pub(crate) sessions: u32,
    pub(crate) completing: u32,
    pub(crate) events: u32,
}

impl Level {
    pub(crate) fn of(row: &LevelEngagement) -> Self {
        Self {
            windows: 1,
            players: narrow(row.active_players),
            sessions: narrow(row.sessions),
            completing: narrow(row.completing_sessions),
            events: narrow(row.events),
        }
    }

    pub(crate) fn join(&mut self, later: &Self) {
        for (sum, more) in [
            (&mut self.windows, later.windows),
            (&mut self.players, later.players),
            (&mut self.sessions, later.sessions),
            (&mut self.completing, later.completing),
            (&mut self.events, later.events),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A session that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) game: Sym,
    pub(crate) platform: Sym,
    /// From its first event to its last.
    pub(crate) length_ms: u32,
    pub(crate) events: u32,
    pub(crate) completes: u32,
}

impl Session {
    pub(crate) fn of(row: &PlayerSessionSummary, game: Sym, symbols: &mut Symbols) -> Self {
        Self {
            game,
            platform: symbols.intern(row.platform.as_deref().unwrap_or("unknown")),
            length_ms: u32::try_from(row.session_end.ms_since(row.session_start))
                .unwrap_or_default(),
            events: narrow(row.events),
            completes: narrow(row.level_completes),
        }
    }

    /// What tells it from others: with its start, its names. Those themselves are too many to keep.
    pub(crate) fn id(row: &PlayerSessionSummary) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&row.game_id, &row.player_id, &row.session_id).hash(&mut hasher);
        hasher.finish()
    }
}

/// A record of `revenue`, with its amounts read.
#[derive(Debug, Deserialize)]
pub(crate) struct RevenueRow {
    pub(crate) game_id: String,
    pub(crate) currency: String,
    purchases: u64,
    refunds: u64,
    gross: Amount,
    refunded: Amount,
    buyers: u64,
    arppu: Option<Amount>,
}

/// What a game earned in a currency.
#[derive(Clone, Debug)]
pub(crate) struct Sales {
    pub(crate) purchases: u32,
    pub(crate) refunds: u32,
    pub(crate) gross: i64,
    pub(crate) refunded: i64,
    pub(crate) buyers: u32,
    pub(crate) arppu: Option<i64>,
}

impl Sales {
    pub(crate) fn of(row: &RevenueRow) -> Self {
        Self {
            purchases: narrow(row.purchases),
            refunds: narrow(row.refunds),
            gross: row.gross.0,
            refunded: row.refunded.0,
            buyers: narrow(row.buyers),
            arppu: row.arppu.map(|amount| amount.0),
        }
    }
}

/// A record of `purchase-summaries`, with its amounts read.
#[derive(Debug, Deserialize)]
pub(crate) struct Purchases {
    pub(crate) game_id: String,
    pub(crate) item_id: String,
    pub(crate) currency: String,
    item_type: String,
    purchases: u64,
    refunds: u64,
    gross: Amount,
    refunded: Amount,
}

/// What an item earned in a currency, in one window or several.
#[derive(Clone, Debug)]
pub(crate) struct ItemSales {
    pub(crate) item_type: Sym,
    pub(crate) purchases: u32,
    pub(crate) refunds: u32,
    pub(crate) gross: i64,
    pub(crate) refunded: i64,
}

impl ItemSales {
    pub(crate) fn of(row: &Purchases, symbols: &mut Symbols) -> Self {
        Self {
            item_type: symbols.intern(&row.item_type),
            purchases: narrow(row.purchases),
            refunds: narrow(row.refunds),
            gross: row.gross.0,
            refunded: row.refunded.0,
        }
    }

    pub(crate) fn join(&mut self, later: &Self) {
        self.item_type = later.item_type;
        self.purchases = self.purchases.saturating_add(later.purchases);
        self.refunds = self.refunds.saturating_add(later.refunds);
        self.gross = self.gross.saturating_add(later.gross);
        self.refunded = self.refunded.saturating_add(later.refunded);
    }
}

/// How a server fared.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) region: Sym,
    pub(crate) server_type: Sym,
    pub(crate) status: ServerStatus,
    pub(crate) samples: u32,
    /// Percent: mean and greatest.
    pub(crate) cpu: [f32; 2],
    /// The same.
    pub(crate) memory: [f32; 2],
    /// Milliseconds: p50, p95, p99.
    pub(crate) latency: [f32; 3],
}

impl Health {
    pub(crate) fn of(row: &ServerHealth, symbols: &mut Symbols) -> Self {
        let latency = &row.latency_ms;
        Self {
            region: symbols.intern(&row.region),
            server_type: symbols.intern(&row.server_type),
            status: row.status,
            samples: narrow(row.samples),
            cpu: [row.cpu_load.mean, row.cpu_load.max].map(|value| value as f32),
            memory: [row.memory_usage.mean, row.memory_usage.max].map(|value| value as f32),
            latency: [latency.p50, latency.p95, latency.p99].map(|value| value as f32),
        }
    }
}

/// Counts of one window fit into 32 bits; one that does not is shown as the most that does.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
