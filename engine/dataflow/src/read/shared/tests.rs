//! Tests of several readers of a scripted partition. Whenever readers join, lag, hang or leave, each of them
//! receives the partial of each batch once, in order, and byte for byte as it would by reading alone.

mod script;

use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use client::{Offset, Partition};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::error::RunError;
use crate::read::partition::{Arrival, Source};
use script::{Breaking, SIZE, Script, expected, fold};

/// Far longer than any of these tests takes. Reaching it means that a reader hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// The readers of one script. Dropping this stops them.
struct Readers {
    script: Script,
    shared: Arc<SharedPartition>,
    tasks: JoinSet<()>,
    only: watch::Sender<Option<Partition>>,
    /// The number of readers added so far. Each reads for a different derivation.
    added: usize,
}

impl Readers {
    fn of(script: Script) -> Self {
        Self {
            script,
            shared: Arc::default(),
            tasks: JoinSet::new(),
            only: watch::Sender::default(),
            added: 0,
        }
    }

    /// Adds a reader that begins at batch `first` and has a short queue of partials.
    fn add(&mut self, first: usize) -> Reader {
        self.add_all([first]).remove(0)
    }

    /// Adds several readers. All of them have subscribed before the first one runs.
    fn add_all(&mut self, first: impl IntoIterator<Item = usize>) -> Vec<Reader> {
        let starts: Vec<_> = first.into_iter().collect();
        let sources: Vec<_> = starts.iter().map(|first| self.source(*first)).collect();
        let started = sources
            .into_iter()
            .zip(starts)
            .map(|((derivation, source), next)| {
                let (sender, arrivals) = mpsc::channel(1);
                self.tasks.spawn(source.run(sender));
                Reader {
                    derivation,
                    arrivals,
                    next,
                }
            });
        started.collect()
    }

    /// Waits until `count` subscribers have joined the second shared stream.
    async fn joined(&self, count: usize) {
        let joined = async {
            let all_joined = || {
                let state = self.shared.lock();
                let reader = state.reader.as_ref();
                reader.is_some_and(|reader| reader.subscribers() == count)
            };
            while self.script.opened() != (0, 2) || !all_joined() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, joined).await.expect("in time");
    }

    fn source(&mut self, first: usize) -> (String, Source<Script>) {
        let derivation = format!("ticks-{}", self.added);
        self.added += 1;
        let next_offset = Offset(first as i64 * SIZE);
        let fold = fold(&derivation);
        let subscription = self.shared.subscribe(next_offset, fold.clone());
        let (upstream, only) = (self.script.clone(), self.only.subscribe());
        let source = Source::over(upstream, fold, subscription, next_offset, only);
        (derivation, source)
    }
}

struct Reader {
    derivation: String,
    arrivals: mpsc::Receiver<Arrival>,
    next: usize,
}

impl Reader {
    /// Receives partials up to batch `end` and checks each of them.
    async fn take_to(&mut self, end: usize) {
        while self.next < end {
            let partial = self.arrival().await.expect("a partial");
            let expected = expected(self.next, 0, &self.derivation);
            assert_eq!(partial, expected, "batch {}", self.next);
            self.next += 1;
        }
    }

    async fn arrival(&mut self) -> Result<Bytes, RunError> {
        let arrival = timeout(DEADLINE, self.arrivals.recv()).await;
        let arrival = arrival.expect("in time").expect("a reader at work");
        assert_eq!(arrival.partition, Partition(0));
        arrival.partial
    }
}

async fn take_all<'r>(readers: impl IntoIterator<Item = &'r mut Reader>, end: usize) {
    futures_util::future::join_all(readers.into_iter().map(|reader| reader.take_to(end))).await;
}

#[tokio::test]
async fn a_single_reader_reads_alone() {
    let mut readers = Readers::of(Script::of(40));
    readers.add(0).take_to(40).await;
    assert_eq!(readers.script.opened(), (1, 0));
}

#[tokio::test]
async fn several_at_one_place_read_once() {
    let mut readers = Readers::of(Script::of(100));
    let mut three = readers.add_all([7, 7, 7]);
    take_all(&mut three, 100).await;
    assert_eq!(readers.script.opened(), (0, 1));
}

#[tokio::test]
async fn who_is_ahead_passes_over_what_it_has() {
    let mut readers = Readers::of(Script::of(100));
    let mut three = readers.add_all([30, 0, 60]);
    take_all(&mut three, 100).await;
    assert_eq!(readers.script.opened(), (0, 1));
}

#[tokio::test]
async fn who_is_behind_reads_alone_until_it_is_near() {
    let mut readers = Readers::of(Script::of(60));
    let mut two = readers.add_all([0, 0]);
    take_all(&mut two, 60).await;
    let mut late = readers.add(0);
    late.take_to(60).await;
    let opened = readers.script.opened();
    assert_eq!(
        opened,
        (1, 2),
        "the shared stream is opened again to fold for all three"
    );
    let alone = readers.script.0.read_alone.load(SeqCst);
    assert!((30..60).contains(&alone), "it joined after {alone} batches");
    readers.script.0.batches.send_replace(90);
    take_all(two.iter_mut().chain([&mut late]), 90).await;
    assert_eq!(readers.script.opened(), (1, 2));
}

#[tokio::test]
async fn who_is_far_ahead_does_not_wait() {
    let far = 2 * (NEAR / SIZE) as usize;
    let mut readers = Readers::of(Script::of(far + 20));
    let [mut slow, mut ahead] = <[Reader; 2]>::try_from(readers.add_all([0, far]))
        .ok()
        .expect("two readers");
    ahead.take_to(far + 20).await;
    assert_eq!(slow.next, 0, "it has taken nothing");
    slow.take_to(200).await;
    assert_eq!(readers.script.opened(), (1, 1));
}

#[tokio::test]
async fn a_reader_that_hangs_delays_the_others_briefly_and_misses_nothing() {
    let mut readers = Readers::of(Script::of(300));
    let mut three = readers.add_all([0, 0, 0]);
    let (hangs, others) = three.split_first_mut().expect("three readers");
    hangs.take_to(5).await;
    take_all(others, 300).await;
    assert_eq!(hangs.next, 5);
    hangs.take_to(300).await;
    assert_eq!(readers.script.opened(), (1, 1), "it continued alone");
    readers.script.0.batches.send_replace(310);
    take_all(&mut three, 310).await;
}

#[tokio::test]
async fn who_must_not_be_read_now_is_held_back_here_too() {
    let mut readers = Readers::of(Script::of(200));
    let mut two = readers.add_all([0, 0]);
    take_all(&mut two, 10).await;
    readers.only.send_replace(Some(Partition(1)));
    let [first, second] = &mut two[..] else {
        unreachable!("two readers");
    };
    // Partials that are already in the queue, or that were about to be sent, still arrive; the others have to wait.
    let mut passed = 10;
    while let Ok(arrival) = timeout(Duration::from_millis(300), first.arrivals.recv()).await {
        let arrival = arrival.expect("a reader at work");
        assert_eq!(
            arrival.partial.expect("a partial"),
            expected(passed, 0, &first.derivation)
        );
        passed += 1;
    }
    assert!(passed < 20, "{passed} batches passed the gate");
    first.next = passed;
    readers.only.send_replace(None);
    take_all([first, second], 200).await;
}

#[tokio::test]
async fn when_the_stream_breaks_each_goes_on_alone() {
    for how in [
        Breaking::Error,
        Breaking::End,
        Breaking::Panic,
        Breaking::Shift,
    ] {
        let mut readers = Readers::of(Script::breaking(80, 50, how));
        let mut two = readers.add_all([0, 20]);
        take_all(&mut two, 80).await;
        assert_eq!(readers.script.opened(), (2, 1));
    }
}

#[tokio::test]
async fn a_fold_that_fails_leaves_the_others_together() {
    let mut readers = Readers::of(Script::breaking(80, 50, Breaking::OneFold));
    let mut three = readers.add_all([0, 0, 0]);
    let (fails, others) = three.split_first_mut().expect("three readers");
    futures_util::future::join(fails.take_to(50), take_all(&mut *others, 80)).await;
    let two_are_left = async {
        while readers.shared.lock().subscriptions.len() != 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, two_are_left).await.expect("in time");
    readers.shared.lock().paused_until = None;
    readers.script.0.batches.send_replace(120);
    take_all(others, 120).await;
    assert_eq!(readers.script.opened().1, 2, "they read together again");
}

#[tokio::test]
async fn a_stream_that_loses_its_server_is_opened_again_for_all() {
    let mut readers = Readers::of(Script::breaking(51, 50, Breaking::ConnectionLost));
    let mut three = readers.add_all([0, 20, 20]);
    take_all(&mut three, 50).await;
    // Until all three have joined the new stream, the only unread batch that is available is batch 50, at which the
    // first stream broke.
    readers.joined(3).await;
    readers.script.0.batches.send_replace(80);
    take_all(&mut three, 80).await;
    assert_eq!(readers.script.opened(), (0, 2));
}

#[tokio::test]
async fn a_stream_whose_server_does_not_answer_is_opened_again_for_all() {
    let mut readers = Readers::of(Script::breaking(0, 0, Breaking::Unreachable));
    let mut three = readers.add_all([0, 0, 0]);
    readers.joined(3).await;
    readers.script.0.batches.send_replace(30);
    take_all(&mut three, 30).await;
    assert_eq!(readers.script.opened(), (0, 2));
}

#[tokio::test]
async fn a_stream_that_fails_at_its_first_batch_is_no_obstacle() {
    for how in [Breaking::Error, Breaking::ConnectionLost] {
        let mut readers = Readers::of(Script::breaking(40, 0, how));
        let mut two = readers.add_all([0, 0]);
        take_all(&mut two, 40).await;
        assert_eq!(readers.script.opened(), (2, 1));
    }
}

#[tokio::test]
async fn a_stream_is_opened_once_the_last_derivation_that_starts_has_subscribed() {
    let mut readers = Readers::of(Script::of(50));
    let mut slow = Starting::new(readers.shared.starting.clone());
    let mut standby = Starting::new(readers.shared.starting.clone());
    let mut first = readers.add_all([0, 0]);
    let early = timeout(Duration::from_millis(50), first[0].arrivals.recv()).await;
    assert!(early.is_err(), "it did not wait for the others");
    standby.suspend();
    let mut last = readers.add(0);
    slow.suspend();
    take_all(first.iter_mut().chain([&mut last]), 50).await;
    assert_eq!(readers.script.opened(), (0, 1));
}

#[tokio::test]
async fn who_is_left_reads_alone() {
    let mut readers = Readers::of(Script::of(50));
    let mut two = readers.add_all([0, 0]);
    take_all(&mut two, 50).await;
    let mut left = two.pop().expect("two readers");
    drop(two); // without a receiver for its partials, the other reader ends
    readers.script.0.batches.send_replace(100);
    left.take_to(100).await;
    assert!(
        readers.shared.lock().reader.is_none(),
        "there is no reader for one"
    );
    assert_eq!(readers.script.opened(), (1, 1));
    let mut again = readers.add(100);
    readers.script.0.batches.send_replace(150);
    take_all([&mut left, &mut again], 150).await;
    assert!(
        readers.shared.lock().reader.is_some(),
        "two are there again"
    );
}
