//! Compares Fluvio's own consumer with the reader of the package `client`. The batches are so large that a real server
//! cuts some of them in the middle; the local cluster does not.

use std::time::Duration;

use client::{Cluster, Mode, Partition, Start, TopicSettings};
use fluvio::consumer::ConsumerConfigExtBuilder;
use fluvio::{Fluvio, FluvioClusterConfig, Offset, RecordKey, TopicProducerConfigBuilder};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::harness::{self, AnyCluster};

const TOPIC: &str = "plain-reader";
const EVENTS: usize = 300_000;
/// The maximum size of batches, which equals the maximum size of responses that consumers request by default. Most
/// batches have nearly this size, so a response rarely has room for two, and its last batch may be cut.
const BATCH_BYTES: usize = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_any_cluster_our_reader_returns_every_record_even_if_the_stock_consumer_does_not() {
    let any = AnyCluster::start();
    let cluster = Cluster::connect(Some(any.address())).await.unwrap();
    let topic = TopicSettings {
        name: TOPIC.to_owned(),
        partitions: 1,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&topic).await.unwrap();
    assert_eq!(
        cluster.end_offset(TOPIC, Partition(0)).await.unwrap(),
        client::Offset(0),
        "`{TOPIC}` is in use: use a fresh cluster"
    );
    let stock = Fluvio::connect_with_config(&FluvioClusterConfig::new(any.address()))
        .await
        .unwrap();
    write(&stock).await;
    let (stock, ours) = (read_with_stock(&stock).await, read(&cluster).await);
    let on = match any {
        AnyCluster::Local(_) => "the local cluster, which sends whole batches",
        AnyCluster::Real(_) => "a real cluster",
    };
    println!("of {EVENTS} records on {on}: stock consumer {stock}, ours {ours}");
    assert_eq!(ours, EVENTS);
    if matches!(any, AnyCluster::Local(_)) {
        assert_eq!(stock, EVENTS, "any client works on the local cluster");
    }
}

/// Builds an event of about 260 bytes that contains its position.
fn event(place: usize) -> String {
    let mut event = format!(
        "{{\"event_name\":\"player_action\",\"event_type\":\"move\",\"place\":{place:>8},\
         \"event_timestamp\":\"2026-01-31T12:00:00.000Z\",\"player_id\":\"player_{:04}\",\"filler\":\"",
        place % 5_000
    );
    event.extend(std::iter::repeat_n(
        '.',
        258_usize.saturating_sub(event.len()),
    ));
    event.push_str("\"}");
    event
}

async fn write(stock: &Fluvio) {
    let settings = TopicProducerConfigBuilder::default()
        .batch_size(BATCH_BYTES)
        .max_request_size(2 * BATCH_BYTES)
        .linger(Duration::from_millis(500))
        .build()
        .unwrap();
    let producer = stock.topic_producer_with_config(TOPIC, settings);
    let producer = producer.await.unwrap();
    for place in 0..EVENTS {
        // The outcome can be dropped: `flush` reports the outcome of the newest record, and the reader counts all
        // records.
        let _sent = producer.send(RecordKey::NULL, event(place)).await.unwrap();
        if place % 64 == 0 {
            tokio::task::yield_now().await; // the producer never yields while its queue is full
        }
    }
    producer.flush().await.unwrap();
}

/// Counts the records that Fluvio's consumer returns until it reports the end.
async fn read_with_stock(stock: &Fluvio) -> usize {
    let config = ConsumerConfigExtBuilder::default()
        .topic(TOPIC)
        .partition(0)
        .offset_start(Offset::beginning())
        .disable_continuous(true)
        .build()
        .unwrap();
    let mut records = stock.consumer_with_config(config).await.unwrap();
    let mut count = 0;
    while let Some(record) = timeout(harness::WAIT_MAX, records.next()).await.unwrap() {
        record.unwrap();
        count += 1;
    }
    count
}

/// Counts the records that the reader of `client` returns. Each must be the record that was written at its offset.
async fn read(cluster: &Cluster) -> usize {
    let records = cluster.records(TOPIC, Partition(0), Start::Beginning, Mode::UntilEnd);
    let mut records = records.await.unwrap();
    let mut count = 0;
    while let Some(record) = records.next().await {
        let record = record.unwrap();
        assert_eq!(record.offset, client::Offset(count as i64));
        assert_eq!(record.value, event(count).as_bytes());
        count += 1;
    }
    count
}
