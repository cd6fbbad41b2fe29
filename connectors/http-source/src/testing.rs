//! For tests: an endpoint that follows a script, and a connector without a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Secrets};
use crate::counts::{Counted, Counts};
use crate::intake::Intake;
use crate::outcome::ReadOutcome;
use crate::queue::queue;
use crate::run::reader;
use crate::supervisor::supervise;

/// The timeout of each wait, much longer than a wait usually takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The head of a chunked response.
pub(crate) const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// A step of an endpoint's script on one connection. After the last step, the endpoint closes the connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these bytes at once.
    Send(Vec<u8>),
    /// Sends nothing until the client closes the connection.
    Stall,
}

pub(crate) fn send(text: impl Into<Vec<u8>>) -> Act {
    Act::Send(text.into())
}

/// One chunk of a chunked response.
pub(crate) fn chunk(text: &str) -> Act {
    send(format!("{:x}\r\n{text}\r\n", text.len()))
}

/// An endpoint with one script for each connection. Further connections repeat the last script.
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Endpoint {
    pub(crate) async fn start(scripts: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let script = scripts[number.min(scripts.len() - 1)].clone();
                tokio::spawn(play(stream, script));
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn play(mut stream: TcpStream, script: Vec<Act>) {
    let mut request = [0; 4096];
    // The request is short, so one read returns all of it.
    let _request = stream.read(&mut request).await;
    for act in script {
        match act {
            Act::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Act::Stall => while stream.read(&mut request).await.is_ok_and(|read| read > 0) {},
        }
    }
    // Ends the connection so that the client first receives everything that was sent.
    let _ended = stream.shutdown().await;
}

/// A record as it would be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) value: String,
}

/// Returns a configuration with the lines of `http` below `http:` and with `topic` as its topic.
pub(crate) fn config(topic: &str, http: &str) -> Config {
    let lines = http.replace('\n', "\n  ");
    let yaml = format!(
        "apiVersion: 0.1.0\nmeta:\n  name: test\n  type: http-source\n  topic: {topic}\nhttp:\n  {lines}\n"
    );
    Config::parse(&yaml, &Secrets::from_environment()).expect(&yaml)
}

/// Runs a connector until it has written `records` records. Returns them and the counts.
pub(crate) async fn written(config: Config, records: usize) -> (Vec<Written>, Counted) {
    let config = Arc::new(config);
    let counts = Arc::new(Counts::default());
    let (queue, mut parcels) = queue();
    let mut intake = Intake::new(&config, BTreeMap::new(), queue, Arc::clone(&counts));
    let reader = reader(&config).expect("a reader");
    let stop = CancellationToken::new();
    let reading = supervise(&config, reader, &mut intake, false, &stop);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let taking = async {
        let mut written = Vec::new();
        while written.len() < records {
            let parcel = parcels.recv().await.expect("a record");
            written.push(Written {
                topic: parcel.topic.to_string(),
                key: parcel.key.as_deref().map(text),
                value: text(&parcel.value),
            });
        }
        stop.cancel();
        written
    };
    let both = async { tokio::join!(reading, taking) };
    let (outcome, mut written) = timeout(TIMEOUT, both)
        .await
        .expect("enough records in time");
    outcome.expect("somebody takes records");
    while let Ok(parcel) = parcels.try_recv() {
        written.push(Written {
            topic: parcel.topic.to_string(),
            key: parcel.key.as_deref().map(text),
            value: text(&parcel.value),
        });
    }
    (written, counts.now())
}

/// Returns the outcome of the first attempt to read, and ignores its records.
pub(crate) async fn first_outcome(config: Config) -> ReadOutcome {
    let config = Arc::new(config);
    let (queue, _parcels) = queue();
    let mut intake = Intake::new(&config, BTreeMap::new(), queue, Arc::default());
    let mut reader = reader(&config).expect("a reader");
    let stop = CancellationToken::new();
    let reading = reader.read(&mut intake, &stop);
    let outcome = timeout(TIMEOUT, reading).await.expect("an end in time");
    outcome.expect("somebody takes records")
}

pub(crate) fn values(written: &[Written]) -> Vec<&str> {
    written.iter().map(|record| record.value.as_str()).collect()
}
