//! Registers servers (SPUs) with the controller, which accepts only registered servers.

use std::time::Duration;

use fluvio::dataplane::link::ErrorCode;
use fluvio::metadata::customspu::CustomSpuSpec;
use fluvio::metadata::spu::SpuSpec;
use tokio::time::timeout;

use crate::error::code_of;
use crate::{ClientError, Cluster, HostPort, Server};

/// The deadline for a registration: generous, because the controller only writes one small file for it.
const REGISTER_DEADLINE: Duration = Duration::from_secs(10);

/// A server and its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The number with which the server is started.
    pub id: i32,
    /// The address for clients.
    pub public: HostPort,
    /// The address for clients inside the cluster's own network.
    pub local: Option<HostPort>,
    /// The address for other servers.
    pub private: HostPort,
}

/// The effect of [`Cluster::register`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The server was registered by this call.
    Now,
    /// The server was registered before, with the same addresses.
    Before,
}

impl Cluster {
    /// Ensures that the server is registered with these addresses. Idempotent, also with concurrent callers. Returns
    /// an error if the id is registered with different addresses, because a server may be running with those.
    pub async fn register(&self, server: &Registration) -> Result<Registered, ClientError> {
        if self.is_registered(server).await? {
            return Ok(Registered::Before);
        }
        let Err(error) = self.create_server(server).await else {
            return Ok(Registered::Now);
        };
        // Another caller may have registered the server first, or only the response was lost.
        if self.is_registered(server).await? {
            return Ok(Registered::Before);
        }
        Err(error)
    }

    async fn is_registered(&self, wanted: &Registration) -> Result<bool, ClientError> {
        let servers = self.servers().await?;
        let Some(found) = servers.into_iter().find(|server| server.id == wanted.id) else {
            return Ok(false);
        };
        if wanted.is_that_of(&found) {
            return Ok(true);
        }
        let reason = format!(
            "it is already registered, with different addresses: public `{}`, local `{}`, private `{}`; give \
             these, choose a different id, or remove the old registration first",
            found.public,
            found.local.as_deref().unwrap_or("-"),
            found.private
        );
        Err(ClientError::configuration(wanted.registering(), reason))
    }

    async fn create_server(&self, server: &Registration) -> Result<(), ClientError> {
        let fluvio = self.session().await?;
        let admin = fluvio.admin().await;
        let name = format!("custom-spu-{}", server.id);
        let request = admin.create(name, false, server.spec());
        let error = match timeout(REGISTER_DEADLINE, request).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => {
                self.forget(&fluvio).await;
                let reason = format!("no answer within {} s", REGISTER_DEADLINE.as_secs());
                return Err(ClientError::retry(server.registering(), reason));
            }
        };
        match code_of(&error) {
            Some(ErrorCode::InvalidCreateRequest) => Err(ClientError::configuration(
                server.registering(),
                "this cluster does not accept servers: a local cluster is a single server; register with the \
                 controller (SC) of a Fluvio cluster",
            )),
            Some(_) => Err(ClientError::from_fluvio(server.registering(), &error)),
            None => {
                self.forget(&fluvio).await;
                Err(ClientError::from_fluvio(server.registering(), &error))
            }
        }
    }
}

impl Registration {
    fn is_that_of(&self, server: &Server) -> bool {
        let same = |address: &HostPort, found: &str| {
            found.parse().is_ok_and(|found: HostPort| found == *address)
        };
        same(&self.public, &server.public)
            && same(&self.private, &server.private)
            && match (&self.local, &server.local) {
                (None, None) => true,
                (Some(local), Some(found)) => same(local, found),
                _ => false,
            }
    }

    fn registering(&self) -> String {
        format!("registering server `{}`", self.id)
    }

    fn spec(&self) -> CustomSpuSpec {
        let public = SpuSpec::new_public_addr(self.id, self.public.port, self.public.host.clone());
        let endpoint = |address: &HostPort| {
            SpuSpec::new_private_addr(self.id, address.port, address.host.clone()).private_endpoint
        };
        CustomSpuSpec {
            id: self.id,
            public_endpoint: public.public_endpoint,
            private_endpoint: endpoint(&self.private),
            rack: None,
            public_endpoint_local: self.local.as_ref().map(endpoint),
        }
    }
}
