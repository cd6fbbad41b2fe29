//! Creates dataflow files for tests, most of them from the one at the root of the repository.

use tempfile::TempDir;

use crate::harness;
use crate::oracle::RECOMPUTATIONS;

const BUILT_IN: &str = include_str!("../../dataflow.yaml");

/// A dataflow file on disk. It is deleted when this value is dropped.
pub(crate) struct DataflowFile(TempDir);

/// Returns the derivations of the dataflow file at the root and their sources, in the order of the file.
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

/// Returns the name of the derivation or source that begins on this line.
fn header(line: &str) -> Option<&str> {
    let name = line.strip_prefix("  ")?.strip_suffix(':')?;
    (!name.starts_with(' ')).then_some(name)
}

impl DataflowFile {
    /// Creates a copy of the dataflow file at the root that has only the derivations in [`RECOMPUTATIONS`],
    /// which are those with fixed windows.
    pub(crate) fn windows() -> Self {
        Self::of(&windows())
    }

    /// Creates [`Self::windows`] with further derivations, given as lines of a dataflow file.
    pub(crate) fn windows_and(derivations: &str) -> Self {
        Self::of(&format!("{}{derivations}", windows()))
    }

    /// Creates [`Self::windows`] with an idle timeout of two seconds instead of ten, so that tests take less
    /// time.
    pub(crate) fn quick() -> Self {
        Self::of(&quick())
    }

    /// Creates [`Self::quick`] with further derivations, given as lines of a dataflow file.
    pub(crate) fn quick_and(derivations: &str) -> Self {
        Self::of(&format!("{}{derivations}", quick()))
    }

    /// Creates [`Self::quick`] with other numbers of partitions of the first sources, in the order of the file.
    pub(crate) fn quick_with_partitions(counts: &[u32]) -> Self {
        Self::of(&with_partitions(&quick(), counts))
    }

    /// Creates a copy of the dataflow file at the root with other numbers of partitions and further derivations. Its
    /// idle timeout is so long that only event times advance the watermark.
    pub(crate) fn all_by_event_time_and(counts: &[u32], derivations: &str) -> Self {
        let text = with_idle_timeout(BUILT_IN, "10m");
        Self::of(&format!("{}{derivations}", with_partitions(&text, counts)))
    }

    /// Creates a copy of the dataflow file at the root in which keyed processes remember events for a minute
    /// instead of up to an hour. Their state then reaches its full size within a run of some minutes.
    pub(crate) fn all_with_short_memory() -> Self {
        let is_memory = |name: &str| {
            name.ends_with("_window_s") || ["forget_s", "session_gap_s"].contains(&name)
        };
        let line = |line: &str| match line.split_once(": ") {
            Some((name, _)) if is_memory(name.trim()) => format!("{name}: 60\n"),
            Some((name, _)) if name.trim() == "min_seconds" => format!("{name}: 30\n"),
            _ => format!("{line}\n"),
        };
        Self::of(&BUILT_IN.lines().map(line).collect::<String>())
    }

    /// Creates a dataflow file with the sources of the one at the root, fewer partitions, and the given
    /// derivations.
    pub(crate) fn of_derivations(derivations: &str) -> Self {
        let (sources, _) = BUILT_IN.split_once("\nderivations:\n").unwrap();
        let sources = with_partitions(sources, &[2, 1, 1]);
        Self::of(&format!("{sources}\nderivations:{derivations}"))
    }

    /// Creates a dataflow file with the sources of the one at the root, and these sections.
    pub(crate) fn with_tables(tables: &str, derivations: &str) -> Self {
        let (sources, _) = BUILT_IN.split_once("\nderivations:\n").unwrap();
        Self::of(&format!("{sources}\n{tables}\nderivations:\n{derivations}"))
    }

    /// Creates a dataflow file with this text.
    pub(crate) fn of(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("dataflow.yaml"), text).unwrap();
        Self(folder)
    }

    /// Returns the value for `--dataflow`.
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

fn with_idle_timeout(dataflow: &str, timeout: &str) -> String {
    let mut text = String::new();
    for line in dataflow.lines() {
        text += &format!("{line}\n");
        if line.starts_with("    from: ") {
            text += &format!("    idle_timeout: {timeout}\n");
        }
    }
    text
}

/// Replaces the numbers of partitions of the first sources.
fn with_partitions(dataflow: &str, counts: &[u32]) -> String {
    let mut counts = counts.iter();
    let mut text = String::new();
    for line in dataflow.lines() {
        match counts.as_slice().first() {
            Some(count) if line.starts_with("    partitions: ") => {
                text += &format!("    partitions: {count}\n");
                counts.next();
            }
            _ => text += &format!("{line}\n"),
        }
    }
    assert!(
        counts.next().is_none(),
        "the dataflow file has fewer sources"
    );
    text
}
