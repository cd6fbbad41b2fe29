//! `rules`: change, list and backtest the parameters of a derivation while it runs.

mod changes;
mod list;
mod score;
mod set;
mod test;
mod truth;

use std::collections::BTreeMap;
use std::path::Path;

use ::dataflow::{RuleStore, read_parameters};
use anyhow::Context;
use client::{Cluster, Offset, Partition};

use crate::cli::{DerivationArg, RulesCommand};
use crate::{dataflow_file, registry};

pub(crate) async fn rules(args: RulesCommand) -> anyhow::Result<()> {
    match args {
        RulesCommand::Set(args) => set::set(args).await,
        RulesCommand::List(args) => list::list(&args).await,
        RulesCommand::Test(args) => test::test(args).await,
    }
}

async fn open(of: &DerivationArg) -> anyhow::Result<RuleStore> {
    let registry = registry::registry();
    let (_, dataflow) = dataflow_file::load(&of.dataflow, &registry)?;
    let cluster = Cluster::connect_with(&of.cluster.options()).await?;
    Ok(RuleStore::open(
        cluster,
        &dataflow,
        &registry,
        &of.derivation,
    )?)
}

fn read_file(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let place = || format!("`{}`", file.display());
    let text = std::fs::read_to_string(file).with_context(place)?;
    read_parameters(&text).with_context(place)
}

/// Formats the offset of each partition, for example `0:120, 1:98`.
fn offsets(from: &[Offset]) -> String {
    let texts: Vec<_> = Partition::all()
        .zip(from)
        .map(|(partition, offset)| format!("{partition}:{offset}"))
        .collect();
    texts.join(", ")
}
