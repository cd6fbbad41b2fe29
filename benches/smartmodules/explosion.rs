//! Ten million players within one window, native, one thread: what every derivation of their events
//! keeps in memory, and that each event is in its rows or counted as having found no room. Each is
//! measured in a process of its own.

use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use benches::modules;
use dataflow::{Offline, Registration};
use model::fold::SourceRecord;
use serde_json::Value;

const PLAYERS: usize = 10_000_000;
/// Records in a batch.
const BATCH: usize = 500;
/// What the map gives a derivation that says nothing else.
const ENTRIES_MAX: usize = 1_000_000;
/// A derivation may grow by this much, in MiB: two thousand bytes or so an entry.
const GROWTH_MAX_MIB: f64 = 2_048.0;
/// Where players are counted and not kept.
const SKETCHES_MAX_MIB: f64 = 150.0;

/// What chooses [`measure_one`].
pub(crate) const ONE: &str = "explosion-of";

struct Candidate {
    registration: Registration,
    /// The measure that adds up to the events, if its rows have one for each of them.
    events: Option<&'static str>,
    max_mib: f64,
}

/// Prints the table; fails where an event is lost, a sketch is off or memory grows beyond its claim.
pub(crate) fn measure() -> anyhow::Result<()> {
    println!("\n{PLAYERS} players in one window, at most {ENTRIES_MAX} entries in memory");
    println!(
        "{:>26} {:>9} {:>12} {:>12} {:>12} {:>16}",
        "derivation", "rows", "events in", "no room", "MiB", "million events/s"
    );
    for candidate in candidates() {
        let name = candidate.registration.name();
        let status = Command::new(env::current_exe()?)
            .args([ONE, name])
            .status()?;
        ensure!(status.success(), "`{name}`: {status}");
    }
    Ok(())
}

/// Prints the line of the derivation that the process was started for.
pub(crate) fn measure_one() -> anyhow::Result<()> {
    let name = env::args().next_back().context("a derivation's name")?;
    let mut candidates = candidates().into_iter();
    let named = candidates.find(|candidate| candidate.registration.name() == name);
    named.context(name)?.measure()
}

fn candidates() -> [Candidate; 5] {
    let candidate = |registration, events, max_mib| Candidate {
        registration,
        events,
        max_mib,
    };
    [
        candidate(
            Registration::of::<active_players::ActivePlayersFold>(),
            Some("events"),
            SKETCHES_MAX_MIB,
        ),
        candidate(
            Registration::of::<level_engagement::LevelEngagementFold>(),
            Some("events"),
            SKETCHES_MAX_MIB,
        ),
        candidate(
            Registration::of::<player_activity::PlayerActivityFold>(),
            Some("event_count"),
            GROWTH_MAX_MIB,
        ),
        candidate(
            Registration::of::<player_session_summaries::PlayerSessionSummariesFold>(),
            Some("events"),
            GROWTH_MAX_MIB,
        ),
        candidate(
            Registration::following::<stuck_players::StuckPlayersRule>(),
            None,
            GROWTH_MAX_MIB,
        ),
    ]
}

impl Candidate {
    fn measure(self) -> anyhow::Result<()> {
        let name = self.registration.name();
        let params = modules::parameters(name)?.into_iter().collect();
        let mut offline = self.registration.offline_within(&params, 1, ENTRIES_MAX)?;
        let (before, started) = (resident_mib()?, Instant::now());
        let grown = play(&mut offline)? - before;
        let speed = PLAYERS as f64 / started.elapsed().as_secs_f64() / 1e6;
        let no_room = offline.late();
        let rows = offline.finish()?;
        let events = self.count(rows.iter().map(|(_, value)| value.as_slice()))?;
        println!(
            "{name:>26} {:>9} {events:>12} {no_room:>12} {grown:>12.0} {speed:>16.2}",
            rows.len()
        );
        ensure!(
            self.events.is_none() || events + no_room == PLAYERS as u64,
            "`{name}` says nothing of some events"
        );
        ensure!(
            grown <= self.max_mib,
            "`{name}` takes {grown:.0} MiB, more than {}",
            self.max_mib
        );
        Ok(())
    }

    /// The events that the rows speak of, which with those that found no room must be all.
    fn count<'r>(&self, rows: impl Iterator<Item = &'r [u8]>) -> anyhow::Result<u64> {
        let mut events = 0;
        for row in rows {
            let row: Value = serde_json::from_slice(row)?;
            if let Some(measure) = self.events {
                events += row[measure].as_u64().context("a count of events")?;
            }
            check_sketch(&row)?;
        }
        Ok(events)
    }
}

/// Where all players are one row's, it must say so many, within the error that it states.
fn check_sketch(row: &Value) -> anyhow::Result<()> {
    let (Some(players), Some(events)) = (row["active_players"].as_f64(), row["events"].as_f64())
    else {
        return Ok(());
    };
    let off = (players - events).abs() / events;
    ensure!(off <= 0.02, "{events} players were counted as {players}");
    Ok(())
}

/// Sends one event of each player; the greatest resident memory on the way.
fn play(offline: &mut Offline) -> anyhow::Result<f64> {
    let mut most = resident_mib()?;
    for first in (0..PLAYERS).step_by(BATCH) {
        let texts: Vec<String> = (first..first + BATCH).map(event).collect();
        let records = texts.iter().zip(first as i64..);
        let records =
            records.map(|(text, offset)| SourceRecord::new(offset, None, text.as_bytes()));
        ensure!(offline.batch(0, records).rejected.is_empty(), "no event");
        if first % (PLAYERS / 100) == 0 {
            most = most.max(resident_mib()?);
        }
    }
    Ok(most.max(resident_mib()?))
}

fn event(player: usize) -> String {
    let (ms, level, map) = (player % 4_000, player % 50, player % 5); // within any window
    format!(
        r#"{{"event_name":"player_action","parameters":{{"player_id":"player_{player}","session_id":"session_{player}","event_type":"move","level_id":"level_{level}","map_id":"map_{map}"}},"event_timestamp":"2026-01-01T00:00:0{}.{:03}Z","user_data":{{"user_id":"player_{player}","platform":"PC"}}}}"#,
        ms / 1_000,
        ms % 1_000
    )
}

/// This process's memory that is not swapped out or given back (Linux only).
fn resident_mib() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("needs Linux")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: f64 = kib.context("no VmRSS")?.parse()?;
    Ok(kib / 1024.0)
}
