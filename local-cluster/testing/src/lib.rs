//! A local cluster for tests: on free ports and in its own folder. It keeps its ports and data across a restart.
//!
//! For tests only: every error panics.

use std::net::SocketAddr;

use client::{Cluster, Mode, Partition, Record, Start, TopicSettings};
use futures_util::TryStreamExt;
use local_cluster::{Handle, Listeners, Options};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A cluster that keeps its data while it is stopped.
#[derive(Debug)]
pub struct Node {
    options: Options,
    sc_addr: SocketAddr,
    spu_addr: SocketAddr,
    /// The running cluster, which stops when the guard is dropped.
    running: Option<(Handle, DropGuard)>,
    /// The data folder, which is removed when this value is dropped.
    _data: TempDir,
}

impl Node {
    /// Starts a new cluster with these topics and their numbers of partitions.
    pub async fn start(topics: impl IntoIterator<Item = (&str, u32)>) -> Self {
        let data = TempDir::new().expect("a folder for the cluster");
        let options = Options::new(data.path());
        let listeners = Listeners::bind_free_ports().await.expect("two free ports");
        let (handle, stop) = run(listeners, options.clone()).await;
        let node = Self {
            options,
            sc_addr: handle.sc_addr(),
            spu_addr: handle.spu_addr(),
            running: Some((handle, stop)),
            _data: data,
        };
        let cluster = node.cluster().await;
        for (name, partitions) in topics {
            let topic = TopicSettings {
                name: name.to_owned(),
                partitions,
                retention: None,
                storage: None,
            };
            cluster.ensure_topic(&topic).await.expect("a topic");
        }
        node
    }

    /// Stops the cluster cleanly.
    pub async fn stop(&mut self) {
        let (handle, stop) = self.running.take().expect("a running cluster");
        drop(stop);
        handle.stopped().await.expect("a clean stop");
    }

    /// Starts the stopped cluster again, on the same ports and with the same data.
    pub async fn restart(&mut self) {
        let listeners = Listeners::bind(self.sc_addr, self.spu_addr).await;
        let listeners = listeners.expect("the same ports");
        self.running = Some(run(listeners, self.options.clone()).await);
    }

    /// Connects to the cluster.
    pub async fn cluster(&self) -> Cluster {
        let address = self.sc_addr.to_string();
        Cluster::connect(Some(&address))
            .await
            .expect("a connection")
    }

    /// Writes records one after the other, and waits until each is acknowledged.
    pub async fn write(&self, topic: &str, values: &[Value]) {
        let producer = self.cluster().await.producer(topic).await;
        let producer = producer.expect("a producer");
        for value in values {
            let delivery = producer.send("key", value.to_string()).await;
            producer.flush().await.expect("a flush");
            let delivered = delivery.expect("a record on its way").wait().await;
            delivered.expect("an acknowledged record");
        }
    }

    /// Returns every record of a topic.
    pub async fn records(&self, topic: &str) -> Vec<Record> {
        let cluster = self.cluster().await;
        let partitions = cluster.partition_count(topic).await.expect("a topic");
        let mut records = Vec::new();
        for partition in Partition::of(partitions) {
            let stream = cluster.records(topic, partition, Start::Beginning, Mode::UntilEnd);
            let stored: Vec<_> = stream
                .await
                .expect("a stream")
                .try_collect()
                .await
                .expect("records");
            records.extend(stored);
        }
        records
    }

    /// Returns the key and the value of every record of a topic, sorted.
    pub async fn texts(&self, topic: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let records = self.records(topic).await;
        let pairs = records.iter().map(|record| {
            (
                text(record.key.as_ref().expect("a key")),
                text(&record.value),
            )
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort();
        pairs
    }
}

async fn run(listeners: Listeners, options: Options) -> (Handle, DropGuard) {
    let stop = CancellationToken::new();
    let handle = local_cluster::start(listeners, options, stop.clone()).await;
    (handle.expect("a cluster"), stop.drop_guard())
}
