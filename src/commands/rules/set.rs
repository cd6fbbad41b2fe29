//! `rules set`: write the next version of a derivation's parameters.

use std::collections::BTreeMap;

use ::dataflow::{Published, RuleStore};

use super::{changes, offsets, open, read_file};
use crate::cli::SetRulesCommand;
use crate::terminal::say;

pub(super) async fn set(args: SetRulesCommand) -> anyhow::Result<()> {
    let parameters = read_file(&args.file)?;
    let store = open(&args.of).await?;
    let mut published = store.publish(parameters, args.comment).await?;
    let version = published.rules.version;
    say!(
        "{}: version {version} written (topic {}, offset {})",
        args.of.derivation,
        store.topic(),
        published.offset
    );
    print_changes(&store, &published);
    if args.wait.is_zero() {
        say!("did not wait for a runner: see `rules list`");
        return Ok(());
    }
    match published.taken_up(args.wait).await? {
        Some(from) => say!(
            "applies from {} offsets {}",
            store.spec().from,
            offsets(&from)
        ),
        None => say!(
            "no runner has applied it within {}: it takes effect once one does, for records read from then on",
            humantime::format_duration(args.wait)
        ),
    }
    Ok(())
}

fn print_changes(store: &RuleStore, published: &Published) {
    let nothing = BTreeMap::new();
    let before = published.before.as_ref();
    let before = before.map_or(&nothing, |before| &before.parameters);
    let dataflow = &store.spec().parameters;
    let changes = changes::between(dataflow, before, &published.rules.parameters);
    if changes.is_empty() {
        say!("  no changes");
    }
    for change in changes {
        say!("  {change}");
    }
}
