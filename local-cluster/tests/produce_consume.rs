//! Produces records, and reads them with bounded and live consumers.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fluvio::consumer::{ConsumerConfigExt, RetryMode};
use fluvio::metadata::topic::{CompressionAlgorithm, TopicSpec};
use fluvio::{Compression, Isolation, Offset, RecordKey, TopicProducerConfigBuilder};

use crate::harness::{
    Node, bounded, consume_all, deadline, expected, live, next_error, produce, seen, take, values,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_compression_comes_back_as_it_went() {
    let node = Node::start().await;
    let client = node.client().await;
    let compressions = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for compression in compressions {
        let topic = format!("packed-{compression}");
        node.create_topic(&topic, 1).await;
        let values = values(1_000);
        produce(&client, &topic, &values, compression).await;
        let records = consume_all(
            &client,
            bounded(&topic, Offset::beginning()).build().unwrap(),
        )
        .await;
        assert_eq!(seen(&records), expected(&values, 0), "{compression}");
        assert!(records.iter().enumerate().all(|(index, record)| {
            record.get_key().unwrap().as_utf8_lossy_string() == index.to_string()
        }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_however_small_the_answers() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("small-answers", 1).await;
    let values = values(2_000);
    produce(&client, "small-answers", &values, Compression::None).await;
    for max_bytes in [1, 5_000, 100_000] {
        let config = bounded("small-answers", Offset::beginning())
            .max_bytes(max_bytes)
            .build()
            .unwrap();
        assert_eq!(
            seen(&consume_all(&client, config).await),
            expected(&values, 0),
            "{max_bytes}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_read_from_any_offset_ends_at_the_end() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("anywhere", 1).await;
    let values = values(400);
    produce(&client, "anywhere", &values, Compression::None).await;
    for start in (0..400).step_by(23) {
        // Responses with a single batch are the hardest case. A client that reads to the end counts every
        // record that it receives, so the node must omit a batch's records before `start`.
        let config = bounded("anywhere", Offset::absolute(start).unwrap())
            .max_bytes(1)
            .build()
            .unwrap();
        let records = seen(&consume_all(&client, config).await);
        assert!(
            records == expected(&values, start as usize),
            "from {start}: {} records",
            records.len()
        );
    }
    let config = bounded("anywhere", Offset::from_end(7)).build().unwrap();
    assert_eq!(
        seen(&consume_all(&client, config).await),
        expected(&values, 393)
    );
    let config = bounded("anywhere", Offset::end()).build().unwrap();
    assert!(consume_all(&client, config).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_consumer_sees_what_is_produced_later_with_its_time() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("live", 1).await;
    let values = values(300);
    let before = millis();
    let mut streams = Vec::new();
    for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
        let config = live("live", Offset::beginning())
            .isolation(isolation)
            .build()
            .unwrap();
        streams.push(deadline(client.consumer_with_config(config)).await.unwrap());
    }
    for part in values.chunks(100) {
        produce(&client, "live", part, Compression::Lz4).await;
    }
    for stream in &mut streams {
        let records = take(stream, 300).await;
        assert_eq!(seen(&records), expected(&values, 0));
        assert!(
            records
                .iter()
                .all(|record| (before..=millis()).contains(&record.timestamp()))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_partitions_are_each_in_order_and_together_complete() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("wide", 3).await;
    let values = values(3_000);
    produce(&client, "wide", &values, Compression::Snappy).await;
    let config = ConsumerConfigExt::builder()
        .topic("wide")
        .offset_start(Offset::beginning())
        .disable_continuous(true)
        .retry_mode(RetryMode::Disabled)
        .build()
        .unwrap();
    let mut by_partition: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    let mut all = Vec::new();
    for record in consume_all(&client, config).await {
        by_partition
            .entry(record.partition())
            .or_default()
            .push(record.offset);
        all.push(record.get_value().as_utf8_lossy_string().into_owned());
    }
    assert_eq!(by_partition.len(), 3);
    assert!(
        by_partition
            .values()
            .all(|offsets| offsets.iter().copied().eq(0..offsets.len() as i64))
    );
    all.sort();
    let mut sent = values.clone();
    sent.sort();
    assert_eq!(all, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_offsets_are_the_ones_that_are_read() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("acknowledged", 1).await;
    for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
        let config = TopicProducerConfigBuilder::default()
            .isolation(isolation)
            .linger(Duration::ZERO)
            .build()
            .unwrap();
        let producer = deadline(client.topic_producer_with_config("acknowledged", config))
            .await
            .unwrap();
        for _ in 0..20 {
            let sent = deadline(producer.send(RecordKey::NULL, "x")).await.unwrap();
            deadline(producer.flush()).await.unwrap();
            let offset = deadline(sent.wait()).await.unwrap().offset();
            let config = bounded("acknowledged", Offset::absolute(offset).unwrap())
                .build()
                .unwrap();
            assert_eq!(
                seen(&consume_all(&client, config).await),
                [(offset, "x".to_owned())]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topics_compression_is_enforced_by_the_node_too() {
    let node = Node::start().await;
    let admin = node.admin().await;
    let mut spec = TopicSpec::new_computed(1, 1, None);
    spec.set_compression_type(CompressionAlgorithm::Gzip);
    deadline(admin.create("gzip-only".to_owned(), false, spec))
        .await
        .unwrap();
    let client = node.client().await;
    produce(&client, "gzip-only", &values(10), Compression::Gzip).await;
    let batch = crate::garbage::batch(&["plain"], 0);
    let answer = crate::garbage::produce(&node, "gzip-only", &[batch]).await;
    assert_eq!(
        answer[0].error_code,
        fluvio::dataplane::link::ErrorCode::CompressionError
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_beyond_the_end_is_an_error() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("short", 1).await;
    produce(&client, "short", &values(3), Compression::None).await;
    let config = live("short", Offset::absolute(10).unwrap())
        .build()
        .unwrap();
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    let error = next_error(&mut stream).await;
    assert!(error.to_string().contains("greater than leo 3"), "{error}");
}

fn millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64
}
