//! Simulates a shop whose customers make different numbers of purchases. Rules change while they buy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Cluster, Producer, TopicSettings};
use model::Timestamp;
use serde_json::json;

use super::{PARTITIONS, SOURCE};

/// The number of users who buy at the same time. Some of them are between two purchases when the rules change.
const AT_A_TIME: usize = 4;
/// The number of purchases of each of these users. The first user never exceeds the limit of `velocity`, and the last
/// user always does.
const PURCHASES: [usize; AT_A_TIME] = [1, 2, 3, 5];

/// Lets groups of four users buy, one group after another, until `stop` is set.
pub(crate) async fn shop(producer: Producer, stop: Arc<AtomicBool>) {
    for four in 0_usize.. {
        for round in 0..PURCHASES[AT_A_TIME - 1] {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            for (place, purchases) in PURCHASES.into_iter().enumerate() {
                if round < purchases {
                    buy(&producer, &format!("user-{four}-{place}"), round).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(15)).await; // the pace of purchases
        }
    }
}

/// Produces one purchase of 600 yen and waits for the acknowledgement. The amount is too small for any rule
/// about amounts.
pub(crate) async fn buy(producer: &Producer, user: &str, round: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let time = Timestamp::from_millis(now.as_millis() as i64);
    let purchase = json!({
        "event_name": "transaction",
        "parameters": {
            "transaction_id": format!("{user}-{round}"), "transaction_type": "purchase",
            "currency": "JPY", "amount": 600, "item_id": "sword", "item_type": "weapon",
        },
        "event_timestamp": time.to_string(),
        "user_data": {"user_id": user, "platform": "PC"},
    });
    let sent = producer.send(user.to_owned(), purchase.to_string()).await;
    sent.unwrap().wait().await.unwrap();
}

/// Creates the source topic and returns a producer for it.
pub(crate) async fn ensure_source(cluster: &Cluster) -> Producer {
    let topic = TopicSettings {
        name: SOURCE.to_owned(),
        partitions: PARTITIONS,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&topic).await.unwrap();
    cluster.producer(SOURCE).await.unwrap()
}
