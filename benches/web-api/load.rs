//! Generates the load through persistent connections, each with one request in flight.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// The argument that starts this program as the load generator.
pub(crate) const CHILD: &str = "as-load";

/// How long requests are sent before the measurement starts.
const WARM_UP: Duration = Duration::from_secs(2);

/// How many requests are sent to a server, how large they are, and how fast they are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// The number of events in a request.
    pub(crate) events: usize,
    /// The number of requests per second over all connections. If `None`, each connection sends its next request as
    /// soon as the previous one is answered.
    pub(crate) requests_per_s: Option<f64>,
}

/// The measurements under a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    load: Load,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Load {
    pub(crate) fn to_arguments(self, address: SocketAddr, lasts: Duration) -> Vec<String> {
        vec![
            address.to_string(),
            lasts.as_secs_f64().to_string(),
            self.connections.to_string(),
            self.events.to_string(),
            self.requests_per_s.unwrap_or_default().to_string(),
        ]
    }
}

impl Measured {
    pub(crate) fn parse(line: &str, load: Load) -> anyhow::Result<Self> {
        let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        let [requests_per_s, p50_ms, p99_ms] = numbers?[..] else {
            anyhow::bail!("the load printed `{line}`");
        };
        Ok(Self {
            load,
            requests_per_s,
            p50_ms,
            p99_ms,
        })
    }

    pub(crate) fn events_per_s(&self) -> f64 {
        self.requests_per_s * self.load.events as f64
    }
}

/// Runs the load. Prints the requests per second, and the median and the 99th percentile in milliseconds.
pub(crate) async fn run(arguments: &[String]) -> anyhow::Result<()> {
    let [address, lasts, connections, events, rate] = arguments else {
        anyhow::bail!("five arguments are needed");
    };
    let address: SocketAddr = address.parse()?;
    let lasts = Duration::from_secs_f64(lasts.parse()?);
    let (connections, events): (usize, usize) = (connections.parse()?, events.parse()?);
    let rate: f64 = rate.parse()?;
    let pause = (rate > 0.0).then(|| Duration::from_secs_f64(connections as f64 / rate));
    let begin = Instant::now() + WARM_UP;
    let mut clients = JoinSet::new();
    for client in 0..connections {
        let request = request(client, events);
        // Distributes the first requests of the connections over one pause, so that requests do not come in waves.
        let first =
            pause.map(|pause| Instant::now() + pause.mul_f64(client as f64 / connections as f64));
        clients.spawn(post(
            address,
            request,
            first.zip(pause),
            begin,
            begin + lasts,
        ));
    }
    let mut took = Vec::new();
    while let Some(client) = clients.join_next().await {
        took.extend(client??);
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    anyhow::ensure!(!took.is_empty(), "no request was answered");
    println!(
        "{} {} {}",
        took.len() as f64 / lasts.as_secs_f64(),
        at(0.5),
        at(0.99)
    );
    Ok(())
}

/// Posts until the end of the load, and returns the latency of each measured request. With a fixed rate, the
/// latency counts from the time at which the request was due, so it grows if the server falls behind.
async fn post(
    address: SocketAddr,
    request: Vec<u8>,
    paced: Option<(Instant, Duration)>,
    begin: Instant,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut took = Vec::new();
    let mut due = paced.map(|(first, _)| first);
    let mut buffer = Vec::with_capacity(4_096);
    loop {
        let start = due.unwrap_or_else(Instant::now);
        if start >= end {
            return Ok(took);
        }
        if due.is_some() {
            sleep_until(start.into()).await;
        }
        stream.write_all(&request).await?;
        answer(&mut stream, &mut buffer).await?;
        let now = Instant::now();
        if now >= begin && now < end {
            took.push(now - start);
        }
        due = due.zip(paced).map(|(due, (_, pause))| due + pause);
    }
}

/// Reads one response, which must report success.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    loop {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "the server hung up");
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
        anyhow::ensure!(
            text.starts_with("http/1.1 200"),
            "{}",
            String::from_utf8_lossy(buffer)
        );
        let length = text.split("content-length: ").nth(1).context("no length")?;
        let length: usize = length.split("\r\n").next().unwrap_or_default().parse()?;
        if buffer.len() >= head + 4 + length {
            return Ok(());
        }
    }
}

fn request(client: usize, events: usize) -> Vec<u8> {
    let events: Vec<String> = (0..events).map(|index| event(client, index)).collect();
    let body = match &events[..] {
        [event] => event.clone(),
        events => format!("[{}]", events.join(",")),
    };
    let length = body.len();
    format!(
        "POST /v1/player-events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn event(client: usize, index: usize) -> String {
    let player = client * 7 + index;
    let time = format!("2026-11-21T10:15:30.{index:03}Z");
    let ids = format!(r#""player_id":"player_{player}","session_id":"session_{player}""#);
    let place = r#""event_type":"move","level_id":"level_01","map_id":"map_01""#;
    let fields = format!(r#"{{"game_id":"default",{ids},{place}}}"#);
    let user = format!(r#"{{"user_id":"player_{player}","platform":"PC"}}"#);
    format!(
        r#"{{"event_name":"player_action","event_timestamp":"{time}","parameters":{fields},"user_data":{user}}}"#
    )
}
