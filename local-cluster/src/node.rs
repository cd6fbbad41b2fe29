//! Starts and stops a node.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chain::Pool;
use crate::cluster::{Cluster, OpenError};
use crate::limits::{CONTROL_CONNECTIONS_MAX, SHUTDOWN_TIMEOUT};
use crate::listeners::Listeners;
use crate::log::LogError;
use crate::maintenance;
use crate::net::Listener;
use crate::open_files;
use crate::options::Options;
use crate::sc::Control;
use crate::spu::Data;

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address of a listening socket cannot be read.
    #[error("the cluster's socket: {0}")]
    Socket(#[from] io::Error),
    /// The data folder is inaccessible, damaged, or in use by another node.
    #[error("cannot open data folder: {0}")]
    Data(Box<dyn std::error::Error + Send + Sync>),
}

/// Why a node did not stop cleanly.
#[derive(Debug, Error)]
pub enum ShutdownError {
    /// Acknowledged records may not have reached the disk.
    #[error("the last records may not have reached the disk: {0}")]
    Sync(Box<dyn std::error::Error + Send + Sync>),
}

/// Starts a node, which serves both sockets until `stop` is cancelled. When this returns, both ports accept
/// requests.
///
/// Needs a multi-threaded tokio runtime. [`Handle::stopped`] waits until the data folder is free again.
pub async fn start(
    listeners: Listeners,
    options: Options,
    stop: CancellationToken,
) -> Result<Handle, StartError> {
    let Listeners { sc, spu } = listeners;
    let (sc_addr, spu_addr) = (sc.local_addr()?, spu.local_addr()?);
    let connections_max = options
        .connections_max
        .unwrap_or_else(open_files::connections_max);
    let data_dir = options.data_dir;
    let opening = move || Cluster::open(&data_dir, spu_addr, connections_max);
    let cluster = tokio::task::spawn_blocking(opening)
        .await
        .map_err(|error| StartError::Data(error.into()))?
        .map_err(|error: OpenError| StartError::Data(error.into()))?;
    let cluster = Arc::new(cluster);
    let tasks = TaskTracker::new();
    let listening = [
        tokio::spawn(serve_control(
            sc,
            cluster.clone(),
            tasks.clone(),
            stop.clone(),
        )),
        tokio::spawn(serve_data(
            spu,
            connections_max,
            cluster.clone(),
            tasks.clone(),
            stop.clone(),
        )),
        tokio::spawn(maintenance::run(cluster.clone(), stop)),
    ];
    tracing::info!(%sc_addr, %spu_addr, "cluster started");
    Ok(Handle {
        sc_addr,
        spu_addr,
        connections_max,
        running: tokio::spawn(run(listening, tasks, cluster)),
    })
}

/// A running node.
#[derive(Debug)]
pub struct Handle {
    sc_addr: SocketAddr,
    spu_addr: SocketAddr,
    connections_max: usize,
    running: JoinHandle<Result<(), ShutdownError>>,
}

impl Handle {
    /// Returns the address of the control port, to which clients connect first.
    pub fn sc_addr(&self) -> SocketAddr {
        self.sc_addr
    }

    /// Returns the address of the data port, which clients get from the control port.
    pub fn spu_addr(&self) -> SocketAddr {
        self.spu_addr
    }

    /// Returns the number of connections that the data port serves at once. This project's client opens one
    /// connection for each stream, and another that all producers of a program share.
    pub fn connections_max(&self) -> usize {
        self.connections_max
    }

    /// Waits until the node has stopped: it accepts no connections, has closed the open ones and synced
    /// everything to disk, and its data folder is free for the next node.
    pub async fn stopped(self) -> Result<(), ShutdownError> {
        let stopped = self.running.await;
        stopped.map_err(|error| ShutdownError::Sync(error.into()))?
    }
}

/// Waits until the listening tasks and the connections have ended, and closes the data folder.
async fn run(
    listening: [JoinHandle<()>; 3],
    tasks: TaskTracker,
    cluster: Arc<Cluster>,
) -> Result<(), ShutdownError> {
    for task in listening {
        // The result is ignored: it is an error only if the task panicked, and a panic is already logged.
        let _ = task.await;
    }
    tasks.close();
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
    tokio::task::spawn_blocking(move || close(cluster))
        .await
        .map_err(|error| ShutdownError::Sync(error.into()))?
        .map_err(|error| ShutdownError::Sync(error.into()))
}

/// Closes the logs, then waits until no task uses the cluster, which owns the lock of the data folder. A task may
/// use it for a while, because the compilation of a chain cannot be interrupted. Waits at most
/// [`SHUTDOWN_TIMEOUT`].
fn close(cluster: Arc<Cluster>) -> Result<(), LogError> {
    let closed = cluster.close();
    let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
    while Arc::strong_count(&cluster) > 1 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    closed
}

async fn serve_control(
    socket: TcpListener,
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let listener = Listener::new(socket, CONTROL_CONNECTIONS_MAX, tasks, stop);
    listener
        .run(|outbox, closing| Control::new(cluster.clone(), outbox, closing))
        .await;
}

async fn serve_data(
    socket: TcpListener,
    connections_max: usize,
    cluster: Arc<Cluster>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let listener = Listener::new(socket, connections_max, tasks, stop);
    let pool = Pool::new();
    listener
        .run(|outbox, closing| Data::new(cluster.clone(), pool.clone(), outbox, closing))
        .await;
}
