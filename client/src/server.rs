//! The servers of a cluster, which keep the records, and connections to them.

use std::time::Duration;

use fluvio::metadata::objects::Metadata;
use fluvio::metadata::spu::SpuSpec;
use fluvio_socket::{ClientConfig, SocketError, VersionedSocket};
use tokio::time::timeout;

use crate::trouble::Wrong;
use crate::{ClientError, Cluster};

/// It lists its versions, out of memory; one that is compiling SmartModules may take its time.
const REACH_DEADLINE: Duration = Duration::from_secs(10);

/// A server of the cluster (an SPU, in Fluvio's words).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its number, which it is registered under.
    pub id: i32,
    /// Where clients find it.
    pub public: String,
    /// Where clients find it inside the cluster's own network, if that is another address.
    pub local: Option<String>,
    /// Where the other servers find it.
    pub private: String,
    /// Whether the controller has heard from it lately.
    pub online: bool,
}

impl Cluster {
    /// Every server that is registered, by number.
    pub async fn servers(&self) -> Result<Vec<Server>, ClientError> {
        let found = self.list::<SpuSpec>(None).await?;
        let mut servers: Vec<Server> = found.iter().map(Server::of).collect();
        servers.sort_by_key(|server| server.id);
        Ok(servers)
    }

    /// Whether the server answers from here, at the address that records would be sent to.
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

    /// Connects to a server as the engine's client does.
    pub(crate) async fn dial(
        &self,
        server: &Metadata<SpuSpec>,
    ) -> Result<VersionedSocket, SocketError> {
        let local = self.config().use_spu_local_address;
        ClientConfig::new(self.address_of(server), self.connector().boxed(), local)
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
        ClientError::server_unreachable(what.to_owned(), &address, &Wrong::Silent(limit))
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
