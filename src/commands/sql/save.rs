//! `--save`: print a query as a derivation of the dataflow file.

use anyhow::Context;
use dataflow::DataflowSpec;

use crate::cli::SqlCommand;
use crate::terminal::{self, note};
use crate::{dataflow_file, registry};

pub(super) fn save(args: &SqlCommand, name: &str) -> anyhow::Result<()> {
    let registry = registry::registry();
    let (file, _) = dataflow_file::load(&args.dataflow, &registry)?;
    let lines = DataflowSpec::derivation_lines(&file, name, &args.query, &registry)
        .context("invalid derivation")?;
    terminal::print(&lines);
    note("add these lines to the section `derivations` of the dataflow file");
    Ok(())
}
