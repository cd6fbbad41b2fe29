//! A node on free ports in a temporary folder, and helpers for tests that use it.

use std::time::Duration;

use fluvio::consumer::{
    ConsumerConfigExt, ConsumerConfigExtBuilder, ConsumerStream, Record, RetryMode,
};
use fluvio::dataplane::link::ErrorCode;
use fluvio::metadata::topic::TopicSpec;
use fluvio::{
    Compression, Fluvio, FluvioAdmin, FluvioClusterConfig, Offset, RecordKey,
    TopicProducerConfigBuilder,
};
use futures_util::StreamExt;
use local_cluster::{Handle, Listeners, Options, StartError, start};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The timeout of every wait in these tests. It is longer than any of them should take, so that only a hang
/// fails the test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running node. Its temporary folder is removed when it is dropped.
pub(crate) struct Node {
    pub(crate) handle: Handle,
    pub(crate) dir: TempDir,
    stop: DropGuard,
}

impl Node {
    /// Starts a node on a new folder.
    pub(crate) async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap()).await
    }

    /// Starts a node on an existing folder.
    pub(crate) async fn start_in(dir: TempDir) -> Self {
        let (handle, stop) = start_with(Options::new(dir.path())).await.unwrap();
        Self { handle, dir, stop }
    }

    /// Stops the node and returns its folder for the next one.
    pub(crate) async fn stop(self) -> TempDir {
        drop(self.stop);
        self.handle.stopped().await.unwrap();
        self.dir
    }

    pub(crate) fn config(&self) -> FluvioClusterConfig {
        FluvioClusterConfig::new(self.handle.sc_addr().to_string())
    }

    pub(crate) async fn client(&self) -> Fluvio {
        deadline(Fluvio::connect_with_config(&self.config()))
            .await
            .unwrap()
    }

    pub(crate) async fn admin(&self) -> FluvioAdmin {
        deadline(FluvioAdmin::connect_with_config(&self.config()))
            .await
            .unwrap()
    }

    pub(crate) async fn create_topic(&self, name: &str, partitions: u32) {
        let spec = TopicSpec::new_computed(partitions, 1, None);
        deadline(self.admin().await.create(name.to_owned(), false, spec))
            .await
            .unwrap();
    }
}

/// Starts a node on free ports. The node stops when the guard is dropped.
pub(crate) async fn start_with(options: Options) -> Result<(Handle, DropGuard), StartError> {
    let listeners = Listeners::bind_free_ports().await.unwrap();
    let stop = CancellationToken::new();
    let handle = start(listeners, options, stop.clone()).await?;
    Ok((handle, stop.drop_guard()))
}

/// Awaits `future`, and panics after [`DEADLINE`].
pub(crate) async fn deadline<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the node did not answer in time")
}

/// Returns `count` texts, each of which contains its index.
pub(crate) fn values(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("value-{number:06}-{}", "x".repeat(number % 50)))
        .collect()
}

/// Produces `values` in batches of a few kilobytes.
pub(crate) async fn produce(
    client: &Fluvio,
    topic: &str,
    values: &[String],
    compression: Compression,
) {
    let config = TopicProducerConfigBuilder::default()
        .linger(Duration::from_millis(20))
        .batch_size(4_000)
        .compression(compression)
        .build()
        .unwrap();
    let producer = deadline(client.topic_producer_with_config(topic, config))
        .await
        .unwrap();
    let mut outputs = Vec::new();
    for (index, value) in values.iter().enumerate() {
        outputs.push(
            deadline(producer.send(RecordKey::from(index.to_string()), value.as_str()))
                .await
                .unwrap(),
        );
    }
    deadline(producer.flush()).await.unwrap();
    for output in outputs {
        deadline(output.wait()).await.unwrap();
    }
}

/// Returns the configuration of a read of partition 0, from `offset` to the current end.
pub(crate) fn bounded(topic: &str, offset: Offset) -> ConsumerConfigExtBuilder {
    let mut builder = ConsumerConfigExt::builder();
    builder
        .topic(topic)
        .partition(0)
        .offset_start(offset)
        .disable_continuous(true)
        .retry_mode(RetryMode::Disabled);
    builder
}

/// Returns the configuration of a read of partition 0 from `offset` that does not end.
pub(crate) fn live(topic: &str, offset: Offset) -> ConsumerConfigExtBuilder {
    let mut builder = bounded(topic, offset);
    builder.disable_continuous(false);
    builder
}

/// Returns all records of a bounded consumer.
pub(crate) async fn consume_all(client: &Fluvio, config: ConsumerConfigExt) -> Vec<Record> {
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    let mut records = Vec::new();
    while let Some(record) = deadline(stream.next()).await {
        records.push(record.unwrap());
    }
    records
}

/// Returns the next `count` records of a live consumer.
pub(crate) async fn take(stream: &mut impl ConsumerStream, count: usize) -> Vec<Record> {
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        records.push(
            deadline(stream.next())
                .await
                .expect("the stream ended")
                .unwrap(),
        );
    }
    records
}

/// Returns the stream's next item, which must be an error.
pub(crate) async fn next_error(stream: &mut impl ConsumerStream) -> ErrorCode {
    let next = deadline(stream.next())
        .await
        .expect("an error comes before the end");
    next.err().expect("no more records come")
}

/// Returns the offset and value of each record.
pub(crate) fn seen(records: &[Record]) -> Vec<(i64, String)> {
    records
        .iter()
        .map(|record| {
            (
                record.offset,
                record.get_value().as_utf8_lossy_string().into_owned(),
            )
        })
        .collect()
}

/// Returns what a consumer of `values` should read from `offset` on.
pub(crate) fn expected(values: &[String], offset: usize) -> Vec<(i64, String)> {
    values
        .iter()
        .enumerate()
        .skip(offset)
        .map(|(index, value)| (index as i64, value.clone()))
        .collect()
}
