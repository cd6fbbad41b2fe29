//! Starting and stopping a node.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Options;
use crate::chain::Pool;
use crate::cluster::{Cluster, OpenError};
use crate::limits::SHUTDOWN_PATIENCE;
use crate::log::LogError;
use crate::maintenance;
use crate::net::Listener;
use crate::sc::Control;
use crate::spu::Data;

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`: {source}; stop whoever uses it or choose another port")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder is in use by another node, not accessible, or broken.
    #[error("cannot open data folder: {0}")]
    Data(Box<dyn std::error::Error + Send + Sync>),
}

/// Why a node did not stop cleanly.
#[derive(Debug, Error)]
pub enum ShutdownError {
    /// Records that were acknowledged may not be on the disk.
    #[error("the last records may not be on the disk: {0}")]
    Sync(Box<dyn std::error::Error + Send + Sync>),
}

/// Starts a node. Both ports accept connections when this returns.
///
/// Needs a multi-threaded tokio runtime. The node runs until [`Handle::shutdown`]; dropping the
/// handle stops it as well, without waiting for it.
pub async fn start(options: Options) -> Result<Handle, StartError> {
    let (control, sc_addr) = listen(options.sc_addr).await?;
    let (data, spu_addr) = listen(options.spu_addr).await?;
    let data_dir = options.data_dir;
    let cluster = tokio::task::spawn_blocking(move || Cluster::open(&data_dir, spu_addr))
        .await
        .map_err(|error| StartError::Data(error.into()))?
        .map_err(|error: OpenError| StartError::Data(error.into()))?;
    let cluster = Arc::new(cluster);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let listening = [
        tokio::spawn(serve_control(
            control,
            cluster.clone(),
            tasks.clone(),
            stop.clone(),
        )),
        tokio::spawn(serve_data(
            data,
            cluster.clone(),
            tasks.clone(),
            stop.clone(),
        )),
        tokio::spawn(maintenance::run(cluster.clone(), stop.clone())),
    ];
    tracing::info!(%sc_addr, %spu_addr, "cluster started");
    Ok(Handle {
        sc_addr,
        spu_addr,
        cluster,
        tasks,
        stop: stop.clone(),
        listening,
        _stop_on_drop: stop.drop_guard(),
    })
}

/// A running node.
#[derive(Debug)]
pub struct Handle {
    sc_addr: SocketAddr,
    spu_addr: SocketAddr,
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    stop: CancellationToken,
    listening: [JoinHandle<()>; 3],
    _stop_on_drop: tokio_util::sync::DropGuard,
}

impl Handle {
    /// The control port: the address that clients are given.
    pub fn sc_addr(&self) -> SocketAddr {
        self.sc_addr
    }

    /// The data port; clients learn it from the control port.
    pub fn spu_addr(&self) -> SocketAddr {
        self.spu_addr
    }

    /// Stops in order: no new connections, running requests end, everything goes to the disk, the
    /// data folder is free for the next node.
    pub async fn shutdown(self) -> Result<(), ShutdownError> {
        self.stop.cancel();
        for task in self.listening {
            // it ended by itself or panicked and said so; either way it is over
            let _ = task.await;
        }
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN_PATIENCE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some connections did not end in time");
        }
        let cluster = self.cluster;
        tokio::task::spawn_blocking(move || close(cluster))
            .await
            .map_err(|error| ShutdownError::Sync(error.into()))?
            .map_err(|error| ShutdownError::Sync(error.into()))
    }
}

/// Closes the logs, and waits until nobody holds the cluster and with it the lock of the data
/// folder: a chain that is being compiled cannot be interrupted.
fn close(cluster: Arc<Cluster>) -> Result<(), LogError> {
    let closed = cluster.close();
    let deadline = Instant::now() + SHUTDOWN_PATIENCE;
    while Arc::strong_count(&cluster) > 1 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    closed
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

async fn serve_control(
    socket: TcpListener,
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let listener = Listener::new(socket, tasks, stop);
    listener
        .run(|outbox, closing| Control::new(cluster.clone(), outbox, closing))
        .await;
}

async fn serve_data(
    socket: TcpListener,
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let listener = Listener::new(socket, tasks, stop);
    let pool = Pool::new();
    listener
        .run(|outbox, closing| Data::new(cluster.clone(), pool.clone(), outbox, closing))
        .await;
}
