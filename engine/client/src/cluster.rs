//! The handle to a cluster: one shared connection to its controller, which is reopened when it is lost.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use fluvio::metadata::AdminSpec;
use fluvio::metadata::objects::{ListFilter, Metadata};
use fluvio::{Fluvio, FluvioClusterConfig, FluvioError};
use fluvio_socket::ClientConfig;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::batch_producer::Connections;
use crate::chain::chain;
use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::connector::Connector;
use crate::topology::Topology;
use crate::{ClientError, ConnectOptions, profile};

/// The deadline for connecting to the controller. The `fluvio` crate itself waits a minute for a response, which is
/// too long for an operator who starts a program.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// The deadline for a second connection, without TLS. It is opened after a TLS handshake to which the server has not
/// responded, only to improve the error message.
const PROBE_DEADLINE: Duration = Duration::from_secs(3);
/// The deadline for a listing, which the controller answers from memory. A connection without an answer by then is
/// considered dead.
const LIST_DEADLINE: Duration = Duration::from_secs(5);

/// The longest time that [`Cluster::drain`] waits. A running server accepts pending records within milliseconds.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// The maximum number of streams that are being opened at the same time. Further requests would wait in the server's
/// queue, where they can time out.
const OPENING_MAX: usize = 32;

/// The advice in the error message if no cluster is found.
const START: &str = "start a cluster (`make start`), or give a different address";

/// A Fluvio cluster. Cheap to clone; all clones share one connection to the controller.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    config: FluvioClusterConfig,
    connector: Connector,
    session: Mutex<Option<Arc<Fluvio>>>,
    topology: Mutex<Option<Topology>>,
    opening: Semaphore,
    /// The tasks that send the pending records of dropped producers.
    last_sends: TaskTracker,
    connections: Connections,
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

    /// Connects with these options.
    pub async fn connect_with(options: &ConnectOptions) -> Result<Self, ClientError> {
        let (config, connector) = profile::settings(options)?;
        let cluster = Self {
            inner: Arc::new(Inner {
                config,
                connector,
                session: Mutex::new(None),
                topology: Mutex::new(None),
                opening: Semaphore::new(OPENING_MAX),
                last_sends: TaskTracker::new(),
                connections: Connections::default(),
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

    /// The number of connections that each server accepts at once, if the cluster reports it. Only local clusters do.
    pub async fn connections_max(&self) -> Result<Option<usize>, ClientError> {
        let session = self.session().await?;
        let build = session.platform_version().build.as_str();
        let reported = build.strip_prefix("local-cluster.connections.");
        Ok(reported.and_then(|number| number.parse().ok()))
    }

    /// Waits, for a limited time, until the pending records of dropped producers have been sent. Call this
    /// before stopping the cluster.
    pub async fn drain(&self) {
        let last_sends = &self.inner.last_sends;
        last_sends.close();
        // Records that are still pending at the deadline may be lost. The `fluvio` crate logs records that it cannot
        // send.
        let _late = timeout(DRAIN_DEADLINE, last_sends.wait()).await;
        last_sends.reopen();
    }

    pub(crate) fn last_sends(&self) -> &TaskTracker {
        &self.inner.last_sends
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    /// Waits for one of the `OPENING_MAX` permits to open a stream. The caller holds the permit until the stream is
    /// open.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // `acquire` fails only on a closed semaphore, and this one is never closed.
        self.inner.opening.acquire().await.ok()
    }

    pub(crate) fn config(&self) -> &FluvioClusterConfig {
        &self.inner.config
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.inner.connector
    }

    pub(crate) fn topology(&self) -> &Mutex<Option<Topology>> {
        &self.inner.topology
    }

    /// The shared connection, reopened if it was lost.
    pub(crate) async fn session(&self) -> Result<Arc<Fluvio>, ClientError> {
        let mut session = self.inner.session.lock().await;
        if let Some(fluvio) = session.as_ref() {
            return Ok(Arc::clone(fluvio));
        }
        let fluvio = Arc::new(self.connected().await?);
        *session = Some(Arc::clone(&fluvio));
        Ok(fluvio)
    }

    async fn connected(&self) -> Result<Fluvio, ClientError> {
        let connecting =
            Fluvio::connect_with_connector(self.connector().boxed(), &self.inner.config);
        match timeout(CONNECT_DEADLINE, connecting).await {
            Ok(Ok(fluvio)) => Ok(fluvio),
            Ok(Err(error)) => Err(self.not_connected(&error).await),
            Err(_) => {
                let silent = ConnectErrorKind::Silent(CONNECT_DEADLINE);
                Err(self.unreachable(&format!("{silent}; {START}")))
            }
        }
    }

    /// Turns an error while connecting to the controller into one that names the cause and what to do.
    async fn not_connected(&self, error: &anyhow::Error) -> ClientError {
        match ConnectError::inside(error).map(|error| &error.kind) {
            Some(ConnectErrorKind::NoHandshake(_)) if self.answers_without_tls().await => {
                self.unreachable(&ConnectErrorKind::NotTls)
            }
            Some(kind) if kind.may_be_another_address() => {
                self.unreachable(&format!("{kind}; {START}"))
            }
            Some(kind) => self.unreachable(kind),
            None => match incompatible(error) {
                Some(reason) => {
                    let what = format!("connecting to `{}`", self.address());
                    let reason = format!("{reason}; this client uses the protocol of Fluvio 0.18");
                    ClientError::configuration(what, reason)
                }
                None => self.unreachable(&format!("{}; is it a Fluvio cluster?", chain(error))),
            },
        }
    }

    fn unreachable(&self, kind: &impl ToString) -> ClientError {
        ClientError::Unreachable {
            address: self.address().to_owned(),
            reason: kind.to_string(),
        }
    }

    /// Whether a Fluvio server answers on a connection without TLS.
    async fn answers_without_tls(&self) -> bool {
        let plain = ClientConfig::new(self.address(), Connector::plain().boxed(), false);
        matches!(timeout(PROBE_DEADLINE, plain.connect()).await, Ok(Ok(_)))
    }

    /// Drops the shared connection, so that the next call opens a new one. Does nothing if another caller has already
    /// replaced the connection `failed`.
    pub(crate) async fn forget(&self, failed: &Arc<Fluvio>) {
        let mut session = self.inner.session.lock().await;
        if session
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, failed))
        {
            *session = None;
        }
    }

    /// Lists the objects of one kind. After a retryable error, tries once more over a new connection, because the
    /// shared one may be dead.
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

/// Returns the reason if the client and the cluster have no protocol version in common; `None` for other errors.
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
            "its version `{cluster_version}` uses a different protocol"
        )),
        Some(_) => None,
        // The `fluvio` crate reports some incompatible versions as text only.
        None => {
            let text = error.to_string();
            text.contains("not compatible").then_some(text)
        }
    }
}
