//! Decompresses in layers, each of which takes the output of the one below it, in pieces of a fixed size.

use std::io::{self, ErrorKind};

use bytes::{Buf, Bytes};

/// The largest piece of output.
const PIECE_BYTES_MAX: usize = 32 * 1024;

/// How much a step has read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) read: usize,
    pub(super) written: usize,
}

/// One kind of compression, undone step by step.
pub(super) trait Unpack: Send {
    /// Decompresses as much as there is input and room for; without input, what is left of earlier input.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step>;

    /// Whether the compressed bytes so far may be complete.
    fn is_whole(&self) -> bool;
}

/// Several compressions of one body, in the order in which they are undone.
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

    /// Takes compressed bytes, once [`pull`](Self::pull) has returned everything.
    pub(super) fn push(&mut self, input: Bytes) {
        if let Some(first) = self.0.first_mut() {
            first.take(input);
        }
    }

    /// The next decompressed piece; `None` until there is more input.
    pub(super) fn pull(&mut self) -> io::Result<Option<Bytes>> {
        pull(&mut self.0)
    }

    /// Ends the input. An empty body is complete whatever its coding: answers to `HEAD` have one.
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

    /// A piece that is not empty; `None` when all input is used up.
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

/// The error for bytes that are not in this encoding.
pub(super) fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}
