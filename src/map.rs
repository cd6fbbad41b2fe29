//! The dataflow map: a file, or the one at the root of the repository when the binary was built.

use anyhow::Context;
use dataflow::{DataflowMap, Registry};

use crate::cli;

const BUILT_IN: &str = include_str!("../dataflow.yaml");

/// The map's text and its checked value.
pub(crate) fn load(args: &cli::Map, registry: &Registry) -> anyhow::Result<(String, DataflowMap)> {
    let (text, origin) = match &args.map {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read dataflow map `{}`", file.display()))?;
            (text, file.display().to_string())
        }
        None => (BUILT_IN.to_owned(), "the built-in dataflow map".to_owned()),
    };
    let map = DataflowMap::parse(&text, registry).with_context(|| origin)?;
    Ok((text, map))
}
