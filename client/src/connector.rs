//! How connections are opened, to the controller and to servers alike: within a bounded time, encrypted as the settings
//! say, and with errors that name the address and the trouble.

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

use crate::first_answer::FirstAnswer;
use crate::tls::TlsSettings;
use crate::trouble::{Trouble, Wrong};

/// Finding the host and reaching it. A host that is there answers within a round trip; one that a firewall hides never
/// does, and the system would try for minutes.
const REACH_DEADLINE: Duration = Duration::from_secs(5);
/// A few round trips and signatures. A server without TLS waits for ever for the rest of what it takes for a request.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);

type Halves = (BoxWriteConnection, BoxReadConnection, ConnectionFd);
type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Halves>> + Send + 'a>>;

/// Opens connections to a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    tls: Option<TlsSettings>,
}

impl Connector {
    pub(crate) fn new(tls: Option<TlsSettings>) -> Self {
        Self { tls }
    }

    /// One like it that does not encrypt.
    pub(crate) fn plain() -> Self {
        Self { tls: None }
    }

    pub(crate) fn is_encrypting(&self) -> bool {
        self.tls.is_some()
    }

    /// As the engine's client takes it.
    pub(crate) fn boxed(&self) -> DomainConnector {
        Box::new(self.clone())
    }

    async fn open(&self, address: &str) -> Result<Halves, Wrong> {
        let connection = within(REACH_DEADLINE, reach(address))
            .await
            .unwrap_or(Err(Wrong::NoConnection(REACH_DEADLINE)))?;
        let fd = connection.as_connection_fd();
        let (write, read) = match &self.tls {
            None => connection.split_connection(),
            Some(tls) => within(HANDSHAKE_DEADLINE, handshake(tls, address, connection))
                .await
                .unwrap_or(Err(Wrong::HandshakeUnanswered(HANDSHAKE_DEADLINE)))?
                .split_connection(),
        };
        let read = FirstAnswer::new(read, address, self.is_encrypting());
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
            let trouble = |wrong| Trouble::new(address, wrong).into();
            self.open(address).await.map_err(trouble)
        })
    }

    /// The engine's client puts a server's own name before the cluster's domain.
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

async fn reach(address: &str) -> Result<TcpStream, Wrong> {
    let found = resolve(address).await.map_err(Wrong::unresolved)?;
    stream(&found[..]).await.map_err(Wrong::unreached)
}

async fn handshake(
    tls: &TlsSettings,
    address: &str,
    connection: TcpStream,
) -> Result<DefaultClientTlsStream, Wrong> {
    let name = tls.name_at(address).map_err(Wrong::Certificate)?;
    let connector = TlsConnector::from(tls.config.clone());
    connector
        .connect(name, connection)
        .await
        .map_err(|error| Wrong::handshake(&error))
}

/// What `work` comes to, unless it takes longer. The engine's client opens connections on threads of its own too, where
/// Tokio's timers do not run.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(timer::sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
