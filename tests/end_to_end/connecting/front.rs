//! A proxy in front of a local cluster. It can terminate TLS, replace the address of the cluster's server, or do both.
//!
//! Clients get the server's address from the controller. In the controller's responses, the proxy replaces this address
//! with another one, such as the address of a second proxy in front of the server.

use std::sync::Arc;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, copy_bidirectional, split,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// The bytes between the server's port and its host name in Fluvio's protocol: the beginning of a list with one public
/// address, whose host name has nine characters.
const INGRESS: &[u8] = b"\0\0\0\x01\x01\0\x09";
/// The host on which the local clusters of tests listen.
const LOOPBACK: &str = "127.0.0.1";

/// Replaces a sequence of bytes with another of the same length.
#[derive(Clone)]
pub(crate) struct Rewriting {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Rewriting {
    /// Creates a rewrite that replaces the server's address `from` with `to`.
    pub(crate) fn of_server(from: &str, to: &str) -> Self {
        let encoded = |address: &str| {
            let (host, port) = address.rsplit_once(':').unwrap();
            assert_eq!(
                host.len(),
                LOOPBACK.len(),
                "as many letters as `{LOOPBACK}`"
            );
            let port: u16 = port.parse().unwrap();
            [&port.to_be_bytes(), INGRESS, host.as_bytes()].concat()
        };
        Self {
            from: encoded(from),
            to: encoded(to),
        }
    }

    fn apply(&self, frame: &mut [u8]) {
        let places = 0..frame.len().saturating_sub(self.from.len() - 1);
        for place in places {
            let found = &mut frame[place..place + self.from.len()];
            if found == self.from {
                found.copy_from_slice(&self.to);
            }
        }
    }
}

/// Listens on a free port, and forwards connections to `behind`. Returns the address of the proxy.
pub(crate) async fn start(
    behind: &str,
    tls: Option<ServerConfig>,
    rewriting: Option<Rewriting>,
) -> String {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (behind, acceptor) = (
        behind.to_owned(),
        tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
    );
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            let (behind, acceptor, rewriting) =
                (behind.clone(), acceptor.clone(), rewriting.clone());
            tokio::spawn(async move {
                let cluster = TcpStream::connect(behind).await.unwrap();
                match acceptor {
                    None => pass_on(peer, cluster, rewriting).await,
                    Some(acceptor) => {
                        if let Ok(peer) = acceptor.accept(peer).await {
                            pass_on(peer, cluster, rewriting).await;
                        }
                    }
                }
            });
        }
    });
    address
}

async fn pass_on(
    mut peer: impl AsyncRead + AsyncWrite + Unpin,
    mut cluster: TcpStream,
    rewriting: Option<Rewriting>,
) {
    let Some(rewriting) = rewriting else {
        let _hung_up = copy_bidirectional(&mut peer, &mut cluster).await;
        return;
    };
    let (mut from_peer, mut to_peer) = split(peer);
    let (mut from_cluster, mut to_cluster) = cluster.split();
    tokio::select! {
        _hung_up = copy(&mut from_peer, &mut to_cluster) => {}
        _hung_up = answers(&mut from_cluster, &mut to_peer, &rewriting) => {}
    }
}

/// Forwards the cluster's responses frame by frame, and rewrites each of them.
async fn answers(
    cluster: &mut (impl AsyncRead + Unpin),
    peer: &mut (impl AsyncWrite + Unpin),
    rewriting: &Rewriting,
) -> std::io::Result<()> {
    loop {
        let length = cluster.read_u32().await?;
        let mut frame = vec![0; length as usize];
        cluster.read_exact(&mut frame).await?;
        rewriting.apply(&mut frame);
        peer.write_u32(length).await?;
        peer.write_all(&frame).await?;
        peer.flush().await?;
    }
}
