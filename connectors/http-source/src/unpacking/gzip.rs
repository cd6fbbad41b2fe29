//! Decompresses `gzip`: one or more members in sequence. Each has a header, deflate data and a trailer with a
//! checksum.

use std::io;
use std::mem::take;

use flate2::Crc;

use super::deflate::Inflate;
use super::layers::{Step, Unpack, invalid};

/// The maximum size of a header, with room for a file name and a comment.
const HEADER_BYTES_MAX: usize = 8 * 1024;
/// The size of a trailer: a checksum and a length.
const TRAILER_BYTES: usize = 8;

/// The part of a member that is being read.
enum Part {
    /// The bytes of the header so far.
    Header(Vec<u8>),
    Data(Box<Inflate>, Crc),
    /// The bytes of the trailer so far, and the checksum that it must contain.
    Trailer(Vec<u8>, Crc),
    /// The position after a member. The body may end here, continue with zero bytes as padding, or with the next
    /// member.
    Between,
}

pub(super) struct Gzip(Part);

impl Gzip {
    pub(super) fn new() -> Self {
        Self(Part::Header(Vec::new()))
    }
}

impl Unpack for Gzip {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<Step> {
        let (next, step) = match &mut self.0 {
            Part::Header(header) => read_header(header, input)?,
            Part::Data(inflate, crc) => {
                let step = inflate.step(input, output)?;
                crc.update(&output[..step.written]);
                let ended = inflate.is_whole();
                (ended.then(|| Part::Trailer(Vec::new(), take(crc))), step)
            }
            Part::Trailer(trailer, crc) => read_trailer(trailer, crc, input)?,
            Part::Between => {
                let zeros = input.iter().take_while(|byte| **byte == 0).count();
                let begins = zeros < input.len();
                (begins.then(|| Part::Header(Vec::new())), read(zeros))
            }
        };
        let step = match next {
            // The caller treats a step that reads and writes nothing as the end of the data. So if this step has
            // only changed the part, the next part continues with the same input.
            Some(next) => {
                self.0 = next;
                if step == Step::default() && !input.is_empty() {
                    self.step(input, output)?
                } else {
                    step
                }
            }
            None => step,
        };
        Ok(step)
    }

    fn is_whole(&self) -> bool {
        matches!(self.0, Part::Between)
    }
}

fn read(read: usize) -> Step {
    Step { read, written: 0 }
}

fn read_header(header: &mut Vec<u8>, input: &[u8]) -> io::Result<(Option<Part>, Step)> {
    let before = header.len();
    header.extend_from_slice(&input[..input.len().min(HEADER_BYTES_MAX - before)]);
    match header_bytes(header)? {
        Some(bytes) => {
            let data = Part::Data(Box::new(Inflate::new(false)), Crc::new());
            Ok((Some(data), read(bytes - before)))
        }
        None if header.len() == HEADER_BYTES_MAX => Err(invalid(format!(
            "its header has more than {HEADER_BYTES_MAX} bytes"
        ))),
        None => Ok((None, read(header.len() - before))),
    }
}

/// Returns the length of the header at the beginning of these bytes (RFC 1952, 2.3); `None` while it is
/// incomplete.
fn header_bytes(bytes: &[u8]) -> io::Result<Option<usize>> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const CHECKSUM: u8 = 2;
    let magic = [0x1f, 0x8b, 8];
    if bytes.iter().zip(magic).any(|(byte, magic)| *byte != magic) {
        return Err(invalid("it has no gzip header"));
    }
    let Some(flags) = bytes.get(3) else {
        return Ok(None);
    };
    let mut at = 10;
    if flags & EXTRA != 0 {
        let Some(length) = bytes.get(at..at + 2) else {
            return Ok(None);
        };
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == 0) else {
                return Ok(None);
            };
            at += end + 1;
        }
    }
    if flags & CHECKSUM != 0 {
        at += 2;
    }
    Ok((bytes.len() >= at).then_some(at))
}

fn read_trailer(
    trailer: &mut Vec<u8>,
    crc: &Crc,
    input: &[u8],
) -> io::Result<(Option<Part>, Step)> {
    let taken = input.len().min(TRAILER_BYTES - trailer.len());
    trailer.extend_from_slice(&input[..taken]);
    if trailer.len() < TRAILER_BYTES {
        return Ok((None, read(taken)));
    }
    let expected = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
    if *trailer != expected {
        return Err(invalid("its checksum does not match its data"));
    }
    Ok((Some(Part::Between), read(taken)))
}
