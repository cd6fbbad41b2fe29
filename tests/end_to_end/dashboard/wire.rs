//! Two proxies, one in front of a cluster's controller and one in front of its server. The server's proxy counts the
//! streams that clients open, by topic and partition.
//!
//! Clients get the server's address from the controller. In the controller's responses, its proxy replaces the server's
//! port with the port of the server's proxy.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The API key of the request that opens a stream in Fluvio's protocol.
const STREAM_FETCH: u16 = 1003;
/// The length of the header fields before the client's name: API key, version and correlation id.
const HEAD_BYTES: usize = 8;

/// The number of streams, by topic and partition.
type Streams = Arc<Mutex<BTreeMap<(String, u32), usize>>>;

pub(super) struct Wire {
    /// The address to which clients connect.
    pub(super) address: SocketAddr,
    streams: Streams,
}

impl Wire {
    pub(super) async fn to(control: SocketAddr, data: SocketAddr) -> Self {
        let streams = Streams::default();
        let (seen, counted) = (streams.clone(), listen().await);
        let ports = (data.port(), counted.local_addr().unwrap().port());
        forward(counted, data, move |frame| count(&seen, frame), |_| {});
        let wire = listen().await;
        let address = wire.local_addr().unwrap();
        forward(
            wire,
            control,
            |_| {},
            move |frame| change_port(frame, ports),
        );
        Self { address, streams }
    }

    pub(super) fn streams(&self) -> BTreeMap<(String, u32), usize> {
        self.streams.lock().unwrap().clone()
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn forward(
    listener: TcpListener,
    to: SocketAddr,
    asked: impl Fn(&mut [u8]) + Clone + Send + 'static,
    answered: impl Fn(&mut [u8]) + Clone + Send + 'static,
) {
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(to).await.unwrap();
            let (client_reads, client_writes) = client.into_split();
            let (server_reads, server_writes) = server.into_split();
            tokio::spawn(frames(client_reads, server_writes, asked.clone()));
            tokio::spawn(frames(server_reads, client_writes, answered.clone()));
        }
    });
}

/// Forwards frames until one side hangs up.
async fn frames(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    look: impl Fn(&mut [u8]),
) -> io::Result<()> {
    loop {
        let length = from.read_u32().await?;
        let mut frame = vec![0; length as usize];
        from.read_exact(&mut frame).await?;
        look(&mut frame);
        to.write_u32(length).await?;
        to.write_all(&frame).await?;
    }
}

fn count(streams: &Streams, frame: &[u8]) {
    if frame[..2] != STREAM_FETCH.to_be_bytes() {
        return;
    }
    let (_client, rest) = text(&frame[HEAD_BYTES..]);
    let (topic, rest) = text(rest);
    let partition = u32::from_be_bytes(rest[..4].try_into().unwrap());
    *streams
        .lock()
        .unwrap()
        .entry((topic, partition))
        .or_default() += 1;
}

/// Splits a length-prefixed text from the bytes after it.
fn text(bytes: &[u8]) -> (String, &[u8]) {
    let (length, rest) = bytes.split_at(2);
    let length = u16::from_be_bytes(length.try_into().unwrap());
    let (text, rest) = rest.split_at(length.into());
    (String::from_utf8(text.to_vec()).unwrap(), rest)
}

/// Replaces the port of the server's endpoint. In Fluvio's protocol, a list of one address follows the port.
fn change_port(frame: &mut [u8], (from, to): (u16, u16)) {
    let endpoint = |port: u16| [&port.to_be_bytes()[..], &[0, 0, 0, 1]].concat();
    let (known, wanted) = (endpoint(from), endpoint(to));
    let places = 0..frame.len().saturating_sub(known.len());
    for place in places {
        let found = &mut frame[place..place + known.len()];
        if found == known {
            found.copy_from_slice(&wanted);
        }
    }
}
