//! `run`: the dataflow against a cluster.

use ::dataflow::{Options, StatusBoard};
use tokio_util::sync::CancellationToken;

use crate::connect::connect;
use crate::live_status::LiveStatus;
use crate::provision::provision;
use crate::{cli, map, monitoring, registry, signal, summary};

pub(crate) async fn run(args: cli::Run) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let registry = registry::registry();
    let (_, map) = map::load(&args.map, &registry)?;
    let status = StatusBoard::default();
    // A replay ends by itself, and runs beside a runner that has the port.
    if args.into.is_none() {
        let address = args.monitoring.metrics_addr;
        monitoring::start(address, &map, status.clone(), stop.clone()).await?;
    }
    let cluster = signal::unless_stopped(&stop, async {
        let cluster = connect(&args.cluster).await?;
        provision(&cluster, &map, &registry).await?;
        Ok(cluster)
    })
    .await?;
    let options = Options {
        cluster,
        map,
        registry,
        status,
        shared_reads: args.reading.shared_reads,
    };
    match &args.into {
        Some(suffix) => replay(&options, suffix, &stop).await,
        None => run_dataflow(options, stop).await,
    }
}

/// Recomputes history into topics of their own; stopped early, what was written stays.
async fn replay(options: &Options, suffix: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let counts = tokio::select! {
        counts = ::dataflow::replay(options, suffix) => counts?,
        () = stop.cancelled() => anyhow::bail!("stopped before the replay into `{suffix}` was complete"),
    };
    for (derivation, counts) in counts {
        println!("{derivation}-{suffix}: {}", summary::counts(&counts));
    }
    Ok(())
}

/// Runs the dataflow on a provisioned cluster until told to stop, with its live status and, in the
/// end, its summary.
pub(crate) async fn run_dataflow(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    println!("runner: reads from {}", options.cluster.address());
    let status = options.status.clone();
    let live = LiveStatus::start(status.clone(), &options.map);
    let result = ::dataflow::run(options, stop.cancelled_owned()).await;
    live.stop();
    summary::print(&status);
    Ok(result?)
}
