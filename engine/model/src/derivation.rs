//! The traits that a derivation implements: [`Lift`] for the SmartModule and [`Windowed`] for the runner, and also
//! [`Sessions`] if events are grouped in sessions. A derivation that raises alerts implements
//! [`KeyedProcess`](crate::KeyedProcess) instead.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::emit::Emit;
use crate::grouping::{Grouping, SessionGap};
use crate::key::RecordKey;
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::source::Source;
use crate::window::Window;

/// Defines what one event contributes to a derived topic. The same code runs as WASM in the cluster and
/// natively in the runner.
pub trait Lift: Sized + Send + Sync + 'static {
    /// The name of the code, which is also that of the derived topic unless the dataflow file gives it another.
    const NAME: &'static str;
    /// The names of the derivation's own parameters. The parameters of its grouping are added to them.
    const PARAMETERS: &'static [&'static str];

    /// How events are grouped in time: in [`AlignedWindows`](crate::AlignedWindows), in sessions
    /// ([`SessionGap`]), or not at all ([`SingleEvents`](crate::SingleEvents)).
    type Grouping: Grouping;
    /// The source, which reads the events from its records.
    type Source: Source;
    /// The combined contribution of any number of events to one window and key.
    type Partial: Merge + Clone + Serialize + DeserializeOwned + Send + Sync;

    /// Creates the derivation from its own parameters. A parameter that is not given takes its default.
    fn from_params(params: &Params) -> Result<Self, ParamError>;

    /// Adds `event` to the partial of its key. Emits for one key, so that every event is counted once; for none if the
    /// event contributes nothing; or for several keys if its windows do not depend on the key.
    fn lift(&self, event: &<Self::Source as Source>::Event<'_>, out: &mut impl Emit<Self::Partial>);
}

/// A derivation that turns the merged partials of each window (or session) and key into one record.
pub trait Windowed: Lift {
    /// The key fields and measures of the derived record.
    type Output: Serialize;

    /// Returns how many of the `events` in `partial` repeat another of these events. The default is 0; derivations that
    /// count a repeated event only once override it.
    fn duplicates(&self, _partial: &mut Self::Partial, _events: u64) -> u64 {
        0
    }

    /// Returns whether the window and key have a record. If one was written before this became `false`, it is
    /// withdrawn. The default is `true`.
    fn keeps(&self, _window: Window, _key: &RecordKey, _partial: &Self::Partial) -> bool {
        true
    }

    /// Returns the derived record of a window and key; `None` to write no record.
    fn finish(
        &self,
        window: Window,
        key: &RecordKey,
        partial: &Self::Partial,
    ) -> Option<Self::Output>;

    /// Returns whether the rows of a window are computed from all of its keys together, by [`Self::window_rows`]. If
    /// so, the key of a row need not be one of the window's keys, [`Self::keeps`] is not called, and [`Self::finish`]
    /// is called only for a row that is withdrawn: with the row's key and an empty partial. The default is `false`.
    /// Sessions have windows of their own for each key, so it must be `false` for them.
    fn by_window(&self) -> bool {
        false
    }

    /// Returns the rows of a window, each with its own key, in the order in which they are to be written. `groups` are
    /// the keys that have events in the window, each once; the rows must not depend on their order. A row that was
    /// written before and is no longer returned is withdrawn.
    fn window_rows<'g>(
        &self,
        _window: Window,
        _groups: impl Iterator<Item = Group<'g, Self::Partial>>,
    ) -> Vec<(RecordKey, Self::Output)> {
        Vec::new()
    }
}

/// A key and its partial in a window.
pub type Group<'g, P> = (&'g RecordKey, Cow<'g, P>);

/// A [`Windowed`] derivation over the sessions of each key.
pub trait Sessions: Windowed<Grouping = SessionGap> {
    /// Returns whether no more events of this session are expected. The session's record is then emitted without
    /// waiting for the gap to pass. If another event within the gap arrives after all, it is added to the session.
    fn is_complete(&self, session: Window, partial: &Self::Partial) -> bool;
}
