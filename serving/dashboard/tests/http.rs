//! A small HTTP client. It sends one request per connection, and can read a response as a stream of events.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The timeout of each read from the connection. It is long because the machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Response {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        text += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    stream
        .write_all(format!("{text}\r\n").as_bytes())
        .await
        .unwrap();
    let status = line(&mut stream)
        .await
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let mut headers = BTreeMap::new();
    loop {
        let line = line(&mut stream).await;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    Response {
        status,
        headers,
        stream,
    }
}

impl Response {
    pub(crate) async fn text(mut self) -> String {
        let length = self.headers["content-length"].parse().unwrap();
        let mut body = vec![0; length];
        timeout(TIMEOUT, self.stream.read_exact(&mut body))
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(body).unwrap()
    }

    pub(crate) async fn json(self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Reads the next event; `None` at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        let mut text = String::new();
        while !text.ends_with("\n\n") {
            let size = usize::from_str_radix(&line(&mut self.stream).await, 16).unwrap_or(0);
            let mut chunk = vec![0; size + 2];
            timeout(TIMEOUT, self.stream.read_exact(&mut chunk))
                .await
                .unwrap()
                .ok()?;
            if size == 0 {
                return None;
            }
            text += std::str::from_utf8(&chunk[..size]).unwrap();
        }
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        Some(Event {
            id: field("id: ").map(str::to_owned),
            name: field("event: ").unwrap().to_owned(),
            data: serde_json::from_str(field("data: ").unwrap()).unwrap(),
        })
    }

    /// Reads events until one has this name and `wanted` is true for its data.
    pub(crate) async fn wait_for(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Event {
        let found = async {
            loop {
                let event = self.event().await.expect("the stream has ended");
                if event.name == name && wanted(&event.data) {
                    return event;
                }
            }
        };
        timeout(TIMEOUT, found)
            .await
            .expect("no such event in time")
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    // A read error counts as the end of the stream.
    let _read = timeout(TIMEOUT, stream.read_line(&mut line)).await.unwrap();
    line.trim_end().to_owned()
}
