//! `sql`: answer a question about a source's history. Nothing is written to the cluster.

mod admission;
mod history;
mod output;

use std::io::{self, IsTerminal};
use std::time::Duration;

use ::sql::{DeclaredSource, Plan, Query};
use anyhow::{Context, bail};
use model::Timestamp;

use self::history::Counts;
use crate::cli::{RowFormat, SqlCommand};
use crate::connect::connect;
use crate::terminal::note;
use crate::{dataflow_file, registry, signal};

/// How far back to read by default.
const LAST_DEFAULT: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn sql(args: SqlCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let sources = dataflow.query_sources()?;
    let plan = ::sql::plan(&args.query, &sources).context("invalid query")?;
    let source = sources
        .into_iter()
        .find(|source| source.name == plan.source);
    let mut source = DeclaredSource::new(source.context("the query has no source")?);
    let since = args
        .from
        .is_none()
        .then(|| since(&plan, args.last.unwrap_or(LAST_DEFAULT)));
    let mut query = Query::new(plan, since);
    let reading = async {
        let cluster = connect(&args.cluster).await?;
        history::read(&cluster, &mut source, &mut query, since).await
    };
    let counts = tokio::select! {
        counts = reading => counts?,
        () = stop.cancelled() => bail!("stopped before all records were read; no rows are printed"),
    };
    let default = if io::stdout().is_terminal() {
        RowFormat::Table
    } else {
        RowFormat::Json
    };
    let rows = query.rows();
    output::print(args.output.unwrap_or(default), query.plan(), &rows)?;
    summary(rows.len(), &counts, query.plan())
        .iter()
        .for_each(|line| note(line));
    Ok(())
}

/// Returns the time from which events count: the start of the window that contains the time `last` ago, so that the
/// first window of the result is complete.
fn since(plan: &Plan, last: Duration) -> Timestamp {
    let last_ms = i64::try_from(last.as_millis()).unwrap_or(i64::MAX);
    plan.window
        .start_of(Timestamp::from_millis(client::now_ms()).plus_ms(-last_ms))
}

/// Describes what was read. The first line is, for example, `12 rows from 4000 records of player-events`. A line for
/// each reason to reject records follows.
fn summary(rows: usize, counts: &Counts, plan: &Plan) -> Vec<String> {
    let plural = if rows == 1 { "row" } else { "rows" };
    let mut first = format!(
        "{rows} {plural} from {} records of {}",
        counts.accepted, plan.source
    );
    if counts.accepted == 0 && counts.early > 0 {
        first.push_str("; the other events are older: give a longer --last, or --from beginning");
    }
    let rejected = counts.rejected.iter().map(|(reason, (count, place))| {
        format!("left out as {reason}: {count}, the first in {place}")
    });
    std::iter::once(first).chain(rejected).collect()
}
