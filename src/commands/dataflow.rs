//! `dataflow`: check the map and print it.

use crate::{cli, map, registry};

pub(crate) fn dataflow(args: &cli::Map) -> anyhow::Result<()> {
    let (text, _checked) = map::load(args, &registry::registry())?;
    print!("{text}");
    Ok(())
}
