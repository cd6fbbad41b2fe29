//! The one trait that a derived topic implements.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Event;
use crate::key::RecordKey;
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::window::{Shape, Window};

/// What one event contributes to a derived topic, how contributions merge, and what a window
/// finally says. The same code runs as WASM beside the data and natively in the runner.
pub trait Derivation: Sized + Send + Sync + 'static {
    /// The derived topic; also the SmartModule's name.
    const NAME: &'static str;
    /// The names of its own parameters, beside those of the window.
    const PARAMETERS: &'static [&'static str];

    /// How its events are grouped in time.
    const SHAPE: Shape = Shape::Windows;

    /// The source event, borrowed from its record.
    type Event<'e>: Event<'e>;
    /// The contribution of any number of events to one window and key.
    type Partial: Merge + Clone + Serialize + DeserializeOwned + Send + Sync;
    /// The key fields and measures of the derived record.
    type Output: Serialize;

    /// The derivation with its own parameters; defaults where they are not given.
    fn from_params(params: &Params) -> Result<Self, ParamError>;

    /// Adds `event` to the partial of the key that it counts for: of exactly one, so that every
    /// event is accounted for once.
    fn lift(&self, event: &Self::Event<'_>, out: &mut impl Emit<Self::Partial>);

    /// How many of the `events` that were lifted into `partial` repeat others of them. Only
    /// derivations that count an event once need to say more than none.
    fn duplicates(&self, _partial: &mut Self::Partial, _events: u64) -> u64 {
        0
    }

    /// Whether nothing more is to be expected of the session of these events, so that it need not
    /// wait for its gap to pass. An event that comes nevertheless belongs to it.
    fn is_complete(&self, _session: Window, _partial: &Self::Partial) -> bool {
        false
    }

    /// The derived record of a window and key; `None` where there is nothing to say.
    fn finish(
        &self,
        window: Window,
        key: &RecordKey,
        partial: &Self::Partial,
    ) -> Option<Self::Output>;
}

/// Where a derivation puts an event's contributions.
pub trait Emit<P> {
    /// The event's offset in its partition.
    fn offset(&self) -> i64;

    /// Applies `add` to the partial of the key made of `key`'s fields, in the event's window.
    fn emit(&mut self, key: &[&str], add: impl FnOnce(&mut P));
}
