//! Dataflow maps of a test's own: the one at the root, with other figures.

use tempfile::TempDir;

use crate::harness;

const BUILT_IN: &str = include_str!("../../dataflow.yaml");

/// A map on disk, gone when dropped.
pub(crate) struct MapFile(TempDir);

impl MapFile {
    /// The map at the root with derivations that call a partition idle after two seconds, so that
    /// tests need not wait for ten.
    pub(crate) fn quick() -> Self {
        Self::of(&quick())
    }

    /// The same with other numbers of partitions, in the order of the sources.
    pub(crate) fn quick_with_partitions(counts: &[u32]) -> Self {
        let mut counts = counts.iter();
        let mut text = String::new();
        for line in quick().lines() {
            if line.starts_with("    partitions: ") {
                let count = counts.next().expect("a number for each source");
                text += &format!("    partitions: {count}\n");
            } else {
                text += &format!("{line}\n");
            }
        }
        assert!(counts.next().is_none(), "the map has fewer sources");
        Self::of(&text)
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

fn quick() -> String {
    let mut text = String::new();
    for line in BUILT_IN.lines() {
        text += &format!("{line}\n");
        if line.starts_with("    from: ") {
            text += "    idle_timeout: 2s\n";
        }
    }
    text
}
