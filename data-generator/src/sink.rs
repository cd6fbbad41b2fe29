//! The destination of events: a cluster, or a stream of lines.

use std::io::Write;

use crate::error::GenerateError;
use crate::event::Event;
use crate::lines::Lines;
use crate::sender::{Sender, Summary};

pub(crate) enum Sink<W: Write> {
    Cluster(Sender),
    Lines(Lines<W>),
}

impl<W: Write> Sink<W> {
    /// Sends an event. Returns false if no more events can be sent; [`Sink::finish`] then returns the error, if there
    /// is one.
    pub(crate) async fn send(&mut self, event: Event) -> Result<bool, GenerateError> {
        match self {
            Self::Cluster(sender) => Ok(sender.send(event).await?),
            Self::Lines(lines) => lines.write(&event),
        }
    }

    /// Makes written lines visible to their reader. The producers of a cluster do this by themselves.
    pub(crate) fn flush(&mut self) -> Result<(), GenerateError> {
        match self {
            Self::Cluster(_) => Ok(()),
            Self::Lines(lines) => lines.flush(),
        }
    }

    /// Waits until all events have arrived, and counts them.
    pub(crate) async fn finish(self) -> Result<Summary, GenerateError> {
        match self {
            Self::Cluster(sender) => Ok(sender.finish().await?),
            Self::Lines(lines) => lines.finish(),
        }
    }
}
