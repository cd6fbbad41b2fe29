//! A shop whose customers buy now and then: the traffic under which rules change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Cluster, Producer, TopicSettings};
use model::Timestamp;
use serde_json::json;

use super::{PARTITIONS, SOURCE};

/// Users who buy at the same time, so that a change finds some of them between two purchases.
const AT_A_TIME: usize = 4;
/// How often each of these buys, in turn: one never too often, one always.
const PURCHASES: [usize; AT_A_TIME] = [1, 2, 3, 5];

/// Users who come in fours, buy as often as they do, and go, until told to stop.
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
            tokio::time::sleep(Duration::from_millis(15)).await; // the pace of the shop
        }
    }
}

/// One purchase, acknowledged.
pub(crate) async fn buy(producer: &Producer, user: &str, round: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let time = Timestamp::from_millis(now.as_millis() as i64);
    let purchase = json!({
        "event_name": "transaction",
        "parameters": {
            "transaction_id": format!("{user}-{round}"), "transaction_type": "purchase",
            "currency": "USD", "amount": 4.99, "item_id": "sword", "item_type": "weapon",
        },
        "event_timestamp": time.to_string(),
        "user_data": {"user_id": user, "platform": "PC"},
    });
    let sent = producer.send(user.to_owned(), purchase.to_string()).await;
    sent.unwrap().wait().await.unwrap();
}

/// The source topic, and a producer for it.
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
