//! `overview`: a card for each game, the state of the servers, and the latest alerts.

use std::collections::BTreeMap;

use model::derived::{ServerCondition, ServerStatus, Severity};
use serde::Serialize;

use super::{ViewContext, money};
use crate::span::{Mean, Span};
use crate::store::Topic;
use crate::symbols::Symbol;

/// The number of latest alerts in this view. The views `fraud`, `servers` and `engagement` list more.
const LATEST_SHOWN: usize = 8;

#[derive(Serialize)]
pub(super) struct Overview<'a> {
    games: Vec<Card<'a>>,
    servers: Fleet,
    /// The latest alerts of all kinds.
    latest: Vec<RecentAlert<'a>>,
    /// The window length of `active-players`.
    window_ms: i64,
}

/// The summary card of a game.
#[derive(Serialize)]
struct Card<'a> {
    game: &'a str,
    /// The number of active players in the game's latest window.
    active_players: u64,
    sessions: u64,
    events: u64,
    window_start: Option<i64>,
    revenue: Vec<Earned<'a>>,
    fraud_alerts: usize,
    fraud_alerts_high: usize,
    stuck_players: usize,
    /// The start of each piece of the span. `players` contains the mean number of active players in each piece.
    times: Vec<i64>,
    players: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct Earned<'a> {
    currency: &'a str,
    net: String,
    purchases: u64,
}

#[derive(Default, Serialize)]
struct Fleet {
    healthy: usize,
    degraded: usize,
    critical: usize,
    silent: usize,
    alerts_open: usize,
}

pub(super) fn view<'a>(context: &ViewContext<'a>) -> Overview<'a> {
    let window_ms = context.store.state(Topic::ActivePlayers).window_ms;
    let span = Span::over(context.range.clone(), window_ms);
    let games = context
        .store
        .games
        .iter()
        .copied()
        .filter(|game| context.wants(*game));
    let mut games: Vec<_> = games.map(|game| card(context, game, &span)).collect();
    games.sort_by(|a, b| (b.active_players, a.game).cmp(&(a.active_players, b.game)));
    Overview {
        games,
        servers: fleet(context),
        latest: latest(context),
        window_ms,
    }
}

/// An alert of any kind.
#[derive(Serialize)]
struct RecentAlert<'a> {
    kind: &'static str,
    time: i64,
    /// The rule or condition of the alert.
    name: &'static str,
    severity: Severity,
    /// The user, player or server that the alert is about.
    subject: &'a str,
    game: Option<&'a str>,
    reason: &'a str,
}

/// Returns the latest alerts of all kinds, latest first.
fn latest<'a>(context: &ViewContext<'a>) -> Vec<RecentAlert<'a>> {
    let fraud = context
        .store
        .topics
        .fraud
        .newest_first()
        .map(|(time, row)| RecentAlert {
            kind: "fraud",
            time,
            name: row.measures.rule.name(),
            severity: row.measures.severity,
            subject: &row.measures.user_id,
            game: Some(&row.measures.game_id),
            reason: &row.measures.reason,
        });
    let stuck = context
        .store
        .topics
        .stuck
        .newest_first()
        .map(|(time, row)| RecentAlert {
            kind: "stuck",
            time,
            name: "stuck",
            severity: Severity::Low,
            subject: &row.measures.player_id,
            game: Some(&row.measures.game_id),
            reason: &row.measures.reason,
        });
    let servers = context
        .store
        .topics
        .server_alerts
        .newest_first()
        .map(|(time, row)| RecentAlert {
            kind: "server",
            time,
            name: row.measures.condition.name(),
            severity: match row.measures.closed_at {
                None => Severity::High,
                Some(_) => Severity::Low,
            },
            subject: &row.measures.server_id,
            game: None,
            reason: &row.measures.reason,
        });
    let is_shown = |alert: &RecentAlert<'_>| context.has(alert.time);
    let fraud = fraud.filter(is_shown).take(LATEST_SHOWN);
    let stuck = stuck.filter(is_shown).take(LATEST_SHOWN);
    let servers = servers.filter(is_shown).take(LATEST_SHOWN);
    let mut latest: Vec<_> = fraud.chain(stuck).chain(servers).collect();
    latest.sort_by_key(|alert| std::cmp::Reverse(alert.time));
    latest.truncate(LATEST_SHOWN);
    latest
}

fn card<'a>(context: &ViewContext<'a>, game: Symbol, span: &Span) -> Card<'a> {
    let name = context.name(game);
    let mut players: Vec<Mean> = span.values();
    let mut last = None;
    for (start, key, row) in context.store.topics.active.range(context.range.clone()) {
        if *key == game {
            last = Some((start, row));
            if let Some(piece) = span.index(start) {
                players[piece].add(row.players as f64);
            }
        }
    }
    let fraud = context.store.topics.fraud.newest_first();
    let fraud: Vec<_> = fraud
        .filter(|(time, row)| context.has(*time) && row.measures.game_id == name)
        .collect();
    let high = fraud
        .iter()
        .filter(|(_, row)| row.measures.severity == Severity::High);
    let stuck = context.store.topics.stuck.newest_first();
    Card {
        active_players: last.map_or(0, |(_, row)| row.players),
        sessions: last.map_or(0, |(_, row)| row.sessions),
        events: last.map_or(0, |(_, row)| row.events),
        window_start: last.map(|(start, _)| start),
        revenue: revenue(context, game),
        fraud_alerts: fraud.len(),
        fraud_alerts_high: high.count(),
        stuck_players: stuck
            .filter(|(time, row)| context.has(*time) && row.measures.game_id == name)
            .count(),
        times: span.times(),
        players: players.into_iter().map(Mean::value).collect(),
        game: name,
    }
}

/// Returns the net revenue in the span by currency, the currency with the most purchases first.
fn revenue<'a>(context: &ViewContext<'a>, game: Symbol) -> Vec<Earned<'a>> {
    let mut sums = BTreeMap::<Symbol, (i128, u64)>::new();
    for (_, (of, currency), row) in context.store.topics.revenue.range(context.range.clone()) {
        if *of == game {
            let sum = sums.entry(*currency).or_default();
            sum.0 += i128::from(row.gross) - i128::from(row.refunded);
            sum.1 += u64::from(row.purchases);
        }
    }
    let earned = sums.into_iter().map(|(currency, (net, purchases))| {
        let currency = context.name(currency);
        Earned {
            net: money(net, currency),
            purchases,
            currency,
        }
    });
    let mut earned: Vec<_> = earned.collect();
    earned.sort_by_key(|earned| std::cmp::Reverse(earned.purchases));
    earned
}

fn fleet(context: &ViewContext<'_>) -> Fleet {
    let mut last = BTreeMap::new();
    for (_, server, row) in context.store.topics.health.range(context.range.clone()) {
        last.insert(context.name(*server), row.status);
    }
    let alerts = context.store.topics.server_alerts.newest_first();
    let open = alerts
        .map(|(_, row)| &row.measures)
        .filter(|alert| alert.closed_at.is_none());
    let (mut alerts_open, mut silent) = (0, 0);
    for alert in open {
        alerts_open += 1;
        // A silent server counts only as silent, because its last known status is outdated.
        let is_silent = alert.condition == ServerCondition::Silent;
        silent += usize::from(is_silent && last.remove(&*alert.server_id).is_some());
    }
    let count = |status: ServerStatus| last.values().filter(|known| **known == status).count();
    Fleet {
        healthy: count(ServerStatus::Healthy),
        degraded: count(ServerStatus::Degraded),
        critical: count(ServerStatus::Critical),
        silent,
        alerts_open,
    }
}
