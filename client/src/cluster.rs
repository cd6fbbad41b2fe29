//! The handle to a cluster: one shared connection to its controller, replaced when it is lost.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use fluvio::metadata::AdminSpec;
use fluvio::metadata::objects::{ListFilter, Metadata};
use fluvio::{Fluvio, FluvioClusterConfig};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::{ClientError, profile};

/// The engine itself waits a minute for an answer; somebody who starts a program does not.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// Listing is a read of the controller's memory: slower than this means that the connection is gone.
const LIST_DEADLINE: Duration = Duration::from_secs(5);

/// A Fluvio cluster. Cheap to clone; all clones share one connection to the controller.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    config: FluvioClusterConfig,
    session: Mutex<Option<Arc<Fluvio>>>,
}

impl Cluster {
    /// Connects to `address`; `None` means the active Fluvio profile if there is one, else `127.0.0.1:9003`.
    pub async fn connect(address: Option<&str>) -> Result<Self, ClientError> {
        let config = profile::cluster_config(address)?;
        let cluster = Self {
            inner: Arc::new(Inner {
                config,
                session: Mutex::new(None),
            }),
        };
        cluster.session().await?;
        Ok(cluster)
    }

    /// The controller's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.inner.config.endpoint
    }

    pub(crate) fn config(&self) -> &FluvioClusterConfig {
        &self.inner.config
    }

    /// The shared connection, made anew if the last one was lost.
    pub(crate) async fn session(&self) -> Result<Arc<Fluvio>, ClientError> {
        let mut session = self.inner.session.lock().await;
        if let Some(fluvio) = session.as_ref() {
            return Ok(Arc::clone(fluvio));
        }
        let fluvio = Arc::new(self.connection().await?);
        *session = Some(Arc::clone(&fluvio));
        Ok(fluvio)
    }

    /// A connection of the caller's own. Streams need one: the protocol has no way to stop a stream but to hang up.
    pub(crate) async fn connection(&self) -> Result<Fluvio, ClientError> {
        let config = &self.inner.config;
        let unreachable = |reason: String| ClientError::Unreachable {
            address: config.endpoint.clone(),
            reason,
        };
        match timeout(CONNECT_DEADLINE, Fluvio::connect_with_config(config)).await {
            Ok(Ok(fluvio)) => Ok(fluvio),
            Ok(Err(error)) => Err(unreachable(format!("{error:#}"))),
            Err(_) => Err(unreachable(format!(
                "no answer within {} s",
                CONNECT_DEADLINE.as_secs()
            ))),
        }
    }

    /// Drops the shared connection, if it still is the one that failed.
    pub(crate) async fn forget(&self, failed: &Arc<Fluvio>) {
        let mut session = self.inner.session.lock().await;
        if session
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, failed))
        {
            *session = None;
        }
    }

    /// Lists objects of one kind; once more over a new connection if the shared one turns out to be dead.
    pub(crate) async fn list<S>(&self, name: Option<&str>) -> Result<Vec<Metadata<S>>, ClientError>
    where
        S: AdminSpec,
        S::Status: Debug + fluvio::dataplane::core::Encoder + fluvio::dataplane::core::Decoder,
    {
        match self.list_once(name).await {
            Err(error) if error.is_retryable() => self.list_once(name).await,
            other => other,
        }
    }

    async fn list_once<S>(&self, name: Option<&str>) -> Result<Vec<Metadata<S>>, ClientError>
    where
        S: AdminSpec,
        S::Status: Debug + fluvio::dataplane::core::Encoder + fluvio::dataplane::core::Decoder,
    {
        let what = || format!("listing `{}` at `{}`", S::LABEL, self.address());
        let fluvio = self.session().await?;
        let filters: Vec<ListFilter> = name
            .iter()
            .map(|name| ListFilter::from((*name).to_owned()))
            .collect();
        let error = match timeout(LIST_DEADLINE, fluvio.admin().await.list::<S, _>(filters)).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(error)) => ClientError::from_fluvio(what(), &error),
            Err(_) => ClientError::retry(
                what(),
                format!("no answer within {} s", LIST_DEADLINE.as_secs()),
            ),
        };
        if error.is_retryable() {
            self.forget(&fluvio).await;
        }
        Err(error)
    }
}

impl Debug for Cluster {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("address", &self.address())
            .finish()
    }
}
