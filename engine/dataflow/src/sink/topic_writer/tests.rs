//! Tests against a local cluster.

use std::cell::Cell;
use std::future::ready;

use cluster_testing::Node;

use super::*;

const TOPIC: &str = "derived";

/// A record so large that few of them fit into one request.
fn large(number: usize) -> (String, Vec<u8>) {
    (number.to_string(), vec![b'x'; 500_000])
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_after_the_lease_is_lost_between_two_requests() {
    let node = Node::start([(TOPIC, 1)]).await;
    let cluster = node.cluster().await;
    let mut writer = TopicWriter::open(&cluster, TOPIC).await.expect("opens");
    let passed = Cell::new(0);
    let pass = || {
        passed.set(passed.get() + 1);
        ready(match passed.get() {
            1 | 2 => Ok(()),
            _ => Err(RunError::LeaseLost(TOPIC.to_owned())),
        })
    };
    let records: Vec<_> = (0..40).map(large).collect();
    let per_request =
        BatchProducer::take_request(&mut records.clone().into_iter().peekable()).len();
    let result = writer.write_requests(records, pass).await;
    assert!(matches!(result, Err(RunError::LeaseLost(_))), "{result:?}");
    assert!(2 * per_request < 40, "{per_request} records in a request");
    let end = cluster
        .end_offset(TOPIC, Partition(0))
        .await
        .expect("an offset");
    assert_eq!(end, Offset(2 * per_request as i64), "two requests");
    assert_eq!(writer.ends(), [end]);
}
