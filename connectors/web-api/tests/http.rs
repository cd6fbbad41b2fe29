//! A client of few words: one request a connection, and what came back.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes longer; a hang becomes a failure.
const DEADLINE: Duration = Duration::from_secs(90);

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {} {text}", self.status))
    }

    /// Its status and the word for programs.
    pub(crate) fn problem(&self) -> (u16, String) {
        (
            self.status,
            self.json()["error"].as_str().unwrap().to_owned(),
        )
    }
}

/// Sends a request and reads the answer to its end, which must come.
pub(crate) async fn request(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let answer = try_request(address, line, headers, body).await;
    answer.expect("an answer")
}

/// The same; nothing where the server is not there, or dies before the answer is whole.
pub(crate) async fn try_request(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Response> {
    let length = body.len().to_string();
    let mut all = vec![
        ("host", "test"),
        ("connection", "close"),
        ("content-length", &length),
    ];
    all.extend_from_slice(headers);
    let mut head = format!("{line} HTTP/1.1\r\n");
    for (name, value) in all {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let bytes = [head.as_bytes(), body].concat();
    let answer = raw(address, &bytes).await?;
    let length = answer.headers.get("content-length")?;
    (length.parse() == Ok(answer.body.len())).then_some(answer)
}

/// Sends these bytes; the answer, unless the server hangs up without one.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    // A server that refuses a request early does not read the rest of it.
    let _refused = stream.write_all(bytes).await;
    answer(stream).await
}

/// Reads an answer until the server hangs up.
pub(crate) async fn answer(mut stream: TcpStream) -> Option<Response> {
    let mut bytes = Vec::new();
    let read = timeout(DEADLINE, stream.read_to_end(&mut bytes));
    let _reset = read.await.expect("an answer in time");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    Some(Response {
        status,
        headers: lines.map(header).collect(),
        body: bytes[end + 4..].to_vec(),
    })
}
