//! Measures the memory of every derivation of player events while ten million players send events within one window.
//! The derivations run as native code in one thread, each in its own process. In a derivation with windows or sessions,
//! each event must either be part of a row or be counted as dropped because `ENTRIES_MAX` was reached.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::modules;
use benches::usage::{Memory, memory_mb};
use dataflow::{Offline, Partition, Registration};
use model::fold::SourceRecord;
use serde_json::Value;

const PLAYERS: usize = 10_000_000;
/// The number of records in a batch.
const BATCH: usize = 500;
/// The default of `entries_max` in the dataflow file.
const ENTRIES_MAX: usize = 1_000_000;
/// The limit in MiB for the growth of a derivation's memory: about two thousand bytes per entry.
const GROWTH_MAX_MIB: f64 = 2_048.0;
/// The limit in MiB for derivations that only estimate the number of players with a sketch.
const SKETCHES_MAX_MIB: f64 = 150.0;

/// The command-line argument that makes this program run [`measure_one`].
pub(crate) const ONE: &str = "explosion-of";

struct Candidate {
    registration: Registration,
    /// The measure whose sum over all rows is the number of events; `None` if there is no such measure.
    events: Option<&'static str>,
    max_mib: f64,
}

/// Prints a table. Fails if an event is lost, if an estimate is off by more than 2 %, or if memory grows beyond its
/// limit.
pub(crate) fn measure() -> anyhow::Result<()> {
    println!("\n{PLAYERS} players in one window, at most {ENTRIES_MAX} entries in memory");
    println!(
        "{:>26} {:>9} {:>12} {:>12} {:>12} {:>16}",
        "derivation", "rows", "events in", "no room", "MiB", "million events/s"
    );
    for candidate in candidates()? {
        let name = candidate.registration.name();
        let status = Command::new(env::current_exe()?)
            .args([ONE, name])
            .status()?;
        ensure!(status.success(), "`{name}`: {status}");
    }
    Ok(())
}

/// Prints the table row of the derivation for which this process was started.
pub(crate) fn measure_one() -> anyhow::Result<()> {
    let name = env::args().next_back().context("a derivation's name")?;
    let mut candidates = candidates()?.into_iter();
    let named = candidates.find(|candidate| candidate.registration.name() == name);
    named.context(name)?.measure()
}

fn candidates() -> anyhow::Result<Vec<Candidate>> {
    [
        ("active-players", Some("events"), SKETCHES_MAX_MIB),
        ("level-engagement", Some("events"), SKETCHES_MAX_MIB),
        ("player-activity", Some("event_count"), GROWTH_MAX_MIB),
        ("player-session-summaries", Some("events"), GROWTH_MAX_MIB),
        ("stuck-players", None, GROWTH_MAX_MIB),
    ]
    .into_iter()
    .map(|(name, events, max_mib)| {
        Ok(Candidate {
            registration: derivations::registration(name).context(name)?,
            events,
            max_mib,
        })
    })
    .collect()
}

impl Candidate {
    fn measure(self) -> anyhow::Result<()> {
        let name = self.registration.name();
        let params = modules::required(&self.registration).into_iter().collect();
        let mut offline = self.registration.offline_within(&params, 1, ENTRIES_MAX)?;
        let before = resident_mib()?;
        let (most, time) = play(&mut offline)?;
        let grown = most - before;
        let speed = PLAYERS as f64 / time.as_secs_f64() / 1e6;
        let no_room = offline.late();
        let rows = offline.finish()?;
        let events = self.count(rows.iter().map(|(_, value)| value.as_slice()))?;
        println!(
            "{name:>26} {:>9} {events:>12} {no_room:>12} {grown:>12.0} {speed:>16.2}",
            rows.len()
        );
        ensure!(
            self.events.is_none() || events + no_room == PLAYERS as u64,
            "`{name}` loses some events"
        );
        ensure!(
            grown <= self.max_mib,
            "`{name}` takes {grown:.0} MiB, more than {}",
            self.max_mib
        );
        Ok(())
    }

    /// Returns the number of events in the rows; 0 if `self.events` is `None`.
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

/// Checks a row that estimates the number of players. Each player sends one event, so the estimate must be within 2 %
/// of the number of events.
fn check_sketch(row: &Value) -> anyhow::Result<()> {
    let (Some(players), Some(events)) = (row["active_players"].as_f64(), row["events"].as_f64())
    else {
        return Ok(());
    };
    let off = (players - events).abs() / events;
    ensure!(off <= 0.02, "{events} players were counted as {players}");
    Ok(())
}

/// Sends one event of each player. Returns the maximum resident memory during that time, in MiB, and the time that the
/// derivation took.
fn play(offline: &mut Offline) -> anyhow::Result<(f64, Duration)> {
    let (mut most, mut time) = (resident_mib()?, Duration::ZERO);
    for first in (0..PLAYERS).step_by(BATCH) {
        let texts: Vec<String> = (first..first + BATCH).map(event).collect();
        let records = texts.iter().zip(first as i64..);
        let records =
            records.map(|(text, offset)| SourceRecord::new(offset, None, text.as_bytes()));
        let started = Instant::now();
        let outcome = offline.batch(Partition(0), records);
        time += started.elapsed();
        ensure!(outcome.rejected.is_empty(), "an event was rejected");
        if first % (PLAYERS / 100) == 0 {
            most = most.max(resident_mib()?);
        }
    }
    Ok((most.max(resident_mib()?), time))
}

fn event(player: usize) -> String {
    let (ms, level, map) = (player % 4_000, player % 50, player % 5); // four seconds are within one window
    let time = format!("2026-01-01T00:00:0{}.{:03}Z", ms / 1_000, ms % 1_000);
    let ids = format!(r#""player_id":"player_{player}","session_id":"session_{player}""#);
    let place = format!(r#""level_id":"level_{level}","map_id":"map_{map}""#);
    let fields = format!(r#"{{{ids},"event_type":"move",{place}}}"#);
    let user = format!(r#"{{"user_id":"player_{player}","platform":"PC"}}"#);
    format!(
        r#"{{"event_name":"player_action","parameters":{fields},"event_timestamp":"{time}","user_data":{user}}}"#
    )
}

/// Returns the resident memory of this process (Linux only).
fn resident_mib() -> anyhow::Result<f64> {
    let mb = memory_mb(std::process::id(), Memory::Resident).context("needs Linux")?;
    Ok(mb * 1e6 / f64::from(1 << 20))
}
