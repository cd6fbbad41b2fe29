//! `sql`: answer a question about a source's history. Nothing is written to the cluster.

mod admission;
mod counts;
mod follow;
mod history;
mod output;
mod save;

use std::time::Duration;

use ::sql::{Catalog, DeclaredSource, Plan, Query, Source, Table, WindowPlan};
use anyhow::{Context, bail};
use client::Cluster;
use dataflow::JoinedTable;
use model::Timestamp;

use self::counts::Counts;
use self::follow::Following;
use self::output::Printer;
use crate::ago::ago;
use crate::cli::SqlCommand;
use crate::connect::connect;
use crate::terminal::note;
use crate::{dataflow_file, registry, signal};

/// How far back to read by default.
const LAST_DEFAULT: Duration = Duration::from_secs(60 * 60);

pub(crate) async fn sql(args: SqlCommand) -> anyhow::Result<()> {
    if let Some(name) = &args.save {
        return save::save(&args, name);
    }
    let stop = signal::stop_token()?;
    let (_, file) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let (sources, tables) = (file.query_sources()?, file.query_tables()?);
    let plan = plan(&args, &sources, &tables)?;
    let table = plan.join.as_ref().map(|join| join.table.clone());
    let source = sources
        .into_iter()
        .find(|source| source.name == plan.source);
    let mut source = DeclaredSource::new(source.context("the query has no source")?);
    let since = args
        .from
        .is_none()
        .then(|| since(&plan, args.last.unwrap_or(LAST_DEFAULT)));
    let mut query = Query::new(plan, since);
    let mut printer = Printer::new(args.output);
    let mut counts = Counts::default();
    let reading = async {
        let cluster = connect(&args.cluster).await?;
        let table = match &table {
            Some(table) => Some(load(&cluster, table, since, &mut query).await?),
            None => None,
        };
        if args.follow {
            let (source, query) = (&mut source, &mut query);
            let (counts, printer) = (&mut counts, &mut printer);
            return Following {
                cluster,
                source,
                query,
                table,
                since,
                counts,
                printer,
            }
            .run()
            .await;
        }
        history::read(&cluster, &mut source, &mut query, since, &mut counts).await?;
        printer.print(query.plan(), &query.rows()).map(drop)
    };
    tokio::select! {
        done = reading => done?,
        () = stop.cancelled() => {
            if !args.follow {
                bail!("stopped before all records were read; no rows are printed");
            }
        }
    }
    summary(printer.rows(), &counts, &query)
        .iter()
        .for_each(|line| note(line));
    Ok(())
}

/// Plans the query, and checks that it can be answered in the way that the flags ask for.
fn plan(args: &SqlCommand, sources: &[Source], tables: &[Table]) -> anyhow::Result<Plan> {
    let plan = ::sql::plan(&args.query, Catalog { sources, tables }).context("invalid query")?;
    if args.follow && plan.window == WindowPlan::None {
        bail!(
            "--follow prints the rows of a window when the window is over, but the query has no window: add TUMBLE, \
             HOP or SESSION to GROUP BY, such as TUMBLE(INTERVAL '10' SECOND)"
        );
    }
    Ok(plan)
}

/// Reads the table that the query joins, as it was at the time from which events count and later.
async fn load(
    cluster: &Cluster,
    table: &Table,
    since: Option<Timestamp>,
    query: &mut Query,
) -> anyhow::Result<JoinedTable> {
    let table = JoinedTable::load(cluster, table, since.unwrap_or(Timestamp::MIN)).await?;
    query.set_table(table.versions());
    Ok(table)
}

/// Returns the time from which events count: the start of the window that contains the time `last` ago, so that the
/// first window of the result is complete.
fn since(plan: &Plan, last: Duration) -> Timestamp {
    plan.window.start_of(ago(last))
}

/// Describes what was read. The first line is, for example, `12 rows from 4000 records of player-events`. A line about
/// late records, and one for each reason to reject records, follow.
fn summary(rows: u64, counts: &Counts, query: &Query) -> Vec<String> {
    let plural = if rows == 1 { "row" } else { "rows" };
    let mut first = format!(
        "{rows} {plural} from {} records of {}",
        counts.accepted,
        query.plan().source
    );
    if counts.accepted == 0 && counts.early > 0 {
        first.push_str("; the other events are older: give a longer --last, or --from beginning");
    }
    let late = (query.late() > 0).then(|| {
        format!(
            "late, after a window of theirs was printed: {}",
            query.late()
        )
    });
    let rejected = counts.rejected.iter().map(|(reason, (count, place))| {
        format!("left out as {reason}: {count}, the first in {place}")
    });
    std::iter::once(first).chain(late).chain(rejected).collect()
}
