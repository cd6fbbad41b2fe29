//! Decompresses `zstd`: one or more frames in sequence.

use std::io;

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::layers::{Step, Unpack};

/// The largest window that a frame may require, as a power of two: 8 MiB, the limit for the web in RFC 9659.
const WINDOW_LOG_MAX: u32 = 23;

pub(super) struct Zstd {
    decoder: Decoder<'static>,
    is_between_frames: bool,
}

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self {
            decoder,
            is_between_frames: false,
        })
    }
}

impl Unpack for Zstd {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        if self.is_between_frames {
            // The body may be padded with zero bytes.
            let zeros = input.iter().take_while(|byte| **byte == 0).count();
            if zeros > 0 || input.is_empty() {
                return Ok(Step {
                    read: zeros,
                    written: 0,
                });
            }
        }
        let status = self.decoder.run_on_buffers(input, output)?;
        let step = Step {
            read: status.bytes_read,
            written: status.bytes_written,
        };
        if step != Step::default() {
            self.is_between_frames = status.remaining == 0;
        }
        Ok(step)
    }

    fn is_whole(&self) -> bool {
        self.is_between_frames
    }
}
