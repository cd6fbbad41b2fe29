//! `engagement`: who plays when and where, how much of it is completed, and who is stuck.

use std::collections::BTreeMap;

use model::Timestamp;
use serde::Serialize;

use super::Look;
use crate::limits::{CELLS_MAX, RANKS_MAX};
use crate::span::{Mean, Span};
use crate::store::Topic;
use crate::symbols::Sym;

#[derive(Serialize)]
pub(super) struct Engagement<'a> {
    step_ms: i64,
    times: Vec<i64>,
    /// Mean distinct players in a window.
    players: Vec<Option<f64>>,
    /// The same by platform.
    platforms: BTreeMap<&'a str, Vec<Option<f64>>>,
    cells: Vec<Cell<'a>>,
    /// Cells that there was no room for, the quietest.
    cells_left_out: usize,
    stuck: Vec<Hotspot>,
}

/// A map of a level over the whole span.
#[derive(Serialize)]
struct Cell<'a> {
    game: &'a str,
    level: &'a str,
    map: &'a str,
    /// Mean distinct players of the windows in which anybody was there.
    active_players: Option<f64>,
    events: u64,
    sessions: u64,
    completing_sessions: u64,
    completion_rate: Option<f64>,
}

/// Players who stay on one map of a level.
#[derive(Serialize)]
struct Hotspot {
    game: String,
    level: String,
    map: String,
    count: usize,
    players: Vec<Stuck>,
}

#[derive(Serialize)]
struct Stuck {
    player: String,
    since: Timestamp,
    seconds: f64,
    events: u64,
    reason: String,
}

pub(super) fn view<'a>(look: &Look<'a>) -> Engagement<'a> {
    let span = Span::over(
        look.range.clone(),
        look.store.topic(Topic::ActivePlayers).window_ms,
    );
    let (players, platforms) = lines(look, &span);
    let mut cells = cells(look);
    let left_out = cells.len().saturating_sub(CELLS_MAX);
    cells.truncate(CELLS_MAX);
    Engagement {
        step_ms: span.step_ms,
        times: span.times(),
        players,
        platforms,
        cells,
        cells_left_out: left_out,
        stuck: hotspots(look),
    }
}

type Line = Vec<Option<f64>>;

/// Several games in one window count together: a window's sum, then the mean of a piece's windows.
fn lines<'a>(look: &Look<'a>, span: &Span) -> (Line, BTreeMap<&'a str, Line>) {
    let mut windows = BTreeMap::<i64, (u64, BTreeMap<Sym, u64>)>::new();
    for (start, game, row) in look.store.active.range(span.range()) {
        if look.wants(*game) {
            let window = windows.entry(start).or_default();
            window.0 += row.players;
            for (platform, players) in &row.by_platform {
                *window.1.entry(*platform).or_default() += u64::from(*players);
            }
        }
    }
    let mut all: Vec<Mean> = span.values();
    let mut by_platform = BTreeMap::<Sym, Vec<Mean>>::new();
    for (start, (players, platforms)) in windows {
        let Some(piece) = span.index(start) else {
            continue;
        };
        all[piece].add(players as f64);
        for (platform, players) in platforms {
            let line = by_platform.entry(platform).or_insert_with(|| span.values());
            line[piece].add(players as f64);
        }
    }
    let line = |means: Vec<Mean>| means.into_iter().map(Mean::value).collect::<Vec<_>>();
    let platforms = by_platform.into_iter();
    (
        line(all),
        platforms
            .map(|(platform, means)| (look.name(platform), line(means)))
            .collect(),
    )
}

/// The busiest first.
fn cells<'a>(look: &Look<'a>) -> Vec<Cell<'a>> {
    #[derive(Default)]
    struct Sums {
        players: Mean,
        events: u64,
        sessions: u64,
        completing: u64,
    }
    let mut sums = BTreeMap::<(Sym, Sym, Sym), Sums>::new();
    for (_, key, row) in look.store.levels.range(look.range.clone()) {
        if look.wants(key.0) && wants_level(look, key.1) {
            let sum = sums.entry(*key).or_default();
            sum.players.add_all(f64::from(row.players), row.windows);
            sum.events += u64::from(row.events);
            sum.sessions += u64::from(row.sessions);
            sum.completing += u64::from(row.completing);
        }
    }
    let cells = sums.into_iter().map(|((game, level, map), sum)| Cell {
        game: look.name(game),
        level: look.name(level),
        map: look.name(map),
        active_players: sum.players.value(),
        events: sum.events,
        sessions: sum.sessions,
        completing_sessions: sum.completing,
        completion_rate: (sum.sessions > 0).then(|| {
            let rate = sum.completing as f64 / sum.sessions as f64;
            (rate.min(1.0) * 10_000.0).round() / 10_000.0
        }),
    });
    let mut cells: Vec<_> = cells.collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.events));
    cells
}

fn wants_level(look: &Look<'_>, level: Sym) -> bool {
    let wanted = look.query.level.as_ref();
    wanted.is_none_or(|wanted| look.store.symbols.find(wanted) == Some(level))
}

/// Where most are stuck first.
fn hotspots(look: &Look<'_>) -> Vec<Hotspot> {
    let mut spots = BTreeMap::<(&str, &str, &str), Hotspot>::new();
    for (time, row) in look.store.stuck.newest_first() {
        let of = &row.measures;
        let level = look.query.level.as_ref();
        if !look.has(time)
            || !look.wants_name(&of.game_id)
            || level.is_some_and(|level| *level != of.level_id)
        {
            continue;
        }
        let spot = spots.entry((&of.game_id, &of.level_id, &of.map_id));
        let spot = spot.or_insert_with(|| Hotspot {
            game: of.game_id.clone(),
            level: of.level_id.clone(),
            map: of.map_id.clone(),
            count: 0,
            players: Vec::new(),
        });
        spot.count += 1;
        if spot.players.len() < RANKS_MAX {
            spot.players.push(Stuck {
                player: of.player_id.clone(),
                since: of.since,
                seconds: of.seconds_on_level,
                events: of.events,
                reason: of.reason.clone(),
            });
        }
    }
    let mut spots: Vec<_> = spots.into_values().collect();
    spots.sort_by_key(|spot| std::cmp::Reverse(spot.count));
    spots.truncate(RANKS_MAX);
    spots
}
