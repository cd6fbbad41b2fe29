//! `run`: run the dataflow, a replay or a reset against a cluster.

use ::dataflow::{Options, StatusBoard};
use tokio_util::sync::CancellationToken;

use super::provisioned;
use crate::cli::RunCommand;
use crate::live_status::LiveStatus;
use crate::progress::Progress;
use crate::terminal::say;
use crate::{dataflow_file, monitoring, registry, signal, summary};

pub(crate) async fn run(args: RunCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry)?;
    let status = StatusBoard::default();
    // A replay or reset serves no metrics: it ends by itself, and often runs on the same machine as a runner that uses
    // the port.
    if args.into.is_none() && args.reset.is_empty() {
        let address = args.metrics.metrics_addr;
        monitoring::start(address, &dataflow, status.clone(), stop.clone()).await?;
    }
    let cluster = provisioned::with_dataflow(&args.cluster, &dataflow, &registry, &stop).await?;
    let options = Options {
        cluster,
        dataflow,
        registry,
        status,
    };
    if !args.reset.is_empty() {
        return super::reset::reset(&options, &args.reset, args.yes, &stop).await;
    }
    match &args.into {
        Some(suffix) => replay(&options, suffix, &stop).await,
        None => run_dataflow(options, stop).await,
    }
}

/// Recomputes history into separate topics. If the replay is stopped early, the rows written so far remain.
async fn replay(options: &Options, suffix: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let progress = ::dataflow::Progress::default();
    let shown = Progress::of("replay", "records", progress.clone());
    let counts = tokio::select! {
        counts = ::dataflow::replay(options, suffix, &progress) => counts?,
        () = stop.cancelled() => anyhow::bail!("stopped before the replay into `{suffix}` was complete"),
    };
    drop(shown);
    for (derivation, counts) in counts {
        say!("{derivation}-{suffix}: {}", summary::identity(&counts));
        if counts.late > 0 {
            say!(
                "{derivation}-{suffix}: the late records are in `{}-{suffix}`",
                ::dataflow::LATE_EVENTS
            );
        }
    }
    Ok(())
}

/// Runs the dataflow on a provisioned cluster until stopped. Prints a live status, and a summary at the end.
pub(crate) async fn run_dataflow(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    say!("runner: reads from {}", options.cluster.address());
    let status = options.status.clone();
    let live = LiveStatus::start(status.clone(), &options.dataflow);
    let result = ::dataflow::run(options, stop.cancelled_owned()).await;
    live.stop();
    summary::print(&status);
    Ok(result?)
}
