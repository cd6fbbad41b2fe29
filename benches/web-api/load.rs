//! The load: connections that are kept, each with one request under way at a time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// The argument that makes this program the load.
pub(crate) const CHILD: &str = "as-load";

/// What is not counted at the beginning.
const WARM_UP: Duration = Duration::from_secs(2);

/// How a server is put under load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) connections: usize,
    /// Events in a request.
    pub(crate) events: usize,
    /// Requests a second over all connections; as many as are answered where it is none.
    pub(crate) requests_per_s: Option<f64>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    course: Course,
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Course {
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
    pub(crate) fn parse(line: &str, course: Course) -> anyhow::Result<Self> {
        let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
        let [requests_per_s, p50_ms, p99_ms] = numbers?[..] else {
            anyhow::bail!("the load printed `{line}`");
        };
        Ok(Self {
            course,
            requests_per_s,
            p50_ms,
            p99_ms,
        })
    }

    pub(crate) fn events_per_s(&self) -> f64 {
        self.requests_per_s * self.course.events as f64
    }
}

/// Runs a course and prints requests a second, the median and the 99th percentile in milliseconds.
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
        // Spread over the first pause, so that they do not come in waves.
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
    anyhow::ensure!(!took.is_empty(), "nothing was answered");
    println!(
        "{} {} {}",
        took.len() as f64 / lasts.as_secs_f64(),
        at(0.5),
        at(0.99)
    );
    Ok(())
}

/// Posts until it is over; how long each answer took that came while it counted. Paced requests are
/// timed from when they were due, so that a server that falls behind shows.
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

/// Reads one answer, which must be a good one.
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
        "POST /v1/player-events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn event(client: usize, index: usize) -> String {
    let player = client * 7 + index;
    format!(
        r#"{{"event_name":"player_action","event_timestamp":"2026-11-21T10:15:30.{index:03}Z","parameters":{{"game_id":"default","player_id":"player_{player}","session_id":"session_{player}","event_type":"move","level_id":"level_01","map_id":"map_01"}},"user_data":{{"user_id":"player_{player}","platform":"PC"}}}}"#
    )
}
