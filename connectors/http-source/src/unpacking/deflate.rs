//! Decompresses `deflate`: with the header and checksum of zlib, as HTTP requires, or without them, as some
//! servers send it.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

use super::layers::{Step, Unpack, invalid};

/// The lower half of the first byte in the zlib format. Encoders do not begin raw deflate data with it: it would
/// mean a stored block whose padding bits are not zero.
const ZLIB_METHOD: u8 = 8;

/// Decompresses either format. The first byte of the data determines which one it is.
#[derive(Default)]
pub(super) struct Deflate(Option<Inflate>);

impl Deflate {
    pub(super) fn new() -> Self {
        Self::default()
    }
}

impl Unpack for Deflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let Some(first) = input.first() else {
            let left = self.0.as_mut().map(|inflate| inflate.step(input, output));
            return left.unwrap_or(Ok(Step::default()));
        };
        let has_header = first & 0x0f == ZLIB_METHOD;
        let inflate = self.0.get_or_insert_with(|| Inflate::new(has_header));
        inflate.step(input, output)
    }

    fn is_whole(&self) -> bool {
        self.0.as_ref().is_some_and(Inflate::is_whole)
    }
}

/// Decompresses one deflate stream, with or without the header and checksum of zlib.
pub(super) struct Inflate {
    decompress: Decompress,
    has_ended: bool,
}

impl Inflate {
    pub(super) fn new(has_header: bool) -> Self {
        Self {
            decompress: Decompress::new(has_header),
            has_ended: false,
        }
    }
}

impl Unpack for Inflate {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        if self.has_ended {
            return Ok(Step::default());
        }
        let before = (self.decompress.total_in(), self.decompress.total_out());
        let status = self
            .decompress
            .decompress(input, output, FlushDecompress::None)
            .map_err(|error| invalid(error.to_string()))?;
        self.has_ended = status == Status::StreamEnd;
        Ok(Step {
            read: (self.decompress.total_in() - before.0) as usize,
            written: (self.decompress.total_out() - before.1) as usize,
        })
    }

    fn is_whole(&self) -> bool {
        self.has_ended
    }
}
