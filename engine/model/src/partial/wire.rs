//! The wire format of a partial. All values are encoded with postcard, one after another:
//!
//! 1. the header;
//! 2. the texts of all keys as one string, so that a reader allocates once for all of them;
//! 3. a list of windows, each with the number of its contributions;
//! 4. a list of contributions: the length of the key, the number of events, and the combined contribution of these
//!    events.

use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::{BatchHeader, BatchPartial, Contribution, KeyText, PartialError};
use crate::time::Timestamp;
use crate::window::Window;
use crate::words;

/// A window, and the number of consecutive contributions that belong to it.
#[derive(Serialize, Deserialize)]
struct WindowRun {
    /// The distance in milliseconds from [`base`] to the start of the window. Differences wrap around, because a
    /// window can cover all times.
    start_ms: i64,
    length_ms: i64,
    contributions: u32,
}

/// A contribution that borrows its partial from the tables of the fold, so that it is encoded without a copy.
#[derive(Serialize)]
pub(crate) struct ContributionRef<'a, P> {
    pub(crate) key_length: u32,
    pub(crate) events: u64,
    pub(crate) partial: &'a P,
}

#[derive(Deserialize)]
struct Decoded<'b, P> {
    header: BatchHeader,
    keys: &'b str,
    windows: Vec<WindowRun>,
    contributions: Vec<Contribution<P>>,
}

/// The time from which the starts of windows are counted. Small numbers are encoded in fewer bytes.
fn base(header: &BatchHeader) -> i64 {
    header.min_event_time.map_or(0, Timestamp::as_millis)
}

/// Appends a partial to `output`. `keys`, joined, are the texts of the contributions' keys; `windows` are the windows
/// in the order of the contributions, each with the number of its contributions.
pub(crate) fn encode<'a, P: Serialize + 'a>(
    header: &BatchHeader,
    keys: &[&[u8]],
    windows: &[(Window, usize)],
    contributions: impl Iterator<Item = ContributionRef<'a, P>>,
    output: &mut Vec<u8>,
) {
    let mut wire = Wire(postcard::Serializer {
        output: Buffer(output),
    });
    wire.write(header);
    wire.write(&keys.iter().map(|keys| keys.len() as u32).sum::<u32>());
    for keys in keys {
        words::append(wire.0.output.0, keys);
    }
    let base = base(header);
    wire.write(&(windows.len() as u32));
    for (window, contributions) in windows {
        let [start, end] = [window.start, window.end].map(Timestamp::as_millis);
        wire.write(&WindowRun {
            start_ms: start.wrapping_sub(base),
            length_ms: end.wrapping_sub(start),
            contributions: *contributions as u32,
        });
    }
    let count: usize = windows.iter().map(|(_, contributions)| contributions).sum();
    wire.write(&(count as u32));
    contributions.for_each(|contribution| wire.write(&contribution));
}

struct Wire<'o>(postcard::Serializer<Buffer<'o>>);

impl Wire<'_> {
    fn write(&mut self, value: &impl Serialize) {
        if let Err(error) = value.serialize(&mut self.0) {
            unreachable!("writing into memory cannot fail: {error}");
        }
    }
}

/// Appends to a vector with [`words::append`], because most values that postcard appends are a few bytes long.
struct Buffer<'o>(&'o mut Vec<u8>);

impl Flavor for Buffer<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        words::append(self.0, bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Decodes a partial.
pub(super) fn decode<P: DeserializeOwned>(bytes: &[u8]) -> Result<BatchPartial<P>, PartialError> {
    let Decoded {
        header,
        keys,
        windows,
        mut contributions,
    } = super::decode(bytes)?;
    let runs = windows_of_all(&windows, base(&header));
    if complete(&mut contributions, keys, runs).is_none() {
        return Err(PartialError::Malformed {
            length: bytes.len(),
            cause: postcard::Error::DeserializeBadEncoding,
        });
    }
    Ok(BatchPartial {
        header,
        keys: keys.to_owned(),
        contributions,
    })
}

/// Decodes the length of a key into a range that begins at 0. [`complete`] moves the range to the place of the key.
pub(super) fn key_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyText, D::Error> {
    let end = u32::deserialize(deserializer)?;
    Ok(KeyText { start: 0, end })
}

/// Gives each contribution its window and the place of its key. Contributions are changed in place, because copying
/// them would take longer. Returns `None` if there are not as many windows as contributions, or if the lengths of the
/// keys do not divide `keys` into texts.
fn complete<P>(
    contributions: &mut [Contribution<P>],
    keys: &str,
    mut windows: impl Iterator<Item = Window>,
) -> Option<()> {
    let mut start = 0_u32;
    for Contribution { key, window, .. } in contributions {
        let end = start.checked_add(key.end)?;
        keys.get(start as usize..end as usize)?;
        *key = KeyText { start, end };
        *window = windows.next()?;
        start = end;
    }
    (start as usize == keys.len() && windows.next().is_none()).then_some(())
}

/// Returns the window of each contribution.
fn windows_of_all(windows: &[WindowRun], base: i64) -> impl Iterator<Item = Window> {
    windows.iter().flat_map(move |run| {
        let start = base.wrapping_add(run.start_ms);
        let window = Window {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(start.wrapping_add(run.length_ms)),
        };
        std::iter::repeat_n(window, run.contributions as usize)
    })
}
