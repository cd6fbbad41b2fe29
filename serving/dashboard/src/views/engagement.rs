//! `engagement`: players over time, players by level and map, completion of levels, and stuck players.

use std::collections::BTreeMap;

use model::Timestamp;
use serde::Serialize;

use super::ViewContext;
use crate::limits::{CELLS_MAX, RANKS_MAX};
use crate::span::{Mean, Span};
use crate::store::Topic;
use crate::symbols::Symbol;

#[derive(Serialize)]
pub(super) struct Engagement<'a> {
    step_ms: i64,
    times: Vec<i64>,
    /// The mean number of distinct players per window.
    players: Vec<Option<f64>>,
    /// The mean number of distinct players per window, by platform.
    platforms: BTreeMap<&'a str, Vec<Option<f64>>>,
    cells: Vec<Cell<'a>>,
    /// The number of cells that `cells` has no room for: those with the fewest events.
    cells_left_out: usize,
    stuck: Vec<Hotspot>,
}

/// The measures of one map of a level over the span.
#[derive(Serialize)]
struct Cell<'a> {
    game: &'a str,
    level: &'a str,
    map: &'a str,
    /// The mean number of distinct players per window, over the windows that have at least one.
    active_players: Option<f64>,
    events: u64,
    sessions: u64,
    completing_sessions: u64,
    completion_rate: Option<f64>,
}

/// The alerts about players who are stuck on one map of a level.
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

pub(super) fn view<'a>(context: &ViewContext<'a>) -> Engagement<'a> {
    let span = Span::over(
        context.range.clone(),
        context.store.state(Topic::ActivePlayers).window_ms,
    );
    let (players, platforms) = lines(context, &span);
    let mut cells = cells(context);
    let left_out = cells.len().saturating_sub(CELLS_MAX);
    cells.truncate(CELLS_MAX);
    Engagement {
        step_ms: span.step_ms,
        times: span.times(),
        players,
        platforms,
        cells,
        cells_left_out: left_out,
        stuck: hotspots(context),
    }
}

type Line = Vec<Option<f64>>;

/// Computes the lines for all platforms together and for each platform. Adds the players of all selected games in each
/// window, then takes the mean over the windows of each piece.
fn lines<'a>(context: &ViewContext<'a>, span: &Span) -> (Line, BTreeMap<&'a str, Line>) {
    let mut windows = BTreeMap::<i64, (u64, BTreeMap<Symbol, u64>)>::new();
    for (start, game, row) in context.store.topics.active.range(span.range()) {
        if context.wants(*game) {
            let window = windows.entry(start).or_default();
            window.0 += row.players;
            for (platform, players) in &row.by_platform {
                *window.1.entry(*platform).or_default() += u64::from(*players);
            }
        }
    }
    let mut all: Vec<Mean> = span.values();
    let mut by_platform = BTreeMap::<Symbol, Vec<Mean>>::new();
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
            .map(|(platform, means)| (context.name(platform), line(means)))
            .collect(),
    )
}

/// Returns the cells, those with the most events first.
fn cells<'a>(context: &ViewContext<'a>) -> Vec<Cell<'a>> {
    #[derive(Default)]
    struct Sums {
        players: Mean,
        events: u64,
        sessions: u64,
        completing: u64,
    }
    let mut sums = BTreeMap::<(Symbol, Symbol, Symbol), Sums>::new();
    for (_, key, row) in context.store.topics.levels.range(context.range.clone()) {
        if context.wants(key.0) && wants_level(context, key.1) {
            let sum = sums.entry(*key).or_default();
            sum.players.add_all(f64::from(row.players), row.windows);
            sum.events += u64::from(row.events);
            sum.sessions += u64::from(row.sessions);
            sum.completing += u64::from(row.completing);
        }
    }
    let cells = sums.into_iter().map(|((game, level, map), sum)| Cell {
        game: context.name(game),
        level: context.name(level),
        map: context.name(map),
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

fn wants_level(context: &ViewContext<'_>, level: Symbol) -> bool {
    let wanted = context.query.level.as_ref();
    wanted.is_none_or(|wanted| context.store.symbols.find(wanted) == Some(level))
}

/// Returns the maps on which players are stuck, those with the most alerts first, at most [`RANKS_MAX`].
fn hotspots(context: &ViewContext<'_>) -> Vec<Hotspot> {
    let mut spots = BTreeMap::<(&str, &str, &str), Hotspot>::new();
    for (time, row) in context.store.topics.stuck.newest_first() {
        let of = &row.measures;
        let level = context.query.level.as_ref();
        if !context.has(time)
            || !context.wants_name(&of.game_id)
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
