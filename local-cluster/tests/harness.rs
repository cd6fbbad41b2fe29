//! A node on free ports in a temporary folder, and shorthand for what the tests do with it.

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
use local_cluster::{Handle, Options, start};
use tempfile::TempDir;

/// No wait in these tests is longer; a hang becomes a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running node; its folder goes when it is dropped.
pub(crate) struct Node {
    pub(crate) handle: Handle,
    pub(crate) dir: TempDir,
}

impl Node {
    /// A fresh node.
    pub(crate) async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap()).await
    }

    /// A node on an existing folder.
    pub(crate) async fn start_in(dir: TempDir) -> Self {
        let handle = start(Options::new(dir.path()).with_free_ports())
            .await
            .unwrap();
        Self { handle, dir }
    }

    /// Stops it; the folder stays for the next.
    pub(crate) async fn stop(self) -> TempDir {
        self.handle.shutdown().await.unwrap();
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

/// Fails instead of hanging.
pub(crate) async fn deadline<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("the node did not answer in time")
}

/// The values `0..count` as texts that say which they are.
pub(crate) fn values(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("value-{number:06}-{}", "x".repeat(number % 50)))
        .collect()
}

/// Produces `values` in batches of some kilobytes.
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

/// A bounded read of partition 0 from `offset`.
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

/// A live read of partition 0 from `offset`.
pub(crate) fn live(topic: &str, offset: Offset) -> ConsumerConfigExtBuilder {
    let mut builder = bounded(topic, offset);
    builder.disable_continuous(false);
    builder
}

/// Everything that a bounded consumer yields.
pub(crate) async fn consume_all(client: &Fluvio, config: ConsumerConfigExt) -> Vec<Record> {
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    let mut records = Vec::new();
    while let Some(record) = deadline(stream.next()).await {
        records.push(record.unwrap());
    }
    records
}

/// The next `count` records of a live consumer.
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

/// The error that a stream must yield next.
pub(crate) async fn next_error(stream: &mut impl ConsumerStream) -> ErrorCode {
    let next = deadline(stream.next())
        .await
        .expect("an error comes before the end");
    next.err().expect("no more records come")
}

/// Offset and value of each record.
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

/// What a consumer of all of `values` should see from `offset` on.
pub(crate) fn expected(values: &[String], offset: usize) -> Vec<(i64, String)> {
    values
        .iter()
        .enumerate()
        .skip(offset)
        .map(|(index, value)| (index as i64, value.clone()))
        .collect()
}
