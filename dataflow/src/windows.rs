//! What one derivation keeps in memory: partials go in; rows come out when event time has come far
//! enough, and again, with the next revision, when late events correct them. What can no longer be
//! corrected is forgotten.

mod machines;
mod panes;
mod rows;
mod sessions;

use model::event::Layouts;
use model::partial::BatchHeader;
use model::{
    Derivation, Emit, Event, ParamError, Params, PartialError, RecordKey, Rejection, Timestamp,
    Window,
};

use crate::standing::Standing;

pub(crate) use machines::Machines;
pub(crate) use panes::Panes;
pub(crate) use rows::Row;
pub(crate) use sessions::Sessions;

/// What merging one partial came to.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) header: BatchHeader,
    /// Accepted events that came too late, or for which there was no room.
    pub(crate) late: u64,
    /// Where these belong.
    pub(crate) late_places: Vec<LatePlace>,
    /// Accepted events that repeat others of their window.
    pub(crate) duplicate: u64,
}

impl Merged {
    fn of(header: BatchHeader) -> Self {
        Self {
            header,
            late: 0,
            late_places: Vec::new(),
            duplicate: 0,
        }
    }

    fn add_late(&mut self, window: Window, key: RecordKey, events: u64, cause: Cause) {
        self.late += events;
        self.late_places.push(LatePlace { window, key, cause });
    }

    /// What came of it was counted before a restart.
    fn uncounted(mut self) -> Self {
        (self.late, self.duplicate) = (0, 0);
        self.late_places.clear();
        self
    }
}

/// The events of a batch that are of this window and key: they are in no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LatePlace {
    pub(crate) window: Window,
    pub(crate) key: RecordKey,
    pub(crate) cause: Cause,
}

/// Why an accepted event is in no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its window could be corrected no more.
    Late,
    /// As many keys as there may be were in memory.
    NoRoom,
}

impl LatePlace {
    pub(crate) fn holds(&self, time: Timestamp, key: &RecordKey) -> bool {
        self.window.contains(time) && self.key == *key
    }
}

/// Where a batch comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) partition: usize,
    /// Batches before this offset were merged before a restart as well.
    pub(crate) replayed_to: i64,
}

/// Figures that all kinds of windows go by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Partitions of the source.
    pub(crate) partitions: usize,
    pub(crate) allowed_lateness_ms: i64,
    /// How many (window, key) pairs, sessions, or keys and facts, may be in memory.
    pub(crate) entries_max: usize,
}

impl Bounds {
    /// What ends by this time can be corrected no more at `watermark`.
    fn retired_by(&self, watermark: Timestamp) -> Timestamp {
        watermark.plus_ms(-self.allowed_lateness_ms)
    }
}

/// What a derivation that the caller does not know keeps in memory.
pub(crate) trait AnyWindows: Send + Sync {
    /// Merges the partial of one batch.
    fn merge(&mut self, arrived: Arrived, partial: &[u8]) -> Result<Merged, PartialError>;

    /// The rows that are due by `watermark` and have not been emitted yet, and with `corrections`
    /// also of those that were and have changed since; by window and key. Changes of windows that
    /// are about to be forgotten are always among them. `derived_ends` are the ends of the derived
    /// topic, behind which the rows will stand.
    fn emit(
        &mut self,
        watermark: Timestamp,
        corrections: bool,
        derived_ends: &[i64],
    ) -> Result<Vec<Row>, serde_json::Error>;

    /// Whether rows can be corrected. Where they cannot, a checkpoint has to stand before them.
    fn corrects(&self) -> bool {
        true
    }

    /// Forgets what ended the allowed lateness before `watermark`.
    fn retire(&mut self, watermark: Timestamp);

    /// Takes up where another runner stopped: all windows that could be corrected no more by
    /// `watermark` are gone, and `standing` is what it wrote of the others.
    fn resume(&mut self, watermark: Option<Timestamp>, standing: Standing);

    /// The first offset of a partition that something in memory holds a contribution of.
    fn rewind_offset(&self, partition: usize) -> Option<i64>;

    /// Where the rows of what is in memory begin, in the derived topic's partitions.
    fn derived_from(&self, derived_ends: &[i64]) -> Vec<i64>;

    /// Whether a decision that an event was late stands that a restart must know of.
    fn late_stands(&self) -> bool;

    /// Goes by other parameters for records from these offsets of the source partitions on. Only
    /// derivations that follow events one by one can.
    fn adopt(&mut self, params: &Params, from: &[i64]) -> Result<(), ParamError>;

    /// The event time and key of a source record.
    fn place(&self, record: &[u8]) -> Result<(Timestamp, RecordKey), Rejection>;

    /// How much is in memory, as [`Bounds::entries_max`] counts it.
    fn len(&self) -> usize;

    /// All that is in memory of the batches merged so far.
    fn snapshot(&self) -> Result<Vec<u8>, postcard::Error>;

    /// Takes in what a snapshot holds; called on empty windows.
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), postcard::Error>;

    /// A snapshot of the present state will be found by the next restart, when the derived topic
    /// ended at `derived_ends`.
    fn snapshotted(&mut self, derived_ends: &[i64]);
}

/// The answer of windows and sessions, whose numbers would be of two kinds.
fn no_other_rules() -> Result<(), ParamError> {
    Err(ParamError::Invalid {
        name: "rules".to_owned(),
        value: "a new version".to_owned(),
        expected: "a derivation that follows events one by one",
    })
}

/// The time and key of a record, by the derivation's own word.
fn place<D: Derivation>(
    derivation: &D,
    record: &[u8],
) -> Result<(Timestamp, RecordKey), Rejection> {
    let event = D::Event::parse_alike(record, &mut Layouts::default())?;
    let mut key = KeyOnly(None);
    derivation.lift(&event, &mut key);
    Ok((event.time(), key.0.unwrap_or(RecordKey::new(&[]))))
}

struct KeyOnly(Option<RecordKey>);

impl<P> Emit<P> for KeyOnly {
    fn offset(&self) -> i64 {
        0
    }

    fn emit(&mut self, key: &[&str], _: impl FnOnce(&mut P)) {
        self.0 = Some(RecordKey::new(key));
    }
}

/// Of the derived topic's ends, and of what `emitted` rows and those that stand begin at, the least
/// by partition. What stands may belong to windows that have not come up again yet.
fn derived_from<'o>(
    derived_ends: &[i64],
    emitted: impl Iterator<Item = &'o [i64]>,
    standing: &'o Standing,
) -> Vec<i64> {
    let mut least = derived_ends.to_vec();
    for offsets in emitted.chain(standing.rows_from()) {
        let partitions = least.iter_mut().zip(offsets);
        partitions.for_each(|(least, offset)| *least = (*least).min(*offset));
    }
    least
}

#[cfg(test)]
mod tests;
