//! Readers of a scripted partition: whoever joins, is late, hangs or leaves, each reader is given the
//! partial of each batch once, in order, byte for byte what it would be given alone.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use client::{ClientError, Record};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use model::Fold;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::error::RunError;
use crate::source::{Arrival, Sharing, Source};
use crate::testing::{CountTicks, partial};

/// Far above what any of these takes: reaching it means that a reader hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// Records in a batch.
const SIZE: i64 = 3;

/// A partition of batches of three records, of which so many are there.
#[derive(Clone)]
struct Script(Arc<Scripted>);

struct Scripted {
    batches: watch::Sender<usize>,
    /// The streams of plain batches break at this batch.
    breaks_at: usize,
    how: Breaking,
    opened_alone: AtomicUsize,
    opened_together: AtomicUsize,
    read_alone: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum Breaking {
    Error,
    End,
    Panic,
    /// Batches begin one record later.
    Shift,
}

impl Script {
    fn of(batches: usize) -> Self {
        Self::breaking(batches, usize::MAX, Breaking::Error)
    }

    fn breaking(batches: usize, breaks_at: usize, how: Breaking) -> Self {
        Self(Arc::new(Scripted {
            batches: watch::Sender::new(batches),
            breaks_at,
            how,
            opened_alone: AtomicUsize::new(0),
            opened_together: AtomicUsize::new(0),
            read_alone: AtomicUsize::new(0),
        }))
    }

    fn opened(&self) -> (usize, usize) {
        let (alone, together) = (&self.0.opened_alone, &self.0.opened_together);
        (alone.load(SeqCst), together.load(SeqCst))
    }

    /// The numbers of the batches from the one around `offset` on, each once it is there.
    fn numbers(&self, offset: i64) -> BoxStream<'static, usize> {
        let state = ((offset / SIZE) as usize, self.0.batches.subscribe());
        let next = |(number, mut there): (usize, watch::Receiver<usize>)| async move {
            there.wait_for(|batches| number < *batches).await.ok()?;
            Some((number, (number + 1, there)))
        };
        stream::unfold(state, next).boxed()
    }
}

impl Upstream for Script {
    async fn partials(
        &self,
        offset: i64,
    ) -> Result<BoxStream<'static, Result<Bytes, ClientError>>, ClientError> {
        self.0.opened_alone.fetch_add(1, SeqCst);
        let script = self.0.clone();
        let partials = self.numbers(offset).map(move |number| {
            script.read_alone.fetch_add(1, SeqCst);
            Ok(expected(number))
        });
        Ok(partials.boxed())
    }

    async fn batches(
        &self,
        offset: i64,
    ) -> Result<BoxStream<'static, Result<StoredBatch, ClientError>>, ClientError> {
        assert_eq!(offset % SIZE, 0, "no batch begins there");
        self.0.opened_together.fetch_add(1, SeqCst);
        let (breaks_at, how) = (self.0.breaks_at, self.0.how);
        let batches = self.numbers(offset);
        let batches = batches.take_while(move |number| {
            std::future::ready(*number < breaks_at || how != Breaking::End)
        });
        let batches = batches.map(move |number| match how {
            Breaking::Error if number >= breaks_at => Err(broken()),
            Breaking::Panic if number >= breaks_at => panic!("a defect, for once on purpose"),
            Breaking::Shift if number >= breaks_at => Ok(records(number, 1)),
            _ => Ok(records(number, 0)),
        });
        Ok(batches.boxed())
    }
}

fn broken() -> ClientError {
    ClientError::Evicted {
        topic: "ticks".to_owned(),
        partition: 0,
        offset: 0,
        next_available: 0,
    }
}

fn values(number: usize) -> [String; SIZE as usize] {
    [0, 1, 2].map(|record| format!("{} key-{record}", number * 700))
}

fn records(number: usize, shift: i64) -> StoredBatch {
    let first = number as i64 * SIZE + shift;
    let record = |(offset, value): (i64, String)| Record {
        offset,
        timestamp_ms: None,
        key: None,
        value: value.into(),
    };
    (first..).zip(values(number)).map(record).collect()
}

fn expected(number: usize) -> Bytes {
    let values = values(number);
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    partial(number as i64 * SIZE, &values).into()
}

/// Readers of one script, that end with it.
struct Readers {
    script: Script,
    hub: Arc<Hub>,
    tasks: JoinSet<()>,
    only: watch::Sender<Option<usize>>,
}

impl Readers {
    fn of(script: Script) -> Self {
        Self {
            script,
            hub: Arc::default(),
            tasks: JoinSet::new(),
            only: watch::Sender::default(),
        }
    }

    /// One that begins at a batch, and whose partials wait in a short queue.
    fn add(&mut self, first: usize) -> Reader {
        self.add_all([first]).remove(0)
    }

    /// Several that all are there before the first of them runs.
    fn add_all(&mut self, first: impl IntoIterator<Item = usize>) -> Vec<Reader> {
        let starts: Vec<_> = first.into_iter().collect();
        let sources: Vec<_> = starts.iter().map(|first| self.source(*first)).collect();
        let started = sources.into_iter().zip(starts).map(|(source, next)| {
            let (sender, arrivals) = mpsc::channel(1);
            self.tasks.spawn(source.run(sender));
            Reader { arrivals, next }
        });
        started.collect()
    }

    fn source(&self, first: usize) -> Source<Script> {
        let next_offset = first as i64 * SIZE;
        let params = [("window_ms", "10000")].into_iter().collect();
        let sharing = Sharing {
            seat: self.hub.seat(next_offset),
            fold: Box::new(Fold::<CountTicks>::from_params(&params).expect("good parameters")),
        };
        let only = self.only.subscribe();
        Source::over(self.script.clone(), next_offset, only, Some(sharing))
    }
}

struct Reader {
    arrivals: mpsc::Receiver<Arrival>,
    next: usize,
}

impl Reader {
    /// Takes partials up to batch `end`, each of which must be what it should.
    async fn take_to(&mut self, end: usize) {
        while self.next < end {
            let partial = self.arrival().await.expect("a partial");
            assert_eq!(partial, expected(self.next), "batch {}", self.next);
            self.next += 1;
        }
    }

    async fn arrival(&mut self) -> Result<Bytes, RunError> {
        let arrival = timeout(DEADLINE, self.arrivals.recv()).await;
        let (partition, partial) = arrival.expect("in time").expect("a reader at work");
        assert_eq!(partition, 0);
        partial
    }
}

async fn take_all<'r>(readers: impl IntoIterator<Item = &'r mut Reader>, end: usize) {
    futures_util::future::join_all(readers.into_iter().map(|reader| reader.take_to(end))).await;
}

#[tokio::test]
async fn one_reader_has_nobody_to_read_with() {
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
    assert_eq!(readers.script.opened(), (1, 1), "one stream each");
    let alone = readers.script.0.read_alone.load(SeqCst);
    assert!((30..60).contains(&alone), "it joined after {alone} batches");
    readers.script.0.batches.send_replace(90);
    take_all(two.iter_mut().chain([&mut late]), 90).await;
    assert_eq!(readers.script.opened(), (1, 1));
}

#[tokio::test]
async fn who_is_far_ahead_does_not_wait() {
    let far = 2 * (NEAR / SIZE) as usize;
    let mut readers = Readers::of(Script::of(far + 20));
    let [mut behind, mut ahead] = <[Reader; 2]>::try_from(readers.add_all([0, far]))
        .ok()
        .expect("two readers");
    ahead.take_to(far + 20).await;
    assert_eq!(behind.next, 0, "nobody has taken what it read");
    behind.take_to(200).await;
    assert_eq!(readers.script.opened(), (1, 1));
}

#[tokio::test]
async fn who_hangs_holds_up_nobody_for_long_and_misses_nothing() {
    let mut readers = Readers::of(Script::of(300));
    let mut three = readers.add_all([0, 0, 0]);
    let (hangs, others) = three.split_first_mut().expect("three readers");
    hangs.take_to(5).await;
    take_all(others, 300).await;
    assert_eq!(hangs.next, 5);
    hangs.take_to(300).await;
    assert_eq!(readers.script.opened(), (1, 1), "it went on alone");
    readers.script.0.batches.send_replace(310);
    take_all(&mut three, 310).await;
}

#[tokio::test]
async fn who_must_not_be_read_now_is_held_back_here_too() {
    let mut readers = Readers::of(Script::of(200));
    let mut two = readers.add_all([0, 0]);
    take_all(&mut two, 10).await;
    readers.only.send_replace(Some(1));
    let [first, second] = &mut two[..] else {
        unreachable!("two readers");
    };
    // What stood in the queue and before the gate still comes; the rest has to wait.
    let mut passed = 10;
    while let Ok(arrival) = timeout(Duration::from_millis(300), first.arrivals.recv()).await {
        let (_, partial) = arrival.expect("a reader at work");
        assert_eq!(partial.expect("a partial"), expected(passed));
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
async fn a_stream_that_cannot_be_opened_is_no_obstacle() {
    let mut readers = Readers::of(Script::breaking(40, 0, Breaking::Error));
    let mut two = readers.add_all([0, 0]);
    take_all(&mut two, 40).await;
    assert_eq!(readers.script.opened(), (2, 1));
}

#[tokio::test]
async fn who_is_left_reads_alone() {
    let mut readers = Readers::of(Script::of(50));
    let mut two = readers.add_all([0, 0]);
    take_all(&mut two, 50).await;
    let mut left = two.pop().expect("two readers");
    drop(two); // nobody takes its partials: it leaves
    readers.script.0.batches.send_replace(100);
    left.take_to(100).await;
    assert!(
        readers.hub.lock().flow.is_none(),
        "there is no flow for one"
    );
    assert_eq!(readers.script.opened(), (1, 1));
    let mut again = readers.add(100);
    readers.script.0.batches.send_replace(150);
    take_all([&mut left, &mut again], 150).await;
    assert!(readers.hub.lock().flow.is_some(), "two are there again");
}
