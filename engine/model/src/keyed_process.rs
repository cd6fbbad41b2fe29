//! The interface of derivations that process the events of each key one by one, in the order of event time, such as
//! those that raise alerts.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::derivation::Lift;
use crate::emit::Emit;
use crate::event::Event;
use crate::grouping::SingleEvents;
use crate::key::RecordKey;
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::source::Source;
use crate::time::Timestamp;
use crate::window::Window;

/// A state machine for each key. Its detections depend only on the key's events and their order in event
/// time. The SmartModule reduces each event to a fact. The runner stores the facts until the watermark has
/// passed them and then processes them in order. Events of the same time are ordered by partition and offset.
pub trait KeyedProcess: Sized + Send + Sync + 'static {
    /// The name of the derived topic.
    const NAME: &'static str;
    /// The names of the process's own parameters.
    const PARAMETERS: &'static [&'static str];

    /// The source, which reads the events from its records.
    type Source: Source;
    /// The part of an event's data that the process needs.
    type Fact: Clone + Serialize + DeserializeOwned + Send + Sync;
    /// The state of a key. The `Default` value is the state of a key without events.
    type State: Default + Serialize + DeserializeOwned + Send + Sync;
    /// The key fields and measures of the derived record.
    type Output: Serialize;

    /// Creates the process from its own parameters. A parameter that is not given takes its default.
    fn from_params(params: &Params) -> Result<Self, ParamError>;

    /// Passes the event's fact to `out` exactly once, under the key to which the event belongs.
    fn fact(&self, event: &<Self::Source as Source>::Event<'_>, out: &mut impl Collect<Self::Fact>);

    /// Processes the next event of the key. All timers up to the event's time have already fired.
    fn on_event(
        &self,
        key: &RecordKey,
        state: &mut Self::State,
        event: TimedEvent<Self::Fact>,
        detections: &mut Vec<Detection<Self::Output>>,
    );

    /// Returns the event time at which [`on_timer`](Self::on_timer) is called unless an event of the key comes
    /// first; `None` for no timer.
    fn timer(&self, _state: &Self::State) -> Option<Timestamp> {
        None
    }

    /// Called when event time reaches `timer` and no event of the key came before it. After this call,
    /// [`timer`](Self::timer) must return a later time, or `None`.
    fn on_timer(
        &self,
        _key: &RecordKey,
        _state: &mut Self::State,
        _timer: Timestamp,
        _detections: &mut Vec<Detection<Self::Output>>,
    ) {
    }

    /// Returns whether the state is equivalent to the default state, so that the key can be dropped.
    fn is_empty(&self, state: &Self::State) -> bool;
}

/// Receives an event's fact.
pub trait Collect<F> {
    /// Adds the fact under the key with these fields.
    fn collect(&mut self, key: &[&str], fact: F);
}

/// An event of a key, reduced to its fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedEvent<F> {
    /// The event time.
    pub time: Timestamp,
    /// The source partition.
    pub partition: usize,
    /// The offset in the source partition.
    pub offset: i64,
    /// The data of the event that the process needs.
    pub fact: F,
}

/// The result of a process: one revision of a derived record.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection<T> {
    /// The key of the derived record.
    pub key: RecordKey,
    /// The span of event time that the detection covers. Detections of one key whose spans begin at the same time
    /// are revisions of one record.
    pub span: Window,
    /// The key fields and measures.
    pub output: T,
    /// The number of the revision: 0 for the first detection of a record, and one more for each detection that revises
    /// the record.
    pub revision: u32,
}

/// The facts of one key in a batch, in the order of their offsets. Most keys have one fact in a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts<F>(pub SmallVec<[Fact<F>; 1]>);

/// The fact of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact<F> {
    /// The event's time.
    pub time: Timestamp,
    /// The event's offset.
    pub offset: i64,
    /// The data of the event that the process needs.
    pub fact: F,
}

impl<F> Default for Facts<F> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<F> Merge for Facts<F> {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// The part of a [`KeyedProcess`] that runs in the SmartModule. Its partials contain the facts of the events.
pub struct FactsOf<K>(K);

impl<K: KeyedProcess> Lift for FactsOf<K> {
    const NAME: &'static str = K::NAME;
    const PARAMETERS: &'static [&'static str] = K::PARAMETERS;

    type Grouping = SingleEvents;
    type Source = K::Source;
    type Partial = Facts<K::Fact>;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        K::from_params(params).map(Self)
    }

    fn lift(&self, event: &<K::Source as Source>::Event<'_>, out: &mut impl Emit<Self::Partial>) {
        let time = event.time();
        self.0.fact(event, &mut Collector { out, time });
    }
}

struct Collector<'o, O> {
    out: &'o mut O,
    time: Timestamp,
}

impl<F, O: Emit<Facts<F>>> Collect<F> for Collector<'_, O> {
    fn collect(&mut self, key: &[&str], fact: F) {
        let (time, offset) = (self.time, self.out.offset());
        self.out
            .emit(key, |facts| facts.0.push(Fact { time, offset, fact }));
    }
}
