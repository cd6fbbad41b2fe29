//! `servers`: a tile for each server, and the server alerts of the span.

use std::collections::BTreeMap;

use model::derived::{Derived, ServerAlerts, ServerStatus};
use serde::Serialize;

use super::ViewContext;
use crate::limits::{ALERTS_SHOWN, RANKS_MAX};
use crate::span::{Mean, Span};
use crate::store::{HealthRow, Topic};
use crate::symbols::Symbol;

#[derive(Serialize)]
pub(super) struct Servers<'a> {
    times: Vec<i64>,
    step_ms: i64,
    tiles: Vec<Tile<'a>>,
    tiles_left_out: usize,
    alerts: Vec<&'a Derived<ServerAlerts>>,
    alerts_left_out: usize,
}

/// The latest window of a server, and its measures over the span.
#[derive(Serialize)]
struct Tile<'a> {
    server: &'a str,
    region: &'a str,
    server_type: &'a str,
    status: ServerStatus,
    /// The conditions of the server's open alerts.
    open: Vec<&'static str>,
    window_start: i64,
    samples: u32,
    cpu_mean: f64,
    cpu_max: f64,
    memory_mean: f64,
    memory_max: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    /// The mean CPU load in percent in each piece of the span.
    cpu: Vec<Option<f64>>,
    /// The mean p95 latency in milliseconds in each piece of the span.
    p95: Vec<Option<f64>>,
}

pub(super) fn view<'a>(context: &ViewContext<'a>) -> Servers<'a> {
    let span = Span::over(
        context.range.clone(),
        context.store.state(Topic::ServerHealth).window_ms,
    );
    let mut tiles = tiles(context, &span);
    let tiles_left_out = tiles.len().saturating_sub(RANKS_MAX);
    tiles.truncate(RANKS_MAX);
    // An alert is listed if it was open at any time in the span.
    let rows = context
        .store
        .topics
        .server_alerts
        .newest_first()
        .map(|(_, row)| row);
    let mut alerts: Vec<_> = rows
        .filter(|row| {
            let closed = row
                .measures
                .closed_at
                .map_or(i64::MAX, |time| time.as_millis());
            closed >= context.range.start && row.measures.opened_at.as_millis() <= context.range.end
        })
        .collect();
    let alerts_left_out = alerts.len().saturating_sub(ALERTS_SHOWN);
    alerts.truncate(ALERTS_SHOWN);
    Servers {
        times: span.times(),
        step_ms: span.step_ms,
        tiles,
        tiles_left_out,
        alerts,
        alerts_left_out,
    }
}

/// Returns the tiles: first the servers with open alerts, then by status, the worst first.
fn tiles<'a>(context: &ViewContext<'a>, span: &Span) -> Vec<Tile<'a>> {
    struct Line<'a> {
        last: (i64, &'a HealthRow),
        cpu: Vec<Mean>,
        p95: Vec<Mean>,
    }
    let mut lines = BTreeMap::<Symbol, Line<'_>>::new();
    for (start, server, row) in context.store.topics.health.range(context.range.clone()) {
        let line = lines.entry(*server).or_insert_with(|| Line {
            last: (start, row),
            cpu: span.values(),
            p95: span.values(),
        });
        line.last = (start, row);
        if let Some(piece) = span.index(start) {
            line.cpu[piece].add(row.cpu[0].into());
            line.p95[piece].add(row.latency[1].into());
        }
    }
    let values = |means: Vec<Mean>| means.into_iter().map(Mean::value).collect();
    let tiles = lines.into_iter().map(|(server, line)| {
        let server = context.name(server);
        let (window_start, row) = line.last;
        Tile {
            open: open(context, server),
            region: context.name(row.region),
            server_type: context.name(row.server_type),
            status: row.status,
            window_start,
            samples: row.samples,
            cpu_mean: row.cpu[0].into(),
            cpu_max: row.cpu[1].into(),
            memory_mean: row.memory[0].into(),
            memory_max: row.memory[1].into(),
            p50_ms: row.latency[0].into(),
            p95_ms: row.latency[1].into(),
            p99_ms: row.latency[2].into(),
            cpu: values(line.cpu),
            p95: values(line.p95),
            server,
        }
    });
    let mut tiles: Vec<_> = tiles.collect();
    let ease = |tile: &Tile<'_>| match tile.status {
        _ if !tile.open.is_empty() => 0,
        ServerStatus::Critical => 1,
        ServerStatus::Degraded => 2,
        ServerStatus::Healthy => 3,
    };
    tiles.sort_by(|a, b| (ease(a), a.server).cmp(&(ease(b), b.server)));
    tiles
}

fn open(context: &ViewContext<'_>, server: &str) -> Vec<&'static str> {
    let alerts = context
        .store
        .topics
        .server_alerts
        .newest_first()
        .map(|(_, row)| &row.measures);
    let open = alerts.filter(|alert| alert.closed_at.is_none() && alert.server_id == server);
    let mut names: Vec<_> = open.map(|alert| alert.condition.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
