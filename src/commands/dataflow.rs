//! `dataflow`: check the dataflow file, and print it or the plans of its queries.

use crate::cli::DataflowCommand;
use crate::{dataflow_file, registry, terminal};

pub(crate) fn dataflow(args: &DataflowCommand) -> anyhow::Result<()> {
    let (text, checked) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    if !args.explain {
        terminal::print(&text);
        return Ok(());
    }
    for (name, spec) in &checked.derivations {
        let from = &spec.from;
        terminal::print(&match spec.explain() {
            Some(plan) => format!("{name}, from {from}\n{}\n", indented(plan)),
            None => format!("{name}, from {from}\n  code of its own\n"),
        });
    }
    Ok(())
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}
