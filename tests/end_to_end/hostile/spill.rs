//! Stores events on disk by the minute of their event time, because only the events of one minute fit into memory.
//! Every tumbling or hopping window lies within one minute.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use client::Record;
use tempfile::TempDir;

use super::reading::Event;

pub(super) const MINUTE_MS: i64 = 60_000;

/// The number of bytes of a minute that are buffered before they are written to disk.
const BUFFER_BYTES: usize = 1 << 20;

/// The events of one source.
pub(super) struct Spill {
    folder: TempDir,
    minutes: BTreeMap<i64, Vec<u8>>,
}

impl Spill {
    pub(super) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            minutes: BTreeMap::new(),
        }
    }

    /// Adds an event. Each bit of `late` belongs to one derivation, and is set if the event is late for it.
    pub(super) fn push(&mut self, event: &Event, ingested_ms: i64, late: u8) {
        let minute = event.time_ms.div_euclid(MINUTE_MS);
        let buffer = self.minutes.entry(minute).or_default();
        writeln!(buffer, "{late} {ingested_ms} {}", event.json).unwrap();
        if buffer.len() > BUFFER_BYTES {
            let bytes = std::mem::take(buffer);
            self.append(minute, &bytes);
        }
    }

    fn append(&self, minute: i64, bytes: &[u8]) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(minute));
        file.unwrap().write_all(bytes).unwrap();
    }

    fn path(&self, minute: i64) -> PathBuf {
        self.folder.path().join(minute.to_string())
    }

    /// Returns the minutes that have events, in order.
    pub(super) fn minutes(&mut self) -> Vec<i64> {
        for (minute, bytes) in std::mem::take(&mut self.minutes) {
            self.append(minute, &bytes);
            self.minutes.insert(minute, Vec::new());
        }
        self.minutes.keys().copied().collect()
    }

    /// Returns the events of a minute as plain records, each with the bits of the derivations for which it is late.
    pub(super) fn records(&self, minute: i64) -> Vec<(u8, Record)> {
        let lines = BufReader::new(File::open(self.path(minute)).unwrap()).lines();
        let record = |line: String| {
            let mut parts = line.splitn(3, ' ');
            let mut number = || parts.next().unwrap().parse::<i64>().unwrap();
            let (late, ingested_ms) = (number() as u8, number());
            let record = Record {
                offset: client::Offset(0),
                timestamp_ms: Some(ingested_ms),
                key: None,
                value: parts.next().unwrap().to_owned().into(),
            };
            (late, record)
        };
        lines.map(|line| record(line.unwrap())).collect()
    }
}
