//! Runs a node until Ctrl-C: `cargo run -p local-cluster --example node -- DATA_DIR [CONTROL_ADDR DATA_ADDR]`.

use anyhow::Context;
use local_cluster::{Listeners, Options, start};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let mut arguments = std::env::args().skip(1);
    let options = Options::new(arguments.next().context("give a data folder")?);
    let mut address = |default: &str| arguments.next().unwrap_or(default.to_owned()).parse();
    let (sc_addr, spu_addr) = (address("127.0.0.1:9003")?, address("127.0.0.1:9010")?);
    let listeners = Listeners::bind(sc_addr, spu_addr).await?;
    let stop = CancellationToken::new();
    let handle = start(listeners, options, stop.clone()).await?;
    println!("cluster: {}", handle.sc_addr());
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    Ok(handle.stopped().await?)
}
