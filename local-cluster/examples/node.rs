//! Runs a node until Ctrl-C: `cargo run -p local-cluster --example node -- DATA_DIR [CONTROL_ADDR
//! DATA_ADDR]`.

use anyhow::Context;
use local_cluster::{Options, start};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let mut arguments = std::env::args().skip(1);
    let mut options = Options::new(arguments.next().context("name a data folder")?);
    if let Some(address) = arguments.next() {
        options.sc_addr = address.parse()?;
    }
    if let Some(address) = arguments.next() {
        options.spu_addr = address.parse()?;
    }
    let handle = start(options).await?;
    println!("cluster: {}", handle.sc_addr());
    tokio::signal::ctrl_c().await?;
    Ok(handle.shutdown().await?)
}
