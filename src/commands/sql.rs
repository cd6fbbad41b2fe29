//! `sql`: answer a question about a source's history. Nothing is written to the cluster.

mod admission;
mod history;
mod output;

use std::io::{self, IsTerminal};
use std::time::Duration;

use ::sql::{Plan, Query, Reader};
use anyhow::{Context, bail};
use model::Timestamp;

use self::history::Counts;
use crate::cli::{RowFormat, SqlCommand};
use crate::connect::connect;
use crate::signal::unless_stopped;
use crate::terminal::note;
use crate::{dataflow_file, registry, signal};

/// How far back to read by default.
const LAST_DEFAULT: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn sql(args: SqlCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let tables = dataflow.tables()?;
    let plan = ::sql::plan(&args.query, &tables).context("the query is not possible")?;
    let Some(table) = tables.into_iter().find(|table| table.name == plan.source) else {
        bail!("the dataflow file has no source `{}`", plan.source);
    };
    let since = args
        .from
        .is_none()
        .then(|| since(&plan, args.last.unwrap_or(LAST_DEFAULT)));
    let mut query = Query::new(plan, since);
    let reader = Reader::new(table);
    let counts = unless_stopped(&stop, async {
        let cluster = connect(&args.cluster).await?;
        history::read(&cluster, &reader, &mut query, since).await
    })
    .await?;
    let default = if io::stdout().is_terminal() {
        RowFormat::Table
    } else {
        RowFormat::Json
    };
    let rows = query.rows();
    output::print(args.output.unwrap_or(default), query.plan(), &rows)?;
    note(&summary(rows.len(), &counts, query.plan()));
    Ok(())
}

/// Returns the time from which events count: the start of the window that contains the time `last` ago, so that the
/// first window of the result is complete.
fn since(plan: &Plan, last: Duration) -> Timestamp {
    let last_ms = i64::try_from(last.as_millis()).unwrap_or(i64::MAX);
    plan.window
        .start_of(Timestamp::from_millis(client::now_ms()).plus_ms(-last_ms))
}

/// Describes what was read, for example `12 rows from 4000 records of player-events; 3 rejected: 2 not_json, …`.
fn summary(rows: usize, counts: &Counts, plan: &Plan) -> String {
    let mut text = format!(
        "{rows} rows from {} records of {}",
        counts.accepted, plan.source
    );
    if !counts.rejected.is_empty() {
        let each = counts
            .rejected
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        let total: u64 = counts.rejected.values().sum();
        let each: Vec<String> = each.collect();
        text.push_str(&format!(
            "; {total} more do not fit its columns: {}",
            each.join(", ")
        ));
    }
    if let Some(misfit) = &counts.first_misfit {
        text.push_str(&format!(" (the first: {misfit})"));
    }
    text
}
