//! Fake servers that use a different protocol, or a version of Fluvio's protocol that the client does not support.
//! They read and write bytes without Fluvio's crates.

use std::future::Future;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};

/// The ID of a request, which the response must repeat.
pub(crate) type CorrelationId = [u8; 4];

/// An upper limit for the length of the client's requests. A greater length means that the bytes are not a request.
const REQUEST_BYTES_MAX: u32 = 1 << 20;

/// Starts a server and returns its address. The server reads the first request of each connection, and passes the
/// connection and the request's ID to `answer`.
pub(crate) async fn serve<F, A>(answer: F) -> String
where
    F: Fn(TcpStream, CorrelationId) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            if let Some(request) = request(&mut peer).await {
                tokio::spawn(answer(peer, request));
            } else {
                // The bytes are not a request but, for example, a TLS handshake. The fake server waits for more, as a
                // real one does.
                tokio::spawn(async move {
                    let mut rest = Vec::new();
                    let _ended = peer.read_to_end(&mut rest).await;
                });
            }
        }
    });
    address
}

/// Reads the first request and returns its correlation ID; `None` if the bytes are not a request.
pub(crate) async fn request(peer: &mut (impl AsyncRead + Unpin)) -> Option<CorrelationId> {
    let length = peer.read_u32().await.ok()?;
    if length > REQUEST_BYTES_MAX {
        return None;
    }
    let mut request = vec![0; length as usize];
    peer.read_exact(&mut request).await.ok()?;
    // The correlation ID follows the request's kind and version, which have two bytes each.
    request[4..8].try_into().ok()
}

/// Encodes the response of a server that supports these kinds of requests, each with its range of versions.
pub(crate) fn versions(
    request: CorrelationId,
    platform: &str,
    kinds: &[(i16, i16, i16)],
) -> Vec<u8> {
    let mut answer = request.to_vec();
    answer.extend(0_i16.to_be_bytes()); // no error
    answer.extend((kinds.len() as i32).to_be_bytes());
    for (kind, min, max) in kinds {
        answer.extend([kind, min, max].map(|n| n.to_be_bytes()).concat());
    }
    answer.extend((platform.len() as i16).to_be_bytes());
    answer.extend(platform.as_bytes());
    [&(answer.len() as u32).to_be_bytes()[..], &answer].concat()
}

/// Returns an address at which no server listens.
pub(crate) fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
