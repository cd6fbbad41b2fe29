//! `dashboard`: serve the live dashboard to browsers.

use ::dashboard::{
    Access, Explore, ExploredColumn, ExploredTopic, Game, Handle, Options, PinnedChart, Token,
};
use ::dataflow::{ChartKind, DataflowSpec, DerivationSpec, ViewSpec};
use anyhow::Context;
use client::Cluster;
use data_generator::Catalogue;
use tokio_util::sync::CancellationToken;

use crate::cli::{DashboardArgs, DashboardCommand};
use crate::connect::connect;
use crate::listen::listen;
use crate::terminal::say;
use crate::{dataflow_file, registry, signal};

pub(crate) async fn dashboard(args: DashboardCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let catalogue = args.catalogue.load()?;
    let cluster = signal::unless_stopped(&stop, connect(&args.cluster)).await?;
    let service = start(cluster, &dataflow, &catalogue, &args.dashboard, stop).await?;
    Ok(service.stopped().await?)
}

/// Starts the dashboard on the cluster's topics and prints its address.
pub(crate) async fn start(
    cluster: Cluster,
    dataflow: &DataflowSpec,
    catalogue: &Catalogue,
    args: &DashboardArgs,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let listener = listen(args.dashboard_addr, "the dashboard", "--dashboard-addr").await?;
    let access = access(args)?;
    if access == Access::Anybody {
        tracing::warn!(
            "every client that reaches the dashboard can view all data, because --dashboard-insecure is set"
        );
    }
    let options = Options {
        cluster,
        access,
        explore: explore(dataflow),
        games: games(catalogue),
    };
    let handle = ::dashboard::start(listener, options, stop).await?;
    say!("dashboard: http://{}", handle.address());
    Ok(handle)
}

/// Returns the games in the order of the catalogue.
fn games(catalogue: &Catalogue) -> Vec<Game> {
    let game = |game: &data_generator::Game| Game {
        id: game.id.clone(),
        name: game.name.clone(),
        genre: game.genre.clone(),
        cover: game.cover.clone(),
    };
    catalogue.games().map(game).collect()
}

/// Returns the derived topics and the views of the dataflow file.
fn explore(dataflow: &DataflowSpec) -> Explore {
    let derivations = dataflow.derivations.iter();
    Explore {
        topics: derivations.map(|(name, spec)| topic(name, spec)).collect(),
        pinned: dataflow.views.iter().map(pinned).collect(),
    }
}

fn topic(name: &str, spec: &DerivationSpec) -> ExploredTopic {
    let columns = spec.columns().iter().map(|column| ExploredColumn {
        name: column.name.clone(),
        kind: column.ty.to_string(),
        is_additive: column.is_additive,
    });
    let counts = match spec.sql {
        Some(_) => &[][..],
        None => counts(name),
    };
    ExploredTopic {
        name: name.to_owned(),
        columns: columns.collect(),
        additive: counts.iter().map(|&count| count.to_owned()).collect(),
    }
}

/// Returns the columns of a built-in derivation that count events, so that their sums over several keys have a meaning.
/// Amounts are not among them, because those of different currencies cannot be added.
fn counts(derivation: &str) -> &'static [&'static str] {
    match derivation {
        "active-players" => &["events"],
        "level-engagement" => &["events", "moves", "interactions", "level_completes"],
        "player-activity" => &["event_count"],
        "player-session-summaries" => &["events", "level_completes"],
        "purchase-summaries" | "revenue" => &["purchases", "refunds"],
        "server-health" => &["samples"],
        _ => &[],
    }
}

fn pinned(view: &ViewSpec) -> PinnedChart {
    PinnedChart {
        title: view.title.clone(),
        topic: view.topic.clone(),
        measures: view.measures.clone(),
        split: view.split.clone(),
        has_bars: view.chart == ChartKind::Bars,
        // The dataflow file allows at most a day.
        minutes: u16::try_from(view.range.as_secs() / 60).unwrap_or(u16::MAX),
    }
}

fn access(args: &DashboardArgs) -> anyhow::Result<Access> {
    let Some(file) = &args.dashboard_token_file else {
        return Ok(match args.dashboard_insecure {
            true => Access::Anybody,
            false => Access::Loopback,
        });
    };
    let text = std::fs::read_to_string(file).with_context(|| {
        format!(
            "cannot read the dashboard's token from `{}`",
            file.display()
        )
    })?;
    Ok(Access::Token(Token::new(&text)?))
}
