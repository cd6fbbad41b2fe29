//! Sends the mixture, and records the partition and offset of each record.

use std::collections::BTreeMap;
use std::ops::Range;

use client::{Cluster, Producer};

use super::purchases::{BROKEN, Label, Maker, Purchase};
use super::{LAST_S, LATE_S, PARTITIONS, TOPIC};

/// The times of the first part's last events. They advance the watermark to their time minus 2 s, the lateness.
const FIRST_PART: Range<i64> = -197..-196;

/// The times of early events, which are far ahead of the watermark. Some of them are also ahead of their ingest time,
/// but by less than the allowed skew.
const EARLY: Range<i64> = 30..240;

/// The times of the last events. These events are ahead of their ingest times, but within the allowed skew, so they
/// advance the watermark to their ingest time minus the lateness.
const LAST_PART: Range<i64> = LAST_S..LAST_S + 1;

/// The stream that has been sent so far. Times are in seconds relative to the base time.
pub(super) struct Stream {
    producer: Producer,
    maker: Maker,
    late_ms: i64,
    /// The users whose records go to partition 0, which is the slowest in event time.
    slowest: Vec<String>,
    others: Vec<String>,
    /// One user for each partition.
    markers: BTreeMap<u64, String>,
    sent: Vec<Purchase>,
    /// The label and the text of each record, by partition and offset.
    pub(super) labels: BTreeMap<(u64, i64), (Label, Vec<u8>)>,
}

impl Stream {
    /// Sends one event of each user, to find out the user's partition.
    pub(super) async fn open(cluster: &Cluster, base_ms: i64) -> Self {
        let mut stream = Self {
            producer: cluster.producer(TOPIC).await.unwrap(),
            maker: Maker::new(16, base_ms),
            late_ms: base_ms - LATE_S * 1000,
            slowest: Vec::new(),
            others: Vec::new(),
            markers: BTreeMap::new(),
            sent: Vec::new(),
            labels: BTreeMap::new(),
        };
        for user in (0..24).map(|user| format!("user {user}")) {
            let first = stream.maker.event(std::slice::from_ref(&user), -250..-240);
            let partition = stream.send(vec![first]).await;
            let users = if partition == 0 {
                &mut stream.slowest
            } else {
                &mut stream.others
            };
            users.push(user.clone());
            stream.markers.insert(partition, user);
        }
        assert_eq!(stream.markers.len() as u32, PARTITIONS);
        stream
    }

    /// Sends events on time, early events, repeated events and broken records; none is late yet. Then advances every
    /// partition.
    pub(super) async fn first_part(&mut self) {
        let late_ms = std::mem::replace(&mut self.late_ms, i64::MIN);
        let all = self.all();
        let mut part = self.events(300, &all, -255..-200);
        part.extend(self.events(40, &self.others.clone(), EARLY));
        let again: Vec<_> = (0..40).map(|_| self.maker.again(&part)).collect();
        part.extend(again);
        self.send_shuffled(part).await;
        self.mark(FIRST_PART).await;
        self.late_ms = late_ms;
    }

    /// Sends the same kinds of events as the first part, and also late events and events that correct a window. The
    /// slowest partition hardly advances, so which windows can be corrected does not depend on the order in which
    /// partitions are read.
    pub(super) async fn second_part(&mut self) {
        let (all, slowest, others) = (self.all(), self.slowest.clone(), self.others.clone());
        let mut part = self.events(30, &all, -300..-LATE_S);
        part.extend(self.events(30, &all, -250..-210));
        part.extend(self.events(30, &slowest, -200..-192));
        part.extend(self.events(70, &others, -200..-100));
        part.extend(self.events(10, &others, EARLY));
        let again: Vec<_> = (0..30).map(|_| self.maker.again(&self.sent)).collect();
        part.extend(again);
        self.send_shuffled(part).await;
    }

    /// Advances every partition as far as possible.
    pub(super) async fn last_part(&mut self) {
        self.mark(LAST_PART).await;
    }

    fn all(&self) -> Vec<String> {
        [&self.slowest[..], &self.others].concat()
    }

    fn events(&mut self, count: usize, users: &[String], seconds: Range<i64>) -> Vec<Purchase> {
        (0..count)
            .map(|_| self.maker.event(users, seconds.clone()))
            .collect()
    }

    async fn mark(&mut self, seconds: Range<i64>) {
        for user in self.markers.clone().into_values() {
            let marker = self.maker.event(&[user], seconds.clone());
            self.send(vec![marker]).await;
        }
    }

    /// Sends the records in random order, mixed with broken ones.
    async fn send_shuffled(&mut self, mut part: Vec<Purchase>) {
        let all = self.all();
        for reason in BROKEN {
            let count = if reason == "too_large" { 2 } else { 8 };
            part.extend((0..count).map(|_| self.maker.broken(&all, reason)));
        }
        self.maker.shuffle(&mut part);
        self.send(part).await;
    }

    /// Sends the records in this order, waits until all are acknowledged, and returns the partition of the
    /// last one.
    async fn send(&mut self, part: Vec<Purchase>) -> u64 {
        let mut deliveries = Vec::new();
        for purchase in &part {
            let (user, value) = (purchase.user.clone(), purchase.value.clone());
            deliveries.push(self.producer.send(user, value).await.unwrap());
        }
        self.producer.flush().await.unwrap();
        let mut last = 0;
        for (purchase, delivery) in part.into_iter().zip(deliveries) {
            let written = delivery.wait().await.unwrap();
            let offset = written.offset.0;
            last = u64::from(written.partition.0);
            let before = self.labels.range((last, 0)..(last + 1, 0)).count();
            assert_eq!(offset, before as i64, "the order of sending");
            let label = self.maker.label(&purchase, self.late_ms);
            self.labels
                .insert((last, offset), (label, purchase.value.clone()));
            self.sent.push(purchase);
        }
        last
    }
}
