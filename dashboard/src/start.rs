//! Puts the dashboard together, and takes it apart in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::StartError;
use crate::guard::Guard;
use crate::hub::Hub;
use crate::options::Options;
use crate::store::Topic;
use crate::{feed, routes, status};

/// For whoever is being answered when told to stop; a browser that no longer reads, or never ends its request, is
/// waited for no longer.
const HANG_UP_DEADLINE: Duration = Duration::from_secs(3);

/// A dashboard that answers.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) -> Result<(), JoinError> {
        self.running.await
    }
}

/// Starts to read the topics and to answer on the socket; ends when told to stop.
pub async fn start(
    listener: TcpListener,
    options: Options,
    stop: CancellationToken,
) -> Result<Handle, StartError> {
    let address = listener.local_addr()?;
    options.access.check(address)?;
    let hub = Arc::new(Hub::new());
    let readers = TaskTracker::new();
    let Options { cluster, access } = options;
    for topic in Topic::ALL {
        let reader = feed::follow(hub.clone(), cluster.clone(), topic);
        readers.spawn(stop.clone().run_until_cancelled_owned(reader));
    }
    let ends = feed::follow_ends(hub.clone(), cluster.clone());
    readers.spawn(stop.clone().run_until_cancelled_owned(ends));
    let status = status::follow(hub.clone(), cluster);
    readers.spawn(stop.clone().run_until_cancelled_owned(status));
    readers.close();
    let router = routes::router(hub, Guard { access }, stop.clone());
    let running = tokio::spawn(async move {
        serve(listener, router, stop).await;
        readers.wait().await;
    });
    Ok(Handle { address, running })
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let too_late = async {
        stop.cancelled().await;
        sleep(HANG_UP_DEADLINE).await;
    };
    tokio::select! {
        served = serving.into_future() => {
            if let Err(error) = served {
                tracing::error!(%error, "the dashboard answers no more");
            }
        }
        () = too_late => tracing::info!("browsers that do not read are waited for no longer"),
    }
}
