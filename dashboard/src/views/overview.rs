//! `overview`: a card for each game, and how the servers are.

use std::collections::BTreeMap;

use model::derived::{ServerCondition, ServerStatus, Severity};
use serde::Serialize;

use super::{Look, money};
use crate::span::{Mean, Span};
use crate::store::Topic;
use crate::symbols::Sym;

/// Alerts at a glance; the other views have them all.
const LATEST_SHOWN: usize = 8;

#[derive(Serialize)]
pub(super) struct Overview<'a> {
    games: Vec<Card<'a>>,
    servers: Fleet,
    /// What has happened last, of all kinds of alerts.
    latest: Vec<Happened<'a>>,
    /// How long the windows of the players' numbers are.
    window_ms: i64,
}

/// A game at a glance.
#[derive(Serialize)]
struct Card<'a> {
    game: &'a str,
    /// Of the latest window.
    active_players: u64,
    sessions: u64,
    events: u64,
    window_start: Option<i64>,
    revenue: Vec<Earned<'a>>,
    fraud_alerts: usize,
    fraud_alerts_high: usize,
    stuck_players: usize,
    /// Mean active players in each piece of the span.
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

pub(super) fn view<'a>(look: &Look<'a>) -> Overview<'a> {
    let window_ms = look.store.topic(Topic::ActivePlayers).window_ms;
    let span = Span::over(look.range.clone(), window_ms);
    let games = look
        .store
        .games
        .iter()
        .copied()
        .filter(|game| look.wants(*game));
    let mut games: Vec<_> = games.map(|game| card(look, game, &span)).collect();
    games.sort_by(|a, b| (b.active_players, a.game).cmp(&(a.active_players, b.game)));
    Overview {
        games,
        servers: fleet(look),
        latest: latest(look),
        window_ms,
    }
}

/// An alert of any kind.
#[derive(Serialize)]
struct Happened<'a> {
    kind: &'static str,
    time: i64,
    /// What its rule or condition is called.
    name: &'static str,
    severity: Severity,
    /// Who or what it is about.
    subject: &'a str,
    game: Option<&'a str>,
    reason: &'a str,
}

/// The latest first.
fn latest<'a>(look: &Look<'a>) -> Vec<Happened<'a>> {
    let fraud = look.store.fraud.newest_first().map(|(time, row)| Happened {
        kind: "fraud",
        time,
        name: row.measures.rule.name(),
        severity: row.measures.severity,
        subject: &row.measures.user_id,
        game: Some(&row.measures.game_id),
        reason: &row.measures.reason,
    });
    let stuck = look.store.stuck.newest_first().map(|(time, row)| Happened {
        kind: "stuck",
        time,
        name: "stuck",
        severity: Severity::Low,
        subject: &row.measures.player_id,
        game: Some(&row.measures.game_id),
        reason: &row.measures.reason,
    });
    let servers = look
        .store
        .server_alerts
        .newest_first()
        .map(|(time, row)| Happened {
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
    let latest = fraud
        .take(LATEST_SHOWN)
        .chain(stuck.take(LATEST_SHOWN))
        .chain(servers.take(LATEST_SHOWN));
    let mut latest: Vec<_> = latest.filter(|alert| look.has(alert.time)).collect();
    latest.sort_by_key(|alert| std::cmp::Reverse(alert.time));
    latest.truncate(LATEST_SHOWN);
    latest
}

fn card<'a>(look: &Look<'a>, game: Sym, span: &Span) -> Card<'a> {
    let name = look.name(game);
    let mut players: Vec<Mean> = span.values();
    let mut last = None;
    for (start, key, row) in look.store.active.range(look.range.clone()) {
        if *key == game {
            last = Some((start, row));
            if let Some(piece) = span.index(start) {
                players[piece].add(row.players as f64);
            }
        }
    }
    let fraud = look.store.fraud.newest_first();
    let fraud: Vec<_> = fraud
        .filter(|(time, row)| look.has(*time) && row.measures.game_id == name)
        .collect();
    let high = fraud
        .iter()
        .filter(|(_, row)| row.measures.severity == Severity::High);
    let stuck = look.store.stuck.newest_first();
    Card {
        active_players: last.map_or(0, |(_, row)| row.players),
        sessions: last.map_or(0, |(_, row)| row.sessions),
        events: last.map_or(0, |(_, row)| row.events),
        window_start: last.map(|(start, _)| start),
        revenue: revenue(look, game),
        fraud_alerts: fraud.len(),
        fraud_alerts_high: high.count(),
        stuck_players: stuck
            .filter(|(time, row)| look.has(*time) && row.measures.game_id == name)
            .count(),
        times: span.times(),
        players: players.into_iter().map(Mean::value).collect(),
        game: name,
    }
}

/// What came in within the span, the busiest currency first.
fn revenue<'a>(look: &Look<'a>, game: Sym) -> Vec<Earned<'a>> {
    let mut sums = BTreeMap::<Sym, (i128, u64)>::new();
    for (_, (of, currency), row) in look.store.revenue.range(look.range.clone()) {
        if *of == game {
            let sum = sums.entry(*currency).or_default();
            sum.0 += i128::from(row.gross) - i128::from(row.refunded);
            sum.1 += u64::from(row.purchases);
        }
    }
    let earned = sums.into_iter().map(|(currency, (net, purchases))| {
        let currency = look.name(currency);
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

fn fleet(look: &Look<'_>) -> Fleet {
    let mut last = BTreeMap::new();
    for (_, server, row) in look.store.health.range(look.range.clone()) {
        last.insert(look.name(*server), row.status);
    }
    let alerts = look.store.server_alerts.newest_first();
    let open = alerts
        .map(|(_, row)| &row.measures)
        .filter(|alert| alert.closed_at.is_none());
    let (mut alerts_open, mut silent) = (0, 0);
    for alert in open {
        alerts_open += 1;
        // What its last report said of it is not true now.
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
