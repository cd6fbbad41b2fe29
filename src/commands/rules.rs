//! `rules`: the parameters of a derivation that change while it runs.

mod changes;
mod list;
mod score;
mod set;
mod test;
mod truth;

use std::collections::BTreeMap;
use std::path::Path;

use ::dataflow::{RuleBook, read_parameters};
use anyhow::Context;
use client::Cluster;

use crate::cli::{self, RulesOf};
use crate::{map, registry};

pub(crate) async fn rules(args: cli::Rules) -> anyhow::Result<()> {
    match args {
        cli::Rules::Set(args) => set::set(args).await,
        cli::Rules::List(args) => list::list(&args).await,
        cli::Rules::Test(args) => test::test(args).await,
    }
}

async fn open(of: &RulesOf) -> anyhow::Result<RuleBook> {
    let registry = registry::registry();
    let (_, map) = map::load(&of.map, &registry)?;
    let cluster = Cluster::connect_with(&of.cluster.options()).await?;
    Ok(RuleBook::open(cluster, &map, &registry, &of.derivation)?)
}

fn read_file(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let place = || format!("`{}`", file.display());
    let text = std::fs::read_to_string(file).with_context(place)?;
    read_parameters(&text).with_context(place)
}

/// `0:120, 1:98`: offsets by partition.
fn offsets(from: &[i64]) -> String {
    let texts: Vec<_> = from
        .iter()
        .enumerate()
        .map(|(partition, offset)| format!("{partition}:{offset}"))
        .collect();
    texts.join(", ")
}
