//! A source partition without a cluster, whose shared streams can fail.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use client::{ClientError, Offset, Partition};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use model::fold::FoldRequest;
use tokio::sync::watch;

use crate::durable::source_log::ReadTo;
use crate::error::RunError;
use crate::read::upstream::Upstream;
use crate::testing::partial;

/// The number of records in a batch.
pub(super) const SIZE: i64 = 3;

/// A scripted partition whose batches have three records each.
#[derive(Clone)]
pub(super) struct Script(pub(super) Arc<Scripted>);

pub(super) struct Scripted {
    /// The number of batches available so far.
    pub(super) batches: watch::Sender<usize>,
    /// The number of the batch at which streams fail in the way that `how` describes.
    breaks_at: usize,
    how: Breaking,
    opened_alone: AtomicUsize,
    opened_together: AtomicUsize,
    pub(super) read_alone: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Breaking {
    Error,
    End,
    Panic,
    /// Batch boundaries are shifted by one record.
    Shift,
    /// The first shared stream loses its connection; later ones do not.
    ConnectionLost,
    /// The fold of the first derivation fails in every stream.
    OneFold,
    /// The first shared stream cannot be opened because the server does not answer; later ones can.
    Unreachable,
}

impl Script {
    pub(super) fn of(batches: usize) -> Self {
        Self::breaking(batches, usize::MAX, Breaking::Error)
    }

    pub(super) fn breaking(batches: usize, breaks_at: usize, how: Breaking) -> Self {
        Self(Arc::new(Scripted {
            batches: watch::Sender::new(batches),
            breaks_at,
            how,
            opened_alone: AtomicUsize::new(0),
            opened_together: AtomicUsize::new(0),
            read_alone: AtomicUsize::new(0),
        }))
    }

    pub(super) fn opened(&self) -> (usize, usize) {
        let (alone, together) = (&self.0.opened_alone, &self.0.opened_together);
        (alone.load(SeqCst), together.load(SeqCst))
    }

    /// Returns a stream of batch numbers, beginning with the batch that contains `offset`. A number is sent once
    /// its batch is available.
    fn numbers(&self, offset: Offset) -> BoxStream<'static, usize> {
        let state = ((offset.0 / SIZE) as usize, self.0.batches.subscribe());
        let next = |(number, mut there): (usize, watch::Receiver<usize>)| async move {
            there.wait_for(|batches| number < *batches).await.ok()?;
            Some((number, (number + 1, there)))
        };
        stream::unfold(state, next).boxed()
    }
}

impl Upstream for Script {
    async fn folded(
        &self,
        offset: Offset,
        folds: &[FoldRequest],
    ) -> Result<BoxStream<'static, Result<Bytes, ClientError>>, ClientError> {
        let folds = folds.to_vec();
        let (breaks_at, how) = (self.0.breaks_at, self.0.how);
        let first_fold = fold("ticks-0");
        let traps = how == Breaking::OneFold && folds.contains(&first_fold);
        let traps = move |number: usize| traps && number >= breaks_at;
        if let [_] = folds.as_slice() {
            self.0.opened_alone.fetch_add(1, SeqCst);
            let script = self.0.clone();
            let outputs = self.numbers(offset).map(move |number| {
                script.read_alone.fetch_add(1, SeqCst);
                match traps(number) {
                    true => Err(trapped()),
                    false => Ok(output(number, 0, &folds)),
                }
            });
            return Ok(outputs.boxed());
        }
        assert_eq!(offset.0 % SIZE, 0, "no batch begins there");
        let is_first = self.0.opened_together.fetch_add(1, SeqCst) == 0;
        if is_first && how == Breaking::Unreachable {
            return Err(unavailable());
        }
        let numbers = self.numbers(offset).take_while(move |number| {
            std::future::ready(*number < breaks_at || how != Breaking::End)
        });
        let outputs = numbers.map(move |number| match how {
            Breaking::Error if number >= breaks_at => Err(broken()),
            Breaking::ConnectionLost if is_first && number >= breaks_at => Err(unavailable()),
            Breaking::Panic if number >= breaks_at => panic!("a defect, for once on purpose"),
            Breaking::Shift if number >= breaks_at => Ok(output(number, 1, &folds)),
            _ if traps(number) => Err(trapped()),
            _ => Ok(output(number, 0, &folds)),
        });
        Ok(outputs.boxed())
    }

    async fn check(&self, _: &str, _: ReadTo) -> Result<(), RunError> {
        Ok(())
    }
}

/// Returns the output of the SmartModule for a batch. Each derivation has a partial of its own.
fn output(number: usize, shift: i64, folds: &[FoldRequest]) -> Bytes {
    let partials = folds.iter().map(|fold| {
        let partial = expected(number, shift, &fold.derivation);
        [&(partial.len() as u32).to_le_bytes()[..], &partial].concat()
    });
    partials.collect::<Vec<_>>().concat().into()
}

fn broken() -> ClientError {
    ClientError::Evicted {
        topic: "ticks".to_owned(),
        partition: Partition(0),
        offset: Offset::ZERO,
        next_available: Offset::ZERO,
    }
}

fn trapped() -> ClientError {
    ClientError::ModuleFailed {
        what: "reading `ticks-0`".to_owned(),
        reason: "SmartModule err wasm trap".to_owned(),
    }
}

fn unavailable() -> ClientError {
    ClientError::Retry {
        what: "reading `ticks-0`".to_owned(),
        reason: "the connection was closed".to_owned(),
    }
}

pub(super) fn expected(number: usize, shift: i64, derivation: &str) -> Bytes {
    let values = [0, 1, 2].map(|record| format!("{} {derivation}-{record}", number * 700));
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    partial(number as i64 * SIZE + shift, &values).into()
}

pub(super) fn fold(derivation: &str) -> FoldRequest {
    FoldRequest {
        derivation: derivation.to_owned(),
        params: BTreeMap::new(),
    }
}
