//! Opens every connection to the controller and to servers. It sets deadlines, encrypts according to the settings,
//! and returns errors that name the address and the cause.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use fluvio_future::net::tcp_stream::stream;
use fluvio_future::net::{
    AsConnectionFd, BoxReadConnection, BoxWriteConnection, ConnectionFd, DomainConnector,
    SplitConnection, TcpDomainConnector, TcpStream, resolve,
};
use fluvio_future::rust_tls::{DefaultClientTlsStream, TlsConnector};
use fluvio_future::timer;
use futures_util::future::{Either, select};
use tokio_util::sync::CancellationToken;

use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::first_answer::FirstAnswer;
use crate::hang_up::UntilHungUp;
use crate::tls::TlsSettings;

/// The deadline for resolving the name and opening the TCP connection. A reachable host answers within a round trip.
/// A host behind a firewall never answers, and the operating system would keep trying for minutes.
const REACH_DEADLINE: Duration = Duration::from_secs(5);
/// The deadline for the TLS handshake, which takes a few round trips and signatures. A server without TLS treats the
/// handshake as the start of a request and waits indefinitely for the rest.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);

type Halves = (BoxWriteConnection, BoxReadConnection, ConnectionFd);
type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Halves>> + Send + 'a>>;

/// Opens connections to a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    tls: Option<TlsSettings>,
    /// Cancelling this token closes the connections that this connector has opened.
    hang_up: CancellationToken,
}

impl Connector {
    pub(crate) fn new(tls: Option<TlsSettings>) -> Self {
        let hang_up = CancellationToken::new();
        Self { tls, hang_up }
    }

    /// A connector without encryption.
    pub(crate) fn plain() -> Self {
        Self::new(None)
    }

    pub(crate) fn is_encrypting(&self) -> bool {
        self.tls.is_some()
    }

    /// A connector whose connections close when `hang_up` is cancelled.
    pub(crate) fn until(&self, hang_up: &CancellationToken) -> Self {
        Self {
            tls: self.tls.clone(),
            hang_up: hang_up.clone(),
        }
    }

    /// Returns a copy of the connector as the type that the `fluvio` crate takes.
    pub(crate) fn boxed(&self) -> DomainConnector {
        Box::new(self.clone())
    }

    async fn open(&self, address: &str) -> Result<Halves, ConnectErrorKind> {
        let connection = within(REACH_DEADLINE, reach(address))
            .await
            .unwrap_or(Err(ConnectErrorKind::NoConnection(REACH_DEADLINE)))?;
        let fd = connection.as_connection_fd();
        let (write, read) = match &self.tls {
            None => connection.split_connection(),
            Some(tls) => within(HANDSHAKE_DEADLINE, handshake(tls, address, connection))
                .await
                .unwrap_or(Err(ConnectErrorKind::NoHandshake(HANDSHAKE_DEADLINE)))?
                .split_connection(),
        };
        let read = FirstAnswer::new(read, address, self.is_encrypting());
        let read = UntilHungUp::new(read, &self.hang_up);
        Ok((write, Box::new(read), fd))
    }
}

impl TcpDomainConnector for Connector {
    fn connect<'a, 'b, 'c>(&'a self, address: &'b str) -> Connecting<'c>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            let at_address = |kind| ConnectError::new(address, kind).into();
            self.open(address).await.map_err(at_address)
        })
    }

    /// The `fluvio` crate calls this before it connects to a server. `domain` is the server's name, a dot, and the
    /// cluster's domain.
    fn new_domain(&self, domain: String) -> DomainConnector {
        let mut connector = self.clone();
        if let Some(tls) = &mut connector.tls
            && tls.domain.is_some()
        {
            tls.domain = Some(domain);
        }
        Box::new(connector)
    }

    fn domain(&self) -> &str {
        let tls = self.tls.as_ref();
        tls.and_then(|tls| tls.domain.as_deref())
            .unwrap_or("localhost")
    }

    fn clone_box(&self) -> DomainConnector {
        self.boxed()
    }
}

async fn reach(address: &str) -> Result<TcpStream, ConnectErrorKind> {
    let found = resolve(address)
        .await
        .map_err(ConnectErrorKind::unresolved)?;
    stream(&found[..])
        .await
        .map_err(ConnectErrorKind::unreached)
}

async fn handshake(
    tls: &TlsSettings,
    address: &str,
    connection: TcpStream,
) -> Result<DefaultClientTlsStream, ConnectErrorKind> {
    let name = tls
        .name_at(address)
        .map_err(ConnectErrorKind::Certificate)?;
    let connector = TlsConnector::from(tls.config.clone());
    connector
        .connect(name, connection)
        .await
        .map_err(|error| ConnectErrorKind::handshake(&error))
}

/// Returns the result of `work`, or `None` after `limit`. Does not use Tokio's timers: the `fluvio` crate also
/// opens connections on its own threads, where Tokio's timers do not run.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(timer::sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
