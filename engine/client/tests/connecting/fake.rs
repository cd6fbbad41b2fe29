//! Servers that are not what the client hopes for, made by hand: no code of the protocol's crates is in the
//! way.

use std::future::Future;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};

/// What of a request an answer repeats.
pub(crate) type CorrelationId = [u8; 4];

/// No request is as long; a longer one is something else.
const REQUEST_BYTES_MAX: u32 = 1 << 20;

/// Listens, takes the first request of each connection, and leaves the rest to `answer`; its address.
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
                // Like a real server, this then waits for the rest.
                tokio::spawn(async move {
                    let mut rest = Vec::new();
                    let _ended = peer.read_to_end(&mut rest).await;
                });
            }
        }
    });
    address
}

/// The first request; `None` where it is none.
pub(crate) async fn request(peer: &mut (impl AsyncRead + Unpin)) -> Option<CorrelationId> {
    let length = peer.read_u32().await.ok()?;
    if length > REQUEST_BYTES_MAX {
        return None;
    }
    let mut request = vec![0; length as usize];
    peer.read_exact(&mut request).await.ok()?;
    // After its kind and its version, of two bytes each.
    request[4..8].try_into().ok()
}

/// The answer of a server that supports these kinds of requests, each with its range of versions.
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

/// An address where nothing listens.
pub(crate) fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
