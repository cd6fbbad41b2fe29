//! Streams a view to one browser: a new version after each change, and the status regularly.
//!
//! Each version is sent as a whole. A slow browser skips versions and receives the latest one, so nothing is queued for
//! it. A browser that reconnects with the id of the latest version receives no view until there is a newer version.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::broadcast::Broadcast;
use crate::cache::RenderedView;
use crate::error::RequestError;
use crate::limits::LIVE_PERIOD;
use crate::query::Query;
use crate::views::View;

/// A view that can be streamed.
pub(crate) trait Streamed: Send + 'static {
    fn name(&self) -> &'static str;
    /// Returns a receiver that is notified when there may be a new version.
    fn versions(&self) -> watch::Receiver<u64>;
    fn render(&self) -> impl Future<Output = Result<RenderedView, RequestError>> + Send;
}

/// A view of the store.
pub(crate) struct StoredView {
    pub(crate) broadcast: Arc<Broadcast>,
    pub(crate) view: View,
    pub(crate) query: Query,
}

impl Streamed for StoredView {
    fn name(&self) -> &'static str {
        self.view.name()
    }

    fn versions(&self) -> watch::Receiver<u64> {
        self.broadcast.versions(self.view)
    }

    async fn render(&self) -> Result<RenderedView, RequestError> {
        self.broadcast.render(self.view, &self.query).await
    }
}

/// The stream of one view to one browser.
#[derive(Debug)]
pub(crate) struct LiveStream<V> {
    pub(crate) view: V,
    pub(crate) status: watch::Receiver<Bytes>,
    /// The id of the version that the browser has.
    pub(crate) has: Option<String>,
    pub(crate) stop: CancellationToken,
    pub(crate) _permit: OwnedSemaphorePermit,
}

struct State<V> {
    live: LiveStream<V>,
    versions: watch::Receiver<u64>,
    /// Whether there is a version that has not been sent yet.
    pending: bool,
    /// The earliest time at which the next version may be sent.
    next: Instant,
}

impl<V: Streamed + Sync> LiveStream<V> {
    pub(crate) fn body(self) -> Body {
        Body::from_stream(self.events())
    }

    fn events(mut self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        self.status.mark_changed();
        let state = State {
            versions: self.view.versions(),
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

impl<V: Streamed + Sync> State<V> {
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
                changed = self.live.status.changed() => {
                    changed.ok()?;
                    let status = self.live.status.borrow_and_update().clone();
                    if !status.is_empty() {
                        return Some([b"event: status\ndata: ", &status[..], b"\n\n"].concat().into());
                    }
                }
            }
        }
    }

    /// Returns the current version; `None` if the browser already has it, or if it cannot be rendered.
    async fn view(&mut self) -> Option<Bytes> {
        self.pending = false;
        self.next = Instant::now() + LIVE_PERIOD;
        self.versions.mark_unchanged();
        let live = &mut self.live;
        match live.view.render().await {
            Ok(rendered) if live.has.as_ref() == Some(&rendered.id) => None,
            Ok(rendered) => {
                live.has = Some(rendered.id);
                Some(rendered.event)
            }
            Err(error) => {
                tracing::error!(%error, view = live.view.name(), "cannot render a view");
                None
            }
        }
    }
}
