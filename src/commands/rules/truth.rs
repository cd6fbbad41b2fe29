//! What really happened, as whoever made the events wrote it down.

use std::io::BufRead;
use std::path::Path;

use anyhow::Context;
use model::Timestamp;
use serde::Deserialize;

/// Entries of other kinds are about other things than alerts.
const KIND: &str = "fraud";

/// Something that an alert should tell of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Entry {
    kind: String,
    pub(super) rule: String,
    pub(super) game_id: String,
    pub(super) user_id: String,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Otherwise it may be told of or not.
    #[serde(default = "yes")]
    pub(super) complete: bool,
}

fn yes() -> bool {
    true
}

/// Of any line.
#[derive(Deserialize)]
struct Kind {
    kind: String,
}

/// Reads JSON lines; those of other kinds are passed over.
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
    let Kind { kind } = serde_json::from_str(line)?;
    if kind != KIND {
        return Ok(None);
    }
    serde_json::from_str(line).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_kinds_are_passed_over_and_broken_ones_are_not() {
        let line = r#"{"kind":"fraud","rule":"r","game_id":"g","user_id":"u","start":"1970-01-01T00:00:01Z","end":"1970-01-01T00:00:02.500Z","transaction_ids":["t"]}"#;
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
