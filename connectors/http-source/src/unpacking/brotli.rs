//! Decompresses `br`: one Brotli stream, with a window of up to 16 MiB as in RFC 7932.

use std::io;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::layers::{Step, Unpack, invalid};

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

pub(super) struct Brotli {
    state: Box<State>,
    has_ended: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let allocator = StandardAlloc::default;
        // Strict mode refuses an extension of the format in which a few bytes can demand a window of a gigabyte.
        let state = State::new_strict(allocator(), allocator(), allocator());
        Self {
            state: Box::new(state),
            has_ended: false,
        }
    }
}

impl Unpack for Brotli {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        if self.has_ended {
            return Ok(Step::default());
        }
        let (mut read, mut written) = (0, 0);
        let result = BrotliDecompressStream(
            &mut input.len(),
            &mut read,
            input,
            &mut output.len(),
            &mut written,
            output,
            &mut 0,
            &mut self.state,
        );
        match result {
            BrotliResult::ResultFailure => return Err(invalid("it is not valid Brotli")),
            BrotliResult::ResultSuccess => self.has_ended = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(Step { read, written })
    }

    fn is_whole(&self) -> bool {
        self.has_ended
    }
}
