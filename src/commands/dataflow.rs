//! `dataflow`: check the dataflow file and print it.

use crate::cli::DataflowArg;
use crate::{dataflow_file, registry, terminal};

pub(crate) fn dataflow(args: &DataflowArg) -> anyhow::Result<()> {
    let (text, _checked) = dataflow_file::load(args, &registry::registry())?;
    terminal::print(&text);
    Ok(())
}
