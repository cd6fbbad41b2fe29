//! Loads the dataflow file: the one that the user gives, or else the repository's `dataflow.yaml`, which is embedded at
//! build time.

use anyhow::Context;
use dataflow::{DataflowSpec, Registry, SpecError};

use crate::cli::DataflowArg;
use crate::event_sources::event_sources;

const BUILT_IN: &str = include_str!("../dataflow.yaml");

/// Returns the text of the dataflow file, and the specification that was parsed from it and checked.
pub(crate) fn load(
    args: &DataflowArg,
    registry: &Registry,
) -> anyhow::Result<(String, DataflowSpec)> {
    let (text, origin) = match &args.dataflow {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read dataflow file `{}`", file.display()))?;
            (text, file.display().to_string())
        }
        None => (BUILT_IN.to_owned(), "the built-in dataflow file".to_owned()),
    };
    let dataflow = parse(&text, registry).with_context(|| origin)?;
    Ok((text, dataflow))
}

fn parse(text: &str, registry: &Registry) -> Result<DataflowSpec, SpecError> {
    let dataflow = DataflowSpec::parse(text, registry)?;
    // Checks the settings that only the web API uses, so that every command reports an error in them.
    event_sources(&dataflow).map_err(|error| error.located(text))?;
    Ok(dataflow)
}

#[cfg(test)]
mod tests;
