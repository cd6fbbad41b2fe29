//! Connections for writing, one to each server. All batch producers of a cluster share them.

use std::collections::BTreeMap;
use std::sync::Arc;

use fluvio::dataplane::api::RequestMessage;
use fluvio::metadata::objects::Metadata;
use fluvio::metadata::spu::SpuSpec;
use fluvio_socket::{MultiplexerSocket, SocketError};
use fluvio_spu_schema::produce::ProduceResponse;
use tokio::sync::Mutex;

use super::requests::Body;
use crate::Cluster;

/// The open connections, by the number of their server.
#[derive(Default)]
pub(crate) struct Connections(Mutex<BTreeMap<i32, Connection>>);

/// A connection on which several requests can wait for their responses.
#[derive(Clone)]
pub(super) struct Connection {
    socket: Arc<MultiplexerSocket>,
    /// The highest version of the produce request that both sides support; `None` if they have none in common.
    version: Option<i16>,
}

impl Connections {
    /// Returns the connection to a server, and opens it if there is none.
    pub(super) async fn to(
        &self,
        cluster: &Cluster,
        server: &Metadata<SpuSpec>,
    ) -> Result<Connection, SocketError> {
        let known = self.0.lock().await.get(&server.spec.id).cloned();
        if let Some(known) = known.filter(|known| !known.socket.is_stale()) {
            return Ok(known);
        }
        let (socket, _, versions) = cluster.dial(server).await?.split();
        let connection = Connection {
            socket: MultiplexerSocket::shared(socket),
            version: versions.lookup_version::<Body>(),
        };
        let mut open = self.0.lock().await;
        open.insert(server.spec.id, connection.clone());
        Ok(connection)
    }

    /// Removes a connection that has failed, unless it has already been replaced.
    pub(super) async fn forget(&self, server: &Metadata<SpuSpec>, failed: &Connection) {
        let mut open = self.0.lock().await;
        let current = open.get(&server.spec.id);
        if current.is_some_and(|current| Arc::ptr_eq(&current.socket, &failed.socket)) {
            open.remove(&server.spec.id);
        }
    }
}

impl Connection {
    pub(super) async fn produce(&self, body: Body) -> Result<ProduceResponse, SocketError> {
        let mut message = RequestMessage::new_request(body);
        if let Some(version) = self.version {
            message.get_mut_header().set_api_version(version);
        }
        self.socket.send_and_receive(message).await
    }
}
