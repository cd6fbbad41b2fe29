//! Decompresses bodies that were compressed once or several times. Each layer undoes one compression and reads the
//! output of the previous layer, in pieces of limited size.

use std::io::{self, ErrorKind};

use bytes::{Buf, Bytes};

/// The maximum size of a piece of output in bytes.
const PIECE_BYTES_MAX: usize = 32 * 1024;

/// The numbers of bytes that a step has read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) read: usize,
    pub(super) written: usize,
}

/// A decoder of one kind of compression, which works in steps.
pub(super) trait Unpack: Send {
    /// Decompresses until the input is used up or the output is full. Without input, writes output that is left
    /// from earlier input.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step>;

    /// Whether the body would be complete if it ended after the bytes read so far.
    fn is_whole(&self) -> bool;
}

/// The decoders of one body, in the order in which they run.
pub(super) struct Layers(Vec<Layer>);

struct Layer {
    unpack: Box<dyn Unpack>,
    input: Bytes,
    output: Vec<u8>,
    has_begun: bool,
}

impl Layers {
    pub(super) fn new(unpackers: Vec<Box<dyn Unpack>>) -> Self {
        let layer = |unpack| Layer {
            unpack,
            input: Bytes::new(),
            output: vec![0; PIECE_BYTES_MAX],
            has_begun: false,
        };
        Self(unpackers.into_iter().map(layer).collect())
    }

    /// Takes the next compressed bytes. Call this only when [`pull`](Self::pull) has returned `None`: it replaces
    /// input that is not yet used up.
    pub(super) fn push(&mut self, input: Bytes) {
        if let Some(first) = self.0.first_mut() {
            first.take(input);
        }
    }

    /// Returns the next decompressed piece; `None` if more input is needed.
    pub(super) fn pull(&mut self) -> io::Result<Option<Bytes>> {
        pull(&mut self.0)
    }

    /// Checks at the end of the input that it is complete. An empty body is complete in any coding, because a
    /// response to `HEAD` names a coding and has no body.
    pub(super) fn finish(&self) -> io::Result<()> {
        let is_half = |layer: &Layer| layer.has_begun && !layer.unpack.is_whole();
        if self.0.iter().any(is_half) {
            let what = "it is incomplete";
            return Err(io::Error::new(ErrorKind::UnexpectedEof, what));
        }
        Ok(())
    }
}

fn pull(layers: &mut [Layer]) -> io::Result<Option<Bytes>> {
    let Some((layer, below)) = layers.split_last_mut() else {
        return Ok(None);
    };
    loop {
        if let Some(piece) = layer.step()? {
            return Ok(Some(piece));
        }
        match pull(below)? {
            Some(input) => layer.take(input),
            None => return Ok(None),
        }
    }
}

impl Layer {
    fn take(&mut self, input: Bytes) {
        self.has_begun |= !input.is_empty();
        self.input = input;
    }

    /// Returns a piece that is not empty; `None` when all input is used up.
    fn step(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Step { read, written } = self.unpack.step(&self.input, &mut self.output)?;
            self.input.advance(read);
            if written > 0 {
                return Ok(Some(Bytes::copy_from_slice(&self.output[..written])));
            }
            if self.input.is_empty() {
                return Ok(None);
            }
            if read == 0 {
                return Err(invalid("it has bytes after its end"));
            }
        }
    }
}

/// Returns the error of a decoder whose input is not valid.
pub(super) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}
