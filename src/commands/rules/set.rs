//! `rules set`: the next version.

use std::collections::BTreeMap;

use ::dataflow::{Published, RuleBook};

use super::{changes, offsets, open, read_file};
use crate::cli::SetRules;

pub(super) async fn set(args: SetRules) -> anyhow::Result<()> {
    let parameters = read_file(&args.file)?;
    let book = open(&args.of).await?;
    let mut published = book.publish(parameters, args.comment).await?;
    let version = published.rules.version;
    println!(
        "{}: version {version} is written (topic {}, offset {})",
        args.of.derivation,
        book.topic(),
        published.offset
    );
    print_changes(&book, &published);
    if args.wait.is_zero() {
        println!("not waited for a runner: see `rules list`");
        return Ok(());
    }
    match published.taken_up(args.wait).await? {
        Some(from) => println!("holds from {} offsets {}", book.spec().from, offsets(&from)),
        None => println!(
            "no runner has taken it up within {}: it holds as soon as one does, for what is read from then on",
            humantime::format_duration(args.wait)
        ),
    }
    Ok(())
}

fn print_changes(book: &RuleBook, published: &Published) {
    let nothing = BTreeMap::new();
    let before = published.before.as_ref();
    let before = before.map_or(&nothing, |before| &before.parameters);
    let map = &book.spec().parameters;
    let changes = changes::between(map, before, &published.rules.parameters);
    if changes.is_empty() {
        println!("  changes nothing");
    }
    for change in changes {
        println!("  {change}");
    }
}
