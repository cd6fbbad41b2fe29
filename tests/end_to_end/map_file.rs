//! Dataflow maps of a test's own: the one at the root, with other figures.

use tempfile::TempDir;

use crate::harness;
use crate::oracle::RECOMPUTATIONS;

const BUILT_IN: &str = include_str!("../../dataflow.yaml");

/// A map on disk, gone when dropped.
pub(crate) struct MapFile(TempDir);

/// The derivations of the map at the root and their sources, in the order of the map.
pub(crate) fn derivations() -> Vec<(&'static str, &'static str)> {
    let (_, derivations) = BUILT_IN.split_once("\nderivations:\n").unwrap();
    let mut found = Vec::new();
    let mut name = "";
    for line in derivations.lines() {
        if let Some(header) = header(line) {
            name = header;
        } else if let Some(source) = line.strip_prefix("    from: ") {
            found.push((name, source));
        }
    }
    found
}

/// The derivation or source that begins on this line.
fn header(line: &str) -> Option<&str> {
    let name = line.strip_prefix("  ")?.strip_suffix(':')?;
    (!name.starts_with(' ')).then_some(name)
}

impl MapFile {
    /// The map at the root without the derivations that have no windows: only those that
    /// [`RECOMPUTATIONS`] knows.
    pub(crate) fn windows() -> Self {
        Self::of(&windows())
    }

    /// The same and other derivations, as lines of the map.
    pub(crate) fn windows_and(derivations: &str) -> Self {
        Self::of(&format!("{}{derivations}", windows()))
    }

    /// Those of windows, which here call a partition idle after two seconds, so that tests need
    /// not wait for ten.
    pub(crate) fn quick() -> Self {
        Self::of(&quick())
    }

    /// The same with other numbers of partitions, in the order of the sources.
    pub(crate) fn quick_with_partitions(counts: &[u32]) -> Self {
        Self::of(&with_partitions(&quick(), counts))
    }

    /// The map at the root with other numbers of partitions; none of these is ever idle, so that
    /// event times alone move time on.
    pub(crate) fn all_by_event_time(counts: &[u32]) -> Self {
        let text = with_idle_timeout(BUILT_IN, "10m");
        Self::of(&with_partitions(&text, counts))
    }

    /// The sources of the map at the root with fewer partitions, and these derivations.
    pub(crate) fn of_derivations(derivations: &str) -> Self {
        let (sources, _) = BUILT_IN.split_once("\nderivations:\n").unwrap();
        let sources = with_partitions(sources, &[2, 1, 1]);
        Self::of(&format!("{sources}\nderivations:{derivations}"))
    }

    /// A map of this text.
    pub(crate) fn of(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("dataflow.yaml"), text).unwrap();
        Self(folder)
    }

    /// For `--map`.
    pub(crate) fn path(&self) -> String {
        harness::path(&self.0.path().join("dataflow.yaml")).to_owned()
    }
}

fn windows() -> String {
    let (sources, derivations) = BUILT_IN.split_once("\nderivations:\n").unwrap();
    let mut text = format!("{sources}\nderivations:\n");
    let mut is_kept = false;
    for line in derivations.lines() {
        if let Some(name) = header(line) {
            is_kept = RECOMPUTATIONS.iter().any(|known| known.topic == name);
        }
        if is_kept {
            text += &format!("{line}\n");
        }
    }
    text
}

fn quick() -> String {
    with_idle_timeout(&windows(), "2s")
}

fn with_idle_timeout(map: &str, timeout: &str) -> String {
    let mut text = String::new();
    for line in map.lines() {
        text += &format!("{line}\n");
        if line.starts_with("    from: ") {
            text += &format!("    idle_timeout: {timeout}\n");
        }
    }
    text
}

fn with_partitions(map: &str, counts: &[u32]) -> String {
    let mut counts = counts.iter();
    let mut text = String::new();
    for line in map.lines() {
        if line.starts_with("    partitions: ") {
            let count = counts.next().expect("a number for each source");
            text += &format!("    partitions: {count}\n");
        } else {
            text += &format!("{line}\n");
        }
    }
    assert!(counts.next().is_none(), "the map has fewer sources");
    text
}
