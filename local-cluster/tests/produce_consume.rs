//! Producing and consuming, bounded and live.

use fluvio::{Compression, Offset};

use crate::harness::{Node, bounded, consume_all, expected, produce, seen, values};

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
