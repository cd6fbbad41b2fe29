//! Creates, lists, grows and deletes topics.

use fluvio::metadata::objects::ListRequest;
use fluvio::metadata::objects::{Metadata, WatchResponse};
use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::spu::SpuSpec;
use fluvio::metadata::topic::{AddPartition, TopicSpec, UpdateTopicAction};
use fluvio::{Compression, FluvioAdmin, Offset, TopicProducerConfigBuilder};
use futures_util::StreamExt;

use crate::harness::{
    Node, bounded, consume_all, deadline, live, next_error, produce, seen, take, values,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_created_topic_is_listed_and_a_deleted_one_is_not() {
    let node = Node::start().await;
    let admin = node.admin().await;
    node.create_topic("player-events", 3).await;
    node.create_topic("other", 1).await;
    assert_eq!(
        names(&deadline(admin.all::<TopicSpec>()).await.unwrap()),
        ["other", "player-events"]
    );
    let filtered = deadline(admin.list::<TopicSpec, _>(vec!["player".to_owned()]))
        .await
        .unwrap();
    assert_eq!(filtered[0].status.replica_map.len(), 3);
    assert_eq!(names(&filtered), ["player-events"]);
    let partitions = deadline(admin.all::<PartitionSpec>()).await.unwrap();
    assert_eq!(
        names(&partitions),
        [
            "other-0",
            "player-events-0",
            "player-events-1",
            "player-events-2"
        ]
    );
    assert!(
        partitions
            .iter()
            .all(|partition| partition.status.is_online())
    );
    deadline(admin.delete::<TopicSpec>("other")).await.unwrap();
    assert_eq!(
        names(&deadline(admin.all::<TopicSpec>()).await.unwrap()),
        ["player-events"]
    );
    assert!(!node.dir.path().join("topics/other").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_topic_is_there_but_listed_only_on_request() {
    let node = Node::start().await;
    let admin = node.admin().await;
    assert!(deadline(admin.all::<TopicSpec>()).await.unwrap().is_empty());
    let request =
        ListRequest::<TopicSpec>::new(Vec::<fluvio::metadata::objects::ListFilter>::new(), false)
            .system(true);
    let system = deadline(admin.list_with_config::<TopicSpec, String>(request))
        .await
        .unwrap();
    assert_eq!(names(&system), ["consumer-offset"]);
    for delete in [
        deadline(admin.delete::<TopicSpec>("consumer-offset")).await,
        { deadline(admin.force_delete::<TopicSpec>("consumer-offset")).await },
    ] {
        assert!(delete.unwrap_err().to_string().contains("system Topic"));
    }
    assert_eq!(
        deadline(admin.all::<SpuSpec>()).await.unwrap()[0].spec.id,
        5001
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_created_is_refused_with_a_reason() {
    let node = Node::start().await;
    let admin = node.admin().await;
    node.create_topic("taken", 1).await;
    let cases = [
        ("taken", 1, 1, "already exists"),
        ("Not_A_Name", 1, 1, "Invalid topic name"),
        ("too-safe", 1, 3, "replication factor"),
        ("too-wide", 100_000, 1, "partitions"),
    ];
    for (name, partitions, replicas, reason) in cases {
        let spec = TopicSpec::new_computed(partitions, replicas, None);
        let error = deadline(admin.create(name.to_owned(), false, spec))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
    let spec = TopicSpec::new_computed(1, 1, None);
    deadline(admin.create("only-checked".to_owned(), true, spec))
        .await
        .unwrap();
    assert_eq!(
        names(&deadline(admin.all::<TopicSpec>()).await.unwrap()),
        ["taken"]
    );
    let error = deadline(admin.delete::<TopicSpec>("absent"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not found"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_can_be_added_and_used_at_once() {
    let node = Node::start().await;
    let client = node.client().await;
    let admin = client.admin().await;
    node.create_topic("growing", 1).await;
    let mut watch = deadline(admin.watch::<TopicSpec>()).await.unwrap();
    assert!(
        next(&mut watch)
            .await
            .all
            .iter()
            .any(|topic| topic.name == "growing")
    );
    let action = UpdateTopicAction::AddPartition(AddPartition { count: 2 });
    deadline(admin.update::<TopicSpec>("growing".to_owned(), action))
        .await
        .unwrap();
    let grown = next(&mut watch).await;
    assert!(grown.all.is_empty(), "a later frame must be a difference");
    assert_eq!(grown.changes[0].content.status.replica_map.len(), 3);
    let mut config = TopicProducerConfigBuilder::default();
    config.set_specific_partitioner(2);
    let producer = deadline(client.topic_producer_with_config("growing", config.build().unwrap()))
        .await
        .unwrap();
    let sent = deadline(producer.send(fluvio::RecordKey::NULL, "here"))
        .await
        .unwrap();
    deadline(producer.flush()).await.unwrap();
    assert_eq!(deadline(sent.wait()).await.unwrap().partition_id(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_tell_of_every_change_and_partitions_of_their_growth() {
    let node = Node::start().await;
    let admin = node.admin().await;
    let mut topics = deadline(admin.watch::<TopicSpec>()).await.unwrap();
    let mut partitions = deadline(admin.watch::<PartitionSpec>()).await.unwrap();
    assert_eq!(names(&next(&mut topics).await.all), ["consumer-offset"]);
    assert_eq!(
        names(&next(&mut partitions).await.all),
        ["consumer-offset-0"]
    );
    node.create_topic("watched", 1).await;
    assert_eq!(next(&mut topics).await.changes[0].content.name, "watched");
    assert_eq!(
        next(&mut partitions).await.changes[0].content.name,
        "watched-0"
    );
    produce(
        &node.client().await,
        "watched",
        &values(10),
        Compression::None,
    )
    .await;
    let grown = next(&mut partitions).await.changes.remove(0).content.status;
    assert_eq!((grown.leader.leo, grown.leader.hw), (10, 10));
    assert!(grown.size > 0);
    delete(&admin, "watched").await;
    let gone = next(&mut topics).await.changes.remove(0);
    assert_eq!(
        (gone.header, gone.content.name.as_str()),
        (
            fluvio_controlplane_metadata::message::MsgType::DELETE,
            "watched"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_deleted_under_a_consumer_ends_its_stream_and_can_come_back_empty() {
    let node = Node::start().await;
    let client = node.client().await;
    node.create_topic("short-lived", 1).await;
    produce(&client, "short-lived", &values(5), Compression::None).await;
    let config = live("short-lived", Offset::beginning()).build().unwrap();
    let mut stream = deadline(client.consumer_with_config(config)).await.unwrap();
    assert_eq!(take(&mut stream, 5).await.len(), 5);
    delete(&node.admin().await, "short-lived").await;
    assert_eq!(
        next_error(&mut stream).await,
        fluvio::dataplane::link::ErrorCode::TopicDeleted
    );
    node.create_topic("short-lived", 1).await;
    produce(&client, "short-lived", &values(2), Compression::None).await;
    let records = consume_all(
        &client,
        bounded("short-lived", Offset::beginning()).build().unwrap(),
    )
    .await;
    assert_eq!(seen(&records).len(), 2);
}

async fn delete(admin: &FluvioAdmin, topic: &str) {
    deadline(admin.delete::<TopicSpec>(topic)).await.unwrap();
}

async fn next<S>(
    watch: &mut (impl futures_util::Stream<Item = Result<WatchResponse<S>, std::io::Error>> + Unpin),
) -> fluvio::metadata::objects::MetadataUpdate<S>
where
    S: fluvio::metadata::AdminSpec,
    S::Status: fluvio::dataplane::Encoder + fluvio::dataplane::Decoder,
{
    deadline(watch.next())
        .await
        .expect("the watch ended")
        .unwrap()
        .inner()
}

fn names<S>(objects: &[Metadata<S>]) -> Vec<&str>
where
    S: fluvio::metadata::AdminSpec,
    S::Status: fluvio::dataplane::Encoder + fluvio::dataplane::Decoder,
{
    objects.iter().map(|object| object.name.as_str()).collect()
}
