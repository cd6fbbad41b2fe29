//! Creating, listing, growing and deleting topics.

use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::topic::TopicSpec;

use crate::harness::{Node, deadline};

#[tokio::test(flavor = "multi_thread")]
async fn a_created_topic_is_listed_and_a_deleted_one_is_not() {
    let node = Node::start().await;
    let admin = node.admin().await;
    node.create_topic("player-events", 3).await;
    node.create_topic("other", 1).await;
    let names = |topics: Vec<fluvio::metadata::objects::Metadata<TopicSpec>>| {
        topics
            .into_iter()
            .map(|topic| topic.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(deadline(admin.all::<TopicSpec>()).await.unwrap()),
        ["other", "player-events"]
    );
    let filtered = deadline(admin.list::<TopicSpec, _>(vec!["player".to_owned()]))
        .await
        .unwrap();
    assert_eq!(filtered[0].status.replica_map.len(), 3);
    assert_eq!(names(filtered), ["player-events"]);
    let partitions = deadline(admin.all::<PartitionSpec>()).await.unwrap();
    let names: Vec<_> = partitions
        .iter()
        .map(|partition| partition.name.as_str())
        .collect();
    assert_eq!(
        names,
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
    let left = deadline(admin.all::<TopicSpec>()).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(!node.dir.path().join("topics/other").exists());
}
