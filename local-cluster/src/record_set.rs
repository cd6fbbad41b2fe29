//! A record set as raw bytes: batches are received and sent without being decoded.

use std::io::{Error, ErrorKind};

use bytes::{Buf, BufMut, Bytes};
use fluvio_protocol::{Decoder, Encoder, Version};

/// Encoded batches without gaps between them. On the wire, their total length precedes them.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawSet(pub(crate) Bytes);

impl Encoder for RawSet {
    fn write_size(&self, _version: Version) -> usize {
        size_of::<i32>() + self.0.len()
    }

    fn encode<T: BufMut>(&self, dest: &mut T, _version: Version) -> Result<(), Error> {
        dest.put_i32(i32::try_from(self.0.len()).map_err(Error::other)?);
        dest.put_slice(&self.0);
        Ok(())
    }
}

impl Decoder for RawSet {
    fn decode<T: Buf>(&mut self, src: &mut T, version: Version) -> Result<(), Error> {
        let length = i32::decode_from(src, version)?;
        match usize::try_from(length) {
            Ok(length) if length <= src.remaining() => {
                self.0 = src.copy_to_bytes(length);
                Ok(())
            }
            _ => Err(Error::new(
                ErrorKind::InvalidData,
                format!(
                    "record set of {length} bytes, but only {} bytes are left",
                    src.remaining()
                ),
            )),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_wire() {
        let set = RawSet(Bytes::from_static(b"batches"));
        let mut wire = Vec::new();
        set.encode(&mut wire, 25).unwrap();
        assert_eq!(wire.len(), set.write_size(25));
        let back = RawSet::decode_from(&mut wire.as_slice(), 25).unwrap();
        assert_eq!(back.0, set.0);
    }

    #[test]
    fn lengths_beyond_the_frame_are_errors() {
        for length in [8, i32::MAX, -1] {
            let mut wire = length.to_be_bytes().to_vec();
            wire.extend_from_slice(b"1234567");
            assert!(
                RawSet::decode_from(&mut wire.as_slice(), 25).is_err(),
                "{length}"
            );
        }
    }
}
