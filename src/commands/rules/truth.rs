//! Reads the ground truth about planted incidents, which the generator wrote.

use std::io::BufRead;
use std::path::Path;

use anyhow::Context;
use model::Timestamp;
use serde::Deserialize;

/// The kind of entries with which alerts are compared. Other kinds are ignored.
const KIND: &str = "fraud";

/// An incident that an alert should report.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Entry {
    kind: String,
    pub(super) rule: String,
    pub(super) game_id: String,
    pub(super) user_id: String,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Whether the incident ran to its end. Incomplete incidents are not counted.
    #[serde(default = "yes")]
    pub(super) complete: bool,
}

fn yes() -> bool {
    true
}

/// The field that entries of every kind have.
#[derive(Deserialize)]
struct EntryKind {
    kind: String,
}

/// Reads the fraud entries from a file of JSON lines.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Entry>> {
    let place = || format!("`{}`", file.display());
    let lines = std::io::BufReader::new(std::fs::File::open(file).with_context(place)?).lines();
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let place = || format!("`{}`, line {number}", file.display());
        entries.extend(entry(&line.with_context(place)?).with_context(place)?);
    }
    Ok(entries)
}

fn entry(line: &str) -> Result<Option<Entry>, serde_json::Error> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let EntryKind { kind } = serde_json::from_str(line)?;
    if kind != KIND {
        return Ok(None);
    }
    serde_json::from_str(line).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_other_kinds_are_ignored_and_broken_lines_are_errors() {
        let line = r#"{"kind":"fraud","rule":"r","game_id":"g","user_id":"u","start":"1970-01-01T00:00:01Z",
            "end":"1970-01-01T00:00:02.500Z","transaction_ids":["t"]}"#;
        let read = entry(line).expect("an entry").expect("of the kind");
        assert_eq!((read.rule.as_str(), read.user_id.as_str()), ("r", "u"));
        assert_eq!(
            (read.start.as_millis(), read.end.as_millis()),
            (1_000, 2_500)
        );
        assert_eq!(entry(r#"{"kind":"outage","id":3}"#).expect("a line"), None);
        assert_eq!(entry(" ").expect("a line"), None);
        for broken in ["{", r#"{"rule":"r"}"#, r#"{"kind":"fraud","rule":"r"}"#] {
            assert!(entry(broken).is_err(), "{broken}");
        }
    }
}
