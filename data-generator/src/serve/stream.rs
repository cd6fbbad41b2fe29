//! The body of `/stream_events`. Each piece is sent as soon as an event is due, and contains all due events up
//! to about `PIECE_BYTES`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::sleep;

use super::envelope::envelope;
use super::{ServeOptions, Served};
use crate::event::Event;
use crate::pace::Clock;
use crate::world::{World, WorldOptions};

/// The bytes after each event: a line break and a blank line.
const BETWEEN: &[u8] = b"\n\n";
/// The approximate size of one piece of the body. A slow reader gets the next piece only after it has read
/// the current one.
const PIECE_BYTES: usize = 32 * 1024;
/// The interval at which a stream looks for due events.
const TICK: Duration = Duration::from_millis(10);

/// Releases the events of one reader's world when they are due.
pub(super) struct Paced {
    world: World,
    clock: Clock,
    left: u64,
    next: Option<Event>,
    served: Arc<Served>,
    stop: watch::Receiver<bool>,
}

impl Paced {
    pub(super) fn new(
        options: &ServeOptions,
        world: WorldOptions,
        served: Arc<Served>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            clock: Clock::new(options.pace, &world),
            world: World::of(world, Arc::clone(&options.catalogue))
                .with_incidents(options.incidents),
            left: options.events.unwrap_or(u64::MAX),
            next: None,
            served,
            stop,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        unfold(self, |mut paced| async move {
            let piece = paced.piece().await?;
            Some((Ok(piece), paced))
        })
    }

    /// Returns the next piece as soon as an event is due; `None` at the end.
    async fn piece(&mut self) -> Option<Bytes> {
        loop {
            if *self.stop.borrow() {
                return None;
            }
            let piece = self.due();
            if !piece.is_empty() {
                return Some(piece.into());
            }
            if self.left == 0 {
                return None;
            }
            sleep(TICK).await;
        }
    }

    fn due(&mut self) -> Vec<u8> {
        let mut piece = Vec::new();
        while self.left > 0 && piece.len() < PIECE_BYTES {
            let Some(event) = self.next.take().or_else(|| self.world.next()) else {
                break;
            };
            if !self.clock.is_due(&event) {
                self.next = Some(event);
                break;
            }
            piece.extend_from_slice(&envelope(&event));
            piece.extend_from_slice(BETWEEN);
            self.served.add(event.topic);
            self.left -= 1;
        }
        // The ground truth about incidents is not served; drop it so that it does not accumulate.
        drop(self.world.ended_incidents());
        piece
    }
}
