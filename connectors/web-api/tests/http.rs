//! A minimal HTTP client with one connection per request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The timeout of a response. It is longer than any response should take, so that only a server that hangs fails
/// the test.
const DEADLINE: Duration = Duration::from_secs(90);

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

    /// Returns the status and the error code.
    pub(crate) fn problem(&self) -> (u16, String) {
        (
            self.status,
            self.json()["error"].as_str().unwrap().to_owned(),
        )
    }
}

/// Sends a request and reads the whole response. Panics if there is no response.
pub(crate) async fn request(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let answer = try_request(address, line, headers, body).await;
    answer.expect("an answer")
}

/// Sends a request and reads the whole response; `None` if the server is not running, or hangs up before the
/// end of the response.
pub(crate) async fn try_request(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Response> {
    let length = body.len().to_string();
    let mut all = vec![("connection", "close"), ("content-length", &length)];
    let defaults = [("host", "localhost"), ("content-type", "application/json")];
    let unnamed = |default: &&(&str, &str)| headers.iter().all(|(name, _)| *name != default.0);
    all.extend(defaults.iter().filter(unnamed));
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

/// Sends these bytes and reads the response; `None` if the server hangs up without one.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    // A server that refuses a request early does not read the rest of it.
    let _refused = stream.write_all(bytes).await;
    answer(stream).await
}

/// Reads a response until the server closes the connection.
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
