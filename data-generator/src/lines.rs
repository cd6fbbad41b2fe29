//! Writes events as lines of JSON: `{"topic":…,"key":…,"event":…}`.

use std::io::{self, BufWriter, ErrorKind, Write};

use serde_json::value::RawValue;

use crate::error::GenerateError;
use crate::event::Event;
use crate::sender::Summary;

/// The size of the buffer, large enough that writing to a pipe costs little.
const BUFFER_BYTES: usize = 256 * 1024;

pub(crate) struct Lines<W: Write> {
    out: BufWriter<W>,
    summary: Summary,
    is_closed: bool,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER_BYTES, out),
            summary: Summary::default(),
            is_closed: false,
        }
    }

    /// Writes an event. Returns false if the reader has closed the pipe.
    pub(crate) fn write(&mut self, event: &Event) -> Result<bool, GenerateError> {
        let written = self.encode(event);
        self.unless_closed(written)?;
        if !self.is_closed {
            self.summary.count(event.topic, event.broken);
        }
        Ok(!self.is_closed)
    }

    pub(crate) fn flush(&mut self) -> Result<(), GenerateError> {
        let flushed = self.out.flush();
        self.unless_closed(flushed)
    }

    pub(crate) fn finish(mut self) -> Result<Summary, GenerateError> {
        if !self.is_closed {
            self.flush()?;
        }
        Ok(self.summary)
    }

    /// Encodes a line. A broken event that is not JSON is written as `"text"` in place of `"event"`, with U+FFFD in
    /// place of bytes that are not UTF-8.
    fn encode(&mut self, event: &Event) -> io::Result<()> {
        write!(self.out, r#"{{"topic":"{}","key":"#, event.topic.name())?;
        serde_json::to_writer(&mut self.out, &event.key)?;
        if is_json(event) {
            self.out.write_all(b",\"event\":")?;
            self.out.write_all(&event.value)?;
        } else {
            self.out.write_all(b",\"text\":")?;
            serde_json::to_writer(&mut self.out, &String::from_utf8_lossy(&event.value))?;
        }
        self.out.write_all(b"}\n")
    }

    /// Remembers that the reader has closed the pipe (`| head`), which is not an error.
    fn unless_closed(&mut self, result: io::Result<()>) -> Result<(), GenerateError> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            result => result.map_err(GenerateError::Output),
        }
    }
}

/// Whether the value is JSON. Values that are not broken are, and none contains a line break.
fn is_json(event: &Event) -> bool {
    event.broken.is_none() || serde_json::from_slice::<&RawValue>(&event.value).is_ok()
}

#[cfg(test)]
mod tests;
