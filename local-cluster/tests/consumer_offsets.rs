//! Managed consumer offsets: they are stored, listed, resumed from and deleted, and they are removed with
//! their topic.

use fluvio::consumer::{ConsumerConfigExtBuilder, ConsumerStream, OffsetManagementStrategy};
use fluvio::metadata::topic::TopicSpec;
use fluvio::{Compression, Fluvio, Offset};

use crate::harness::{Node, bounded, consume_all, deadline, live, produce, take, values};

fn managed(mut builder: ConsumerConfigExtBuilder, consumer: &str) -> ConsumerConfigExtBuilder {
    builder
        .offset_consumer(consumer.to_owned())
        .offset_strategy(OffsetManagementStrategy::Manual);
    builder
}

async fn consume_and_store(client: &Fluvio, topic: &str, consumer: &str, count: usize) {
    let config = managed(live(topic, Offset::beginning()), consumer)
        .build()
        .unwrap();
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    take(&mut stream, count).await;
    deadline(stream.offset_commit()).await.unwrap();
    deadline(stream.offset_flush()).await.unwrap();
}

async fn stored(client: &Fluvio) -> Vec<(String, String, i64)> {
    let offsets = deadline(client.consumer_offsets()).await.unwrap();
    offsets
        .into_iter()
        .map(|stored| (stored.consumer_id, stored.topic, stored.offset))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_consumer_goes_on_where_it_stopped_even_after_a_restart() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("managed", 1).await;
    produce(&client, "managed", &values(100), Compression::None).await;
    consume_and_store(&client, "managed", "reader", 40).await;
    assert_eq!(
        stored(&client).await,
        [("reader".to_owned(), "managed".to_owned(), 39)]
    );
    drop(client);
    let node = Node::start_in(node.stop().await).await;
    let client = node.client().await;
    let config = managed(bounded("managed", Offset::beginning()), "reader")
        .build()
        .unwrap();
    let records = consume_all(&client, config).await;
    assert_eq!((records.len(), records[0].offset), (60, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_can_be_deleted_and_go_with_their_topic() {
    let node = Node::start().await;
    let client = node.client().await;
    for topic in ["first", "second"] {
        node.create_topic(topic, 1).await;
        produce(&client, topic, &values(20), Compression::None).await;
        consume_and_store(&client, topic, "reader", 10).await;
    }
    deadline(client.delete_consumer_offset("reader", ("first", 0)))
        .await
        .unwrap();
    deadline(client.delete_consumer_offset("unknown", ("first", 0)))
        .await
        .unwrap();
    assert_eq!(
        stored(&client).await,
        [("reader".to_owned(), "second".to_owned(), 9)]
    );
    deadline(node.admin().await.delete::<TopicSpec>("second"))
        .await
        .unwrap();
    assert!(stored(&client).await.is_empty());
}
