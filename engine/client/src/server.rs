//! The servers of a cluster, which store the records, and connections to them.

use std::time::Duration;

use fluvio::metadata::objects::Metadata;
use fluvio::metadata::spu::SpuSpec;
use fluvio_socket::{ClientConfig, SocketError, VersionedSocket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::connect_error::ConnectErrorKind;
use crate::{ClientError, Cluster};

/// The deadline for connecting to a server, until it has listed its protocol versions. A server that compiles
/// SmartModules may answer slowly.
const REACH_DEADLINE: Duration = Duration::from_secs(10);

/// A server of the cluster. Fluvio calls it an SPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The number under which the server is registered.
    pub id: i32,
    /// The address for clients.
    pub public: String,
    /// The address for clients inside the cluster's own network, if there is a separate one.
    pub local: Option<String>,
    /// The address for other servers.
    pub private: String,
    /// Whether the controller considers the server online.
    pub online: bool,
}

impl Cluster {
    /// All registered servers, ordered by number.
    pub async fn servers(&self) -> Result<Vec<Server>, ClientError> {
        let found = self.list::<SpuSpec>(None).await?;
        let mut servers: Vec<Server> = found.iter().map(Server::of).collect();
        servers.sort_by_key(|server| server.id);
        Ok(servers)
    }

    /// Checks that the server answers this client, at the address to which records would be sent.
    pub async fn reach(&self, id: i32) -> Result<(), ClientError> {
        let what = format!("connecting to server `{id}`");
        let servers = self.list::<SpuSpec>(None).await?;
        let Some(server) = servers.into_iter().find(|server| server.spec.id == id) else {
            return Err(ClientError::configuration(what, "it is not registered"));
        };
        match timeout(REACH_DEADLINE, self.dial(&server)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(ClientError::from_fluvio(what, &error.into())),
            Err(_) => Err(self.server_silent(&what, &server, REACH_DEADLINE)),
        }
    }

    /// Connects to a server in the same way as the `fluvio` crate does.
    pub(crate) async fn dial(
        &self,
        server: &Metadata<SpuSpec>,
    ) -> Result<VersionedSocket, SocketError> {
        self.dial_until(server, &CancellationToken::new()).await
    }

    /// Like [`Self::dial`], but the connection closes when `hang_up` is cancelled.
    pub(crate) async fn dial_until(
        &self,
        server: &Metadata<SpuSpec>,
        hang_up: &CancellationToken,
    ) -> Result<VersionedSocket, SocketError> {
        let local = self.config().use_spu_local_address;
        let connector = self.connector().until(hang_up);
        ClientConfig::new(self.address_of(server), connector.boxed(), local)
            .with_prefix_sni_domain(&server.name)
            .connect()
            .await
    }

    pub(crate) fn server_silent(
        &self,
        what: &str,
        server: &Metadata<SpuSpec>,
        limit: Duration,
    ) -> ClientError {
        let address = self.address_of(server);
        ClientError::server_unreachable(what.to_owned(), &address, &ConnectErrorKind::Silent(limit))
    }

    fn address_of(&self, server: &Metadata<SpuSpec>) -> String {
        match &server.spec.public_endpoint_local {
            Some(local) if self.config().use_spu_local_address => {
                format!("{}:{}", local.host, local.port)
            }
            _ => server.spec.public_endpoint.addr(),
        }
    }
}

impl Server {
    fn of(server: &Metadata<SpuSpec>) -> Self {
        let spec = &server.spec;
        let of = |host: &str, port: u16| format!("{host}:{port}");
        let local = spec.public_endpoint_local.as_ref();
        Self {
            id: spec.id,
            public: spec.public_endpoint.addr(),
            local: local.map(|local| of(&local.host, local.port)),
            private: of(&spec.private_endpoint.host, spec.private_endpoint.port),
            online: server.status.is_online(),
        }
    }
}
