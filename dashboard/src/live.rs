//! The stream of one browser: a view whenever it has changed, and the status all the time.
//!
//! A view is sent whole. Who is slow gets the latest version and skips those between, so nothing is
//! queued; who comes back with the id of the latest version gets nothing until there is another.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::limits::LIVE_PERIOD;
use crate::query::Query;
use crate::views::View;

/// One browser's look at one view.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) hub: Arc<Hub>,
    pub(crate) view: View,
    pub(crate) query: Query,
    /// The id of the version that it has.
    pub(crate) has: Option<String>,
    pub(crate) stop: CancellationToken,
    pub(crate) _place: OwnedSemaphorePermit,
}

struct State {
    live: Live,
    versions: watch::Receiver<u64>,
    status: watch::Receiver<Bytes>,
    /// Whether there is a version that was not sent.
    pending: bool,
    /// When one may be sent again.
    next: Instant,
}

impl Live {
    pub(crate) fn body(self) -> Body {
        Body::from_stream(self.events())
    }

    fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let mut status = self.hub.status.subscribe();
        status.mark_changed();
        let state = State {
            versions: self.hub.versions(self.view),
            status,
            pending: true,
            next: Instant::now(),
            live: self,
        };
        unfold(state, async |mut state| {
            let event = state.next().await?;
            Some((Ok(event), state))
        })
    }
}

impl State {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                () = self.live.stop.cancelled() => return None,
                changed = self.versions.changed() => {
                    changed.ok()?;
                    self.pending = true;
                }
                () = sleep_until(self.next), if self.pending => {
                    if let Some(event) = self.view().await {
                        return Some(event);
                    }
                }
                changed = self.status.changed() => {
                    changed.ok()?;
                    let status = self.status.borrow_and_update().clone();
                    if !status.is_empty() {
                        return Some([b"event: status\ndata: ", &status[..], b"\n\n"].concat().into());
                    }
                }
            }
        }
    }

    /// The version of now, unless the browser has it.
    async fn view(&mut self) -> Option<Bytes> {
        self.pending = false;
        self.next = Instant::now() + LIVE_PERIOD;
        self.versions.mark_unchanged();
        let live = &mut self.live;
        match live.hub.frame(live.view, &live.query).await {
            Ok(frame) if live.has.as_ref() == Some(&frame.id) => None,
            Ok(frame) => {
                live.has = Some(frame.id);
                Some(frame.event)
            }
            Err(error) => {
                tracing::error!(%error, view = live.view.name(), "a view is not sent");
                None
            }
        }
    }
}
