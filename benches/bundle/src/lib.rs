//! A SmartModule that reads each player event once and folds it for several derivations: one record
//! a batch, which holds the partial of each. It is measured beside one module for each derivation.

// A module exports its functions by name, so two cannot be linked into one: only the folds are here.
#[path = "../../../smartmodules/active-players/src/fold.rs"]
#[expect(unreachable_pub, reason = "it is public in its own room")]
mod active_players;
#[path = "../../../smartmodules/level-engagement/src/fold.rs"]
#[expect(unreachable_pub, reason = "as above")]
mod level_engagement;
#[path = "../../../smartmodules/active-players/src/platforms.rs"]
mod platforms;
#[path = "../../../smartmodules/player-activity/src/fold.rs"]
#[expect(unreachable_pub, reason = "as above")]
mod player_activity;

use std::ops::Range;

use active_players::ActivePlayersFold;
use level_engagement::LevelEngagementFold;
use model::event::{Event, Layouts, PlayerEvent};
use model::fold::{OpenBatch, SourceRecord};
use model::{Derivation, Fold, ParamError, Params, Rejection};
use player_activity::PlayerActivityFold;

#[cfg(target_arch = "wasm32")]
smartmodule_batch::export! {
    state: Bundle,
    configure: |params| Bundle::from_params(&params.into_iter().collect()),
    batch: |bundle, records, partials| bundle.batch(
        records.map(|record| model::fold::SourceRecord::new(record.offset, record.timestamp, record.value)),
        partials,
    ),
}

/// The members in the order in which they join: each derivation with a window, in milliseconds.
/// There are three derivations so far; the others stand for some that are like them.
pub const MEMBERS: [(&str, &str); 5] = [
    (LevelEngagementFold::NAME, "10000"),
    (ActivePlayersFold::NAME, "10000"),
    (PlayerActivityFold::NAME, "10000"),
    (LevelEngagementFold::NAME, "60000"),
    (ActivePlayersFold::NAME, "60000"),
];

/// The parameter that says how many of [`MEMBERS`] take part.
pub const COUNT: &str = "members";

/// The folds of some derivations of one source.
pub struct Bundle {
    layouts: Layouts,
    members: Vec<Box<dyn Member>>,
}

impl Bundle {
    /// The bundle of the first [`COUNT`] of [`MEMBERS`].
    pub fn from_params(params: &Params) -> Result<Self, ParamError> {
        let count: usize = params.require(COUNT, "a number of members")?;
        Self::of(0..count.min(MEMBERS.len()))
    }

    /// The bundle of these of [`MEMBERS`].
    pub fn of(members: Range<usize>) -> Result<Self, ParamError> {
        let members = MEMBERS[members].iter().map(|member| open(*member));
        Ok(Self {
            layouts: Layouts::default(),
            members: members.collect::<Result<_, _>>()?,
        })
    }

    /// Appends the partials of one batch, each behind its length, to `output`.
    pub fn batch<'r>(
        &mut self,
        records: impl Iterator<Item = SourceRecord<'r>>,
        output: &mut Vec<u8>,
    ) {
        for record in records {
            let event = PlayerEvent::parse_alike(record.value, &mut self.layouts);
            for member in &mut self.members {
                member.take(&record, event.as_ref());
            }
        }
        for member in &mut self.members {
            let start = output.len();
            output.extend([0; 4]);
            member.close(output);
            let length = (output.len() - start - 4) as u32;
            output[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// The partials that a bundle wrote.
pub fn partials(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut partials = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (partial, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        partials.push(partial);
        bytes = rest;
    }
    partials
}

fn open((name, window_ms): (&str, &str)) -> Result<Box<dyn Member>, ParamError> {
    let params = [("window_ms", window_ms)].into_iter().collect();
    Ok(match name {
        LevelEngagementFold::NAME => Box::new(Opened::<LevelEngagementFold>::new(&params)?),
        ActivePlayersFold::NAME => Box::new(Opened::<ActivePlayersFold>::new(&params)?),
        _ => Box::new(Opened::<PlayerActivityFold>::new(&params)?),
    })
}

/// A fold that takes events which were read for several.
trait Member: Send {
    fn take(&mut self, record: &SourceRecord<'_>, event: Result<&PlayerEvent<'_>, &Rejection>);
    fn close(&mut self, output: &mut Vec<u8>);
}

struct Opened<D: Derivation> {
    fold: Fold<D>,
    open: OpenBatch<D::Partial>,
}

impl<D: Derivation> Opened<D> {
    fn new(params: &Params) -> Result<Self, ParamError> {
        let fold = Fold::<D>::from_params(params)?;
        let open = fold.open();
        Ok(Self { fold, open })
    }
}

impl<D> Member for Opened<D>
where
    D: for<'e> Derivation<Event<'e> = PlayerEvent<'e>>,
{
    fn take(&mut self, record: &SourceRecord<'_>, event: Result<&PlayerEvent<'_>, &Rejection>) {
        self.fold.take(&mut self.open, record, event);
    }

    fn close(&mut self, output: &mut Vec<u8>) {
        std::mem::replace(&mut self.open, self.fold.open()).close(output);
    }
}
