//! What is known of the game: the history of every topic that is shown, folded from its records.

mod accounts;
mod rows;
mod samples;
mod topic;

use std::collections::BTreeSet;

use client::Record;
use model::Timestamp;
use model::derived::{
    ActivePlayers, Derived, FraudAlert, LevelEngagement, PlayerSessionSummary, ServerAlert,
    ServerHealth, StuckPlayer,
};
use serde::de::DeserializeOwned;
use thiserror::Error;

pub(crate) use accounts::{Account, Accounts};
pub(crate) use rows::{Active, Health, ItemSales, Level, Sales, Session};
pub(crate) use samples::{Sample, Samples};
pub(crate) use topic::{Topic, TopicState};

use crate::history::{History, minute};
use crate::latest::Latest;
use crate::limits::{ALERTS_BYTES_MAX, ALERTS_MAX, FUTURE_MS_MAX, RANKS_MAX};
use crate::symbols::{Sym, Symbols};
use rows::{Purchases, RevenueRow};

/// A larger record is nobody's alert, and five thousand of them would fill the memory.
const RECORD_BYTES_MAX: usize = 32 * 1024;

/// Why a record is not shown.
#[derive(Debug, Error)]
pub(crate) enum Unshown {
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("its time, {0}, is far ahead")]
    Future(Timestamp),
    #[error("it has {0} bytes, more than are kept")]
    Large(usize),
    #[error("there is no room for one more name")]
    Names,
}

/// Everything that views are made from.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) symbols: Symbols,
    pub(crate) games: BTreeSet<Sym>,
    pub(crate) active: History<Sym, Active>,
    /// By game, level and map.
    pub(crate) levels: History<(Sym, Sym, Sym), Level>,
    /// By the minute of their start; by start and a hash of the names.
    pub(crate) sessions: History<(i64, u64), Session>,
    /// By game and currency.
    pub(crate) revenue: History<(Sym, Sym), Sales>,
    /// By game, item and currency.
    pub(crate) items: History<(Sym, Sym, Sym), ItemSales>,
    pub(crate) health: History<Sym, Health>,
    pub(crate) fraud: Latest<Derived<FraudAlert>>,
    pub(crate) stuck: Latest<Derived<StuckPlayer>>,
    pub(crate) server_alerts: Latest<Derived<ServerAlert>>,
    pub(crate) accounts: Accounts,
    pub(crate) rejected: Samples,
    pub(crate) late: Samples,
    topics: [TopicState; Topic::ALL.len()],
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            symbols: Symbols::new(),
            games: BTreeSet::new(),
            active: History::new(Topic::ActivePlayers.rows_max()),
            levels: History::joined(Topic::LevelEngagement.rows_max(), Level::join),
            sessions: History::new(Topic::PlayerSessionSummaries.rows_max()),
            revenue: History::new(Topic::Revenue.rows_max()),
            items: History::joined(Topic::PurchaseSummaries.rows_max(), ItemSales::join),
            health: History::new(Topic::ServerHealth.rows_max()),
            fraud: Latest::new(ALERTS_MAX, ALERTS_BYTES_MAX),
            stuck: Latest::new(ALERTS_MAX, ALERTS_BYTES_MAX),
            server_alerts: Latest::new(ALERTS_MAX, ALERTS_BYTES_MAX),
            accounts: Accounts::new(),
            rejected: Samples::default(),
            late: Samples::default(),
            topics: Default::default(),
        }
    }

    pub(crate) fn topic(&self, topic: Topic) -> &TopicState {
        &self.topics[topic as usize]
    }

    pub(crate) fn topic_mut(&mut self, topic: Topic) -> &mut TopicState {
        &mut self.topics[topic as usize]
    }

    /// The event time up to which a topic says all that it has to say.
    pub(crate) fn watermark(&self, topic: Topic) -> Option<Timestamp> {
        let accounted = match topic {
            Topic::Accounting => self.accounts.least_watermark(),
            _ => self.accounts.watermark(topic.name()),
        };
        self.topic(topic).window_end.max(accounted)
    }

    /// The newest event time that anything is known of; of an empty store, now.
    pub(crate) fn clock(&self) -> i64 {
        let newest = Topic::ALL
            .iter()
            .filter_map(|topic| self.watermark(*topic))
            .max();
        newest.unwrap_or_else(now).as_millis()
    }

    /// Folds one record in.
    pub(crate) fn apply(&mut self, topic: Topic, record: &Record) {
        let arrived = record.timestamp_ms.unwrap_or_else(|| now().as_millis());
        if let Err(reason) = self.fold(topic, record, arrived) {
            tracing::debug!(topic = topic.name(), offset = record.offset, %reason, "a record is not shown");
            self.topic_mut(topic).unshown += 1;
        }
        let state = self.topic_mut(topic);
        state.records += 1;
        state.arrived_ms = state.arrived_ms.max(Some(arrived));
    }

    /// Forgets what a topic said, because it begins anew.
    pub(crate) fn forget(&mut self, topic: Topic) {
        match topic {
            Topic::ActivePlayers => self.active.clear(),
            Topic::FraudAlerts => self.fraud.clear(),
            Topic::LevelEngagement => self.levels.clear(),
            Topic::PlayerSessionSummaries => self.sessions.clear(),
            Topic::PurchaseSummaries => self.items.clear(),
            Topic::Revenue => self.revenue.clear(),
            Topic::ServerAlerts => self.server_alerts.clear(),
            Topic::ServerHealth => self.health.clear(),
            Topic::StuckPlayers => self.stuck.clear(),
            Topic::Accounting => self.accounts = Accounts::new(),
            Topic::RejectedEvents => self.rejected = Samples::default(),
            Topic::LateEvents => self.late = Samples::default(),
        }
        *self.topic_mut(topic) = TopicState::default();
    }

    fn fold(&mut self, topic: Topic, record: &Record, arrived: i64) -> Result<(), Unshown> {
        if let Topic::RejectedEvents | Topic::LateEvents = topic {
            let samples = match topic {
                Topic::RejectedEvents => &mut self.rejected,
                _ => &mut self.late,
            };
            samples.add(Sample::read(&record.value, arrived)?);
            return Ok(());
        }
        if record.value.len() > RECORD_BYTES_MAX {
            return Err(Unshown::Large(record.value.len()));
        }
        match topic {
            Topic::ActivePlayers => self.active_players(record),
            Topic::FraudAlerts => self.fraud_alert(record),
            Topic::LevelEngagement => self.level(record),
            Topic::PlayerSessionSummaries => self.session(record),
            Topic::PurchaseSummaries => self.purchases(record),
            Topic::Revenue => self.revenue_row(record),
            Topic::ServerAlerts => self.server_alert(record),
            Topic::ServerHealth => self.server_health(record),
            Topic::StuckPlayers => self.stuck_player(record),
            Topic::Accounting | Topic::RejectedEvents | Topic::LateEvents => {
                let account = serde_json::from_slice(&record.value)?;
                self.accounts.add(account, arrived, &mut self.symbols);
                Ok(())
            }
        }
    }

    /// A derived row; notes how far its topic has come.
    fn read<T: DeserializeOwned>(
        &mut self,
        topic: Topic,
        record: &Record,
    ) -> Result<Derived<T>, Unshown> {
        let row: Derived<T> = serde_json::from_slice(&record.value)?;
        if row.window_end.ms_since(now()) > FUTURE_MS_MAX {
            return Err(Unshown::Future(row.window_end));
        }
        let state = self.topic_mut(topic);
        state.window_end = state.window_end.max(Some(row.window_end));
        if topic.has_windows() {
            state.window_ms = row.window_end.ms_since(row.window_start);
        }
        Ok(row)
    }

    /// A name that rows are known by: under a shared one they would overwrite each other.
    fn key(&mut self, name: &str) -> Result<Sym, Unshown> {
        match self.symbols.intern(name) {
            Sym::OTHER => Err(Unshown::Names),
            key => Ok(key),
        }
    }

    fn game(&mut self, name: &str) -> Result<Sym, Unshown> {
        let game = self.key(name)?;
        if self.games.len() < RANKS_MAX {
            self.games.insert(game);
        }
        Ok(game)
    }

    fn active_players(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<ActivePlayers> = self.read(Topic::ActivePlayers, record)?;
        let game = self.game(&row.measures.game_id)?;
        let value = Active::of(&row.measures, &mut self.symbols);
        self.active.put(
            row.window_start.as_millis(),
            game,
            row.revision,
            kept(row.withdrawn, value),
        );
        Ok(())
    }

    fn level(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<LevelEngagement> = self.read(Topic::LevelEngagement, record)?;
        let of = &row.measures;
        let key = (
            self.game(&of.game_id)?,
            self.key(&of.level_id)?,
            self.key(&of.map_id)?,
        );
        let value = kept(row.withdrawn, Level::of(of));
        self.levels
            .put(row.window_start.as_millis(), key, row.revision, value);
        Ok(())
    }

    fn session(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<PlayerSessionSummary> =
            self.read(Topic::PlayerSessionSummaries, record)?;
        // No part of what a session is known by.
        let game = self.game(&row.measures.game_id).unwrap_or(Sym::OTHER);
        let value = Session::of(&row.measures, game, &mut self.symbols);
        let id = Session::id(&row.measures);
        // By its start: that and the key are what a session is known by.
        let start = row.window_start.as_millis();
        let value = kept(row.withdrawn, value);
        self.sessions
            .put(minute(start), (start, id), row.revision, value);
        Ok(())
    }

    fn purchases(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<Purchases> = self.read(Topic::PurchaseSummaries, record)?;
        let of = &row.measures;
        let key = (
            self.game(&of.game_id)?,
            self.key(&of.item_id)?,
            self.key(&of.currency)?,
        );
        let value = ItemSales::of(of, &mut self.symbols);
        self.items.put(
            row.window_start.as_millis(),
            key,
            row.revision,
            kept(row.withdrawn, value),
        );
        Ok(())
    }

    fn revenue_row(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<RevenueRow> = self.read(Topic::Revenue, record)?;
        let of = &row.measures;
        let key = (self.game(&of.game_id)?, self.key(&of.currency)?);
        let value = kept(row.withdrawn, Sales::of(of));
        self.revenue
            .put(row.window_start.as_millis(), key, row.revision, value);
        Ok(())
    }

    fn server_health(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<ServerHealth> = self.read(Topic::ServerHealth, record)?;
        let server = self.key(&row.measures.server_id)?;
        let value = Health::of(&row.measures, &mut self.symbols);
        self.health.put(
            row.window_start.as_millis(),
            server,
            row.revision,
            kept(row.withdrawn, value),
        );
        Ok(())
    }

    fn fraud_alert(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<FraudAlert> = self.read(Topic::FraudAlerts, record)?;
        // An alert is shown whether or not there is room for its game in the list.
        let _unlisted = self.game(&row.measures.game_id);
        let (id, time) = (row.measures.alert_id.clone(), row.window_end.as_millis());
        let revision = row.revision;
        let bytes = record.value.len();
        self.fraud
            .put(id, time, revision, kept(row.withdrawn, row), bytes);
        Ok(())
    }

    fn stuck_player(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<StuckPlayer> = self.read(Topic::StuckPlayers, record)?;
        // An alert is shown whether or not there is room for its game in the list.
        let _unlisted = self.game(&row.measures.game_id);
        let of = &row.measures;
        let id = [
            &*of.game_id,
            &of.player_id,
            &of.level_id,
            &of.map_id,
            &of.since.to_string(),
        ];
        let (id, time, revision) = (id.join("\u{1f}"), row.window_end.as_millis(), row.revision);
        let bytes = record.value.len();
        self.stuck
            .put(id, time, revision, kept(row.withdrawn, row), bytes);
        Ok(())
    }

    fn server_alert(&mut self, record: &Record) -> Result<(), Unshown> {
        let row: Derived<ServerAlert> = self.read(Topic::ServerAlerts, record)?;
        let of = &row.measures;
        let id = [
            &*of.server_id,
            of.condition.name(),
            &of.opened_at.to_string(),
        ]
        .join("\u{1f}");
        let (time, revision) = (of.opened_at.as_millis(), row.revision);
        let bytes = record.value.len();
        self.server_alerts
            .put(id, time, revision, kept(row.withdrawn, row), bytes);
        Ok(())
    }

    /// The names of the games, sorted.
    pub(crate) fn game_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .games
            .iter()
            .map(|game| self.symbols.name(*game))
            .collect();
        names.sort_unstable();
        names
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn kept<T>(withdrawn: bool, value: T) -> Option<T> {
    (!withdrawn).then_some(value)
}

#[cfg(test)]
mod tests;
