//! Starts and connects the parts of the dashboard. After the stop signal, the service ends when all parts have ended.

use std::sync::Arc;

use http_service::Handle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broadcast::Broadcast;
use crate::error::StartError;
use crate::explore::Explorer;
use crate::feed::StoredTopic;
use crate::games::Games;
use crate::guard::Guard;
use crate::options::Options;
use crate::store::Topic;
use crate::{feed, routes, status};

/// Reads the topics and serves the dashboard on the socket until `stop` is cancelled.
pub async fn start(
    listener: TcpListener,
    options: Options,
    stop: CancellationToken,
) -> Result<Handle, StartError> {
    let address = listener.local_addr()?;
    options.access.check(address)?;
    let broadcast = Arc::new(Broadcast::new());
    let readers = TaskTracker::new();
    let Options {
        cluster,
        access,
        explore,
        games,
    } = options;
    for topic in Topic::ALL {
        let stored = StoredTopic {
            broadcast: broadcast.clone(),
            topic,
        };
        let reader = feed::follow(stored, cluster.clone());
        readers.spawn(stop.clone().run_until_cancelled_owned(reader));
    }
    let ends = feed::follow_ends(broadcast.clone(), cluster.clone());
    readers.spawn(stop.clone().run_until_cancelled_owned(ends));
    let topics = Topic::ALL.into_iter().filter(|topic| explore.has(*topic));
    let status = status::follow(broadcast.clone(), cluster.clone(), topics.collect());
    let explorer = Explorer::new(cluster, explore, readers.clone(), stop.clone());
    readers.spawn(stop.clone().run_until_cancelled_owned(status));
    readers.close();
    let router = routes::router(
        broadcast,
        Arc::new(explorer),
        Arc::new(Games::new(games)),
        Guard { access },
        stop.clone(),
    );
    let service = async move {
        http_service::serve("dashboard", listener, router, stop).await;
        readers.wait().await;
    };
    Ok(Handle::spawn(address, service))
}
