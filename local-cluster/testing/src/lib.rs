//! A local cluster for tests: on free ports, in a folder of its own, and the same again after a stop.
//!
//! For tests only: what goes wrong here panics.

use client::{Cluster, Mode, Record, Start, TopicSettings};
use futures_util::TryStreamExt;
use local_cluster::{Handle, Options};
use serde_json::Value;
use tempfile::TempDir;

/// A cluster whose data stays when it is stopped.
#[derive(Debug)]
pub struct Node {
    options: Options,
    handle: Option<Handle>,
    /// Goes with the cluster.
    _data: TempDir,
}

impl Node {
    /// A fresh cluster with these topics, each with so many partitions.
    pub async fn start(topics: impl IntoIterator<Item = (&str, u32)>) -> Self {
        let data = TempDir::new().expect("a folder for the cluster");
        let options = Options::new(data.path()).with_free_ports();
        let handle = local_cluster::start(options.clone())
            .await
            .expect("a cluster");
        let node = Self {
            options: Options {
                sc_addr: handle.sc_addr(),
                spu_addr: handle.spu_addr(),
                ..options
            },
            handle: Some(handle),
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

    /// Stops it in order.
    pub async fn stop(&mut self) {
        let handle = self.handle.take().expect("a running cluster");
        handle.shutdown().await.expect("a clean stop");
    }

    /// Starts it again, on the same ports and with the same data.
    pub async fn restart(&mut self) {
        let handle = local_cluster::start(self.options.clone()).await;
        self.handle = Some(handle.expect("the same cluster"));
    }

    /// A connection to it.
    pub async fn cluster(&self) -> Cluster {
        let address = self.options.sc_addr.to_string();
        Cluster::connect(Some(&address))
            .await
            .expect("a connection")
    }

    /// Writes records, one after the other, and waits until they are there.
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

    /// Every record of a topic.
    pub async fn records(&self, topic: &str) -> Vec<Record> {
        let cluster = self.cluster().await;
        let partitions = cluster.partition_count(topic).await.expect("a topic");
        let mut records = Vec::new();
        for partition in 0..partitions {
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

    /// Key and value of every record of a topic, sorted.
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
