//! Builds the dataflow files to measure: a copy of the repository's own, and one with a single derivation of it.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, ensure};
use tempfile::NamedTempFile;

const WHOLE: &str = include_str!("../../dataflow.yaml");
const DERIVATIONS: &str = "\nderivations:\n";

/// A dataflow file on disk.
pub(crate) struct DataflowFile {
    name: String,
    /// The source topic of each derivation.
    pub(crate) sources: BTreeMap<String, String>,
    file: NamedTempFile,
}

impl DataflowFile {
    /// Returns a copy of the repository's dataflow file.
    pub(crate) fn whole() -> anyhow::Result<Self> {
        let (_, derivations) = parts()?;
        let sources = sources(derivations)?;
        Self::write(format!("all {}", sources.len()), WHOLE, sources)
    }

    /// Returns a dataflow file with the same sources, but only one derivation.
    pub(crate) fn only(derivation: &str) -> anyhow::Result<Self> {
        let (head, derivations) = parts()?;
        let mut inside = false;
        let its_lines = derivations.lines().filter(|line| {
            inside = name_in(line).map_or(inside, |name| name == derivation);
            inside
        });
        let block: String = its_lines.flat_map(|line| [line, "\n"]).collect();
        let text = format!("{head}{DERIVATIONS}{block}");
        Self::write(derivation.to_owned(), &text, sources(&block)?)
    }

    fn write(name: String, text: &str, sources: BTreeMap<String, String>) -> anyhow::Result<Self> {
        ensure!(!sources.is_empty(), "`{name}` is not in the dataflow file");
        let mut file = NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        Ok(Self {
            name,
            sources,
            file,
        })
    }

    /// Returns the name of this file in the table of results.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> anyhow::Result<&str> {
        self.file.path().to_str().context("a file of a plain name")
    }
}

fn parts() -> anyhow::Result<(&'static str, &'static str)> {
    WHOLE.split_once(DERIVATIONS).context("no derivations")
}

/// Returns the name of the derivation that begins in this line; `None` for other lines.
fn name_in(line: &str) -> Option<&str> {
    let name = line.strip_prefix("  ")?.strip_suffix(':')?;
    (!name.starts_with(' ')).then_some(name)
}

fn sources(derivations: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut sources = BTreeMap::new();
    let mut derivation = None;
    for line in derivations.lines() {
        derivation = name_in(line).or(derivation);
        if let Some(source) = line.strip_prefix("    from: ") {
            let derivation = derivation.context("a source without a derivation")?;
            sources.insert(derivation.to_owned(), source.to_owned());
        }
    }
    Ok(sources)
}
