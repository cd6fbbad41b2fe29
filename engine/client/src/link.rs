//! A connection to the server that leads a partition. Each stream has its own, because the protocol's only way to
//! stop a stream is to close its connection. The `fluvio` crate's own consumer would also need a connection to the
//! controller, on which it watches the servers, topics and partitions.

use std::future::Future;
use std::pin::Pin;

use fluvio::FluvioError;
use fluvio::dataplane::api::Request;
use fluvio::dataplane::record::ReplicaKey;
use fluvio::spu::SpuDirectory;
use fluvio_socket::{
    AsyncResponse, MultiplexerSocket, StreamSocket, VersionedSerialSocket, VersionedSocket,
};
use tokio::sync::Mutex;

/// A connection to one server. It closes when this value is dropped.
pub(crate) struct Link {
    socket: Mutex<StreamSocket>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, FluvioError>> + Send + 'a>>;

impl Link {
    /// Takes over a connection whose protocol version has been negotiated.
    pub(crate) fn new(connected: VersionedSocket) -> Self {
        let (socket, config, versions) = connected.split();
        let shared = MultiplexerSocket::shared(socket);
        Self {
            socket: Mutex::new(StreamSocket::new(config, shared, versions)),
        }
    }
}

/// Ignores the requested replica: the caller has connected to the server that leads it.
impl SpuDirectory for Link {
    fn create_serial_socket<'a, 'b, 'c>(
        &'a self,
        _replica: &'b ReplicaKey,
    ) -> Answer<'c, VersionedSerialSocket>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move { Ok(self.socket.lock().await.create_serial_socket().await) })
    }

    fn create_stream_with_version<'a, 'b, 'c, R>(
        &'a self,
        _replica: &'b ReplicaKey,
        request: R,
        version: i16,
    ) -> Answer<'c, AsyncResponse<R>>
    where
        R: Request + Sync + Send + 'c,
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            let mut socket = self.socket.lock().await;
            Ok(socket.create_stream_with_version(request, version).await?)
        })
    }
}
