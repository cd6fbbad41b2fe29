//! The handle to a cluster: one shared connection to its controller, replaced when it is lost.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use fluvio::metadata::AdminSpec;
use fluvio::metadata::objects::{ListFilter, Metadata};
use fluvio::{Fluvio, FluvioClusterConfig, FluvioError};
use fluvio_socket::ClientConfig;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::connector::Connector;
use crate::trouble::{Trouble, Wrong};
use crate::{ClientError, ConnectOptions, profile};

/// The engine itself waits a minute for an answer; somebody who starts a program does not.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// A second look at who is there, for the sake of the error message.
const PROBE_DEADLINE: Duration = Duration::from_secs(3);
/// Listing is a read of the controller's memory: slower than this means that the connection is gone.
const LIST_DEADLINE: Duration = Duration::from_secs(5);

/// What to do where no cluster is found.
const START: &str = "start a cluster (`make start`), or name another address";

/// A Fluvio cluster. Cheap to clone; all clones share one connection to the controller.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    config: FluvioClusterConfig,
    connector: Connector,
    session: Mutex<Option<Arc<Fluvio>>>,
}

impl Cluster {
    /// Connects to `address`; `None` means the active Fluvio profile if there is one, else `127.0.0.1:9003`.
    pub async fn connect(address: Option<&str>) -> Result<Self, ClientError> {
        Self::connect_with(&ConnectOptions {
            address: address.map(str::to_owned),
            ..ConnectOptions::default()
        })
        .await
    }

    /// Connects as told.
    pub async fn connect_with(options: &ConnectOptions) -> Result<Self, ClientError> {
        let (config, connector) = profile::settings(options)?;
        let cluster = Self {
            inner: Arc::new(Inner {
                config,
                connector,
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

    pub(crate) fn connector(&self) -> &Connector {
        &self.inner.connector
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
        let connecting =
            Fluvio::connect_with_connector(self.connector().boxed(), &self.inner.config);
        match timeout(CONNECT_DEADLINE, connecting).await {
            Ok(Ok(fluvio)) => Ok(fluvio),
            Ok(Err(error)) => Err(self.not_connected(&error).await),
            Err(_) => {
                let silent = Wrong::Silent(CONNECT_DEADLINE);
                Err(self.unreachable(&format!("{silent}; {START}")))
            }
        }
    }

    /// Why there is no connection to the controller.
    async fn not_connected(&self, error: &anyhow::Error) -> ClientError {
        match Trouble::inside(error).map(|trouble| &trouble.wrong) {
            Some(Wrong::HandshakeUnanswered(_)) if self.speaks_plainly().await => {
                self.unreachable(&Wrong::PlainSpoken)
            }
            Some(wrong) if wrong.may_be_another_address() => {
                self.unreachable(&format!("{wrong}; {START}"))
            }
            Some(wrong) => self.unreachable(wrong),
            None => match incompatible(error) {
                Some(reason) => {
                    let what = format!("connecting to `{}`", self.address());
                    let reason = format!("{reason}; this client speaks that of fluvio 0.18");
                    ClientError::configuration(what, reason)
                }
                None => self.unreachable(&format!("{error:#}; is it a fluvio cluster?")),
            },
        }
    }

    fn unreachable(&self, wrong: &impl ToString) -> ClientError {
        ClientError::Unreachable {
            address: self.address().to_owned(),
            reason: wrong.to_string(),
        }
    }

    /// Whether a Fluvio server answers to a connection without TLS.
    async fn speaks_plainly(&self) -> bool {
        let plain = ClientConfig::new(self.address(), Connector::plain().boxed(), false);
        matches!(timeout(PROBE_DEADLINE, plain.connect()).await, Ok(Ok(_)))
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

/// Why client and cluster cannot agree on a version of the protocol, if that is it.
fn incompatible(error: &anyhow::Error) -> Option<String> {
    match error.downcast_ref::<FluvioError>() {
        Some(
            FluvioError::MinimumPlatformVersion {
                cluster_version, ..
            }
            | FluvioError::MaximumPlatformVersion {
                cluster_version, ..
            },
        ) => Some(format!(
            "its version `{cluster_version}` is of another protocol"
        )),
        Some(_) => None,
        // The crate says it in words only.
        None => {
            let text = error.to_string();
            text.contains("not compatible").then_some(text)
        }
    }
}
