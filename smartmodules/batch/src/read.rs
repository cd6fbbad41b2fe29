//! Reads Fluvio's primitive encodings from a byte slice. Each function returns `None` if the slice ends too
//! early.

/// A cursor over borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// Reads a zig-zag varint of at most ten bytes, usually one or two.
    #[inline]
    pub(crate) fn varint(&mut self) -> Option<i64> {
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(i64::from(byte >> 1) ^ -i64::from(byte & 1));
        }
        if let [low @ 0x80..=0xff, high @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            let bits = i64::from(low & 0x7f) | i64::from(*high) << 7;
            return Some(bits >> 1 ^ -(bits & 1));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Option<i64> {
        let mut bits: u64 = 0;
        for (index, byte) in self.0.iter().take(10).enumerate() {
            bits |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Some((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        None
    }

    /// Reads bytes that are preceded by their length as a varint.
    #[inline]
    pub(crate) fn varint_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.bytes(usize::try_from(length).ok()?)
    }

    /// Reads UTF-8 text that is preceded by its length in two bytes.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = i16::from_be_bytes(self.array()?);
        std::str::from_utf8(self.bytes(usize::try_from(length).ok()?)?).ok()
    }
}
