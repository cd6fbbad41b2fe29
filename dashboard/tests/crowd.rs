//! Two hundred browsers at once: each hears of a change within a second, and the topics are read once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::harness::{Node, Page, active, has_players, window};

const BROWSERS: usize = 200;
const ROUNDS: u64 = 3;
/// What a browser may wait; the test's own two hundred readers share the machine with it.
const DELIVERY_MAX: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_browsers_hear_of_each_change() {
    let node = Node::start().await;
    let start = window(5);
    node.write("active-players", &[active("g", start, 1)]).await;
    let page = Page::start(&node).await;
    let mut streams = join_all((0..BROWSERS).map(|_| page.live("overview", None))).await;
    join_all(
        streams
            .iter_mut()
            .map(|stream| stream.wait_for("view", |answer| has_players(answer, "g", 1))),
    )
    .await;
    let mut waits = Vec::new();
    for round in 2..2 + ROUNDS {
        let row = active("g", start + 10_000 * i64::try_from(round).unwrap(), round);
        node.write("active-players", &[row]).await;
        let written = Instant::now();
        join_all(
            streams
                .iter_mut()
                .map(|stream| stream.wait_for("view", |answer| has_players(answer, "g", round))),
        )
        .await;
        waits.push(written.elapsed());
    }
    waits.sort_unstable();
    let median = waits[waits.len() / 2];
    assert!(median < DELIVERY_MAX, "all of them heard after {waits:?}");
}
