//! Derived topics that follow each key's events one by one, in the order of event time: alerts.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::derivation::{Derivation, Emit};
use crate::event::Event;
use crate::key::RecordKey;
use crate::merge::Merge;
use crate::params::{ParamError, Params};
use crate::time::Timestamp;
use crate::window::{Shape, Window};

/// A state machine for each key. What it says depends on the key's events and their order in event
/// time alone: the SmartModule reduces each event to a fact, the runner keeps facts until the
/// watermark has passed them, and hands them over in order. Events of one time follow each other as
/// they stand in their partition.
pub trait Follow: Sized + Send + Sync + 'static {
    /// The derived topic; also the SmartModule's name.
    const NAME: &'static str;
    /// The names of its own parameters.
    const PARAMETERS: &'static [&'static str];

    /// The source event, borrowed from its record.
    type Event<'e>: Event<'e>;
    /// What matters of one event.
    type Fact: Clone + Serialize + DeserializeOwned + Send + Sync;
    /// What is remembered of a key; `Default` is a key that nothing is known of.
    type State: Default + Serialize + DeserializeOwned + Send + Sync;
    /// Key fields and measures of the derived record.
    type Output: Serialize;

    /// The machine with its own parameters; defaults where they are not given.
    fn from_params(params: &Params) -> Result<Self, ParamError>;

    /// Hands the event's fact to `out`, once, for the key that it concerns.
    fn fact(&self, event: &Self::Event<'_>, out: &mut impl Collect<Self::Fact>);

    /// The next event of the key. Deadlines up to its time have been reached before.
    fn follow(
        &self,
        key: &RecordKey,
        state: &mut Self::State,
        event: Moment<Self::Fact>,
        findings: &mut Vec<Finding<Self::Output>>,
    );

    /// When [`reach`](Self::reach) is to be called if no event of the key comes before.
    fn deadline(&self, _state: &Self::State) -> Option<Timestamp> {
        None
    }

    /// Event time has come to `deadline` without an event of the key. The next deadline must lie
    /// after it.
    fn reach(
        &self,
        _key: &RecordKey,
        _state: &mut Self::State,
        _deadline: Timestamp,
        _findings: &mut Vec<Finding<Self::Output>>,
    ) {
    }

    /// Whether the state says no more than an empty one, so that the key can be forgotten.
    fn is_spent(&self, state: &Self::State) -> bool;
}

/// Where an event's fact goes.
pub trait Collect<F> {
    /// Takes the fact for the key made of `key`'s fields.
    fn collect(&mut self, key: &[&str], fact: F);
}

/// An event of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment<F> {
    /// Its event time.
    pub time: Timestamp,
    /// Its source partition.
    pub partition: usize,
    /// Its offset there.
    pub offset: i64,
    /// What matters of it.
    pub fact: F,
}

/// What a state machine has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<T> {
    /// The derived record's key.
    pub key: RecordKey,
    /// What it is about. No two findings of a key begin at the same time, unless one revises the
    /// other.
    pub span: Window,
    /// Key fields and measures.
    pub output: T,
    /// 0, and one more for each finding that revises it.
    pub revision: u32,
}

/// The facts that a batch holds of one key, in the order of their offsets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts<F>(pub Vec<Fact<F>>);

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact<F> {
    /// The event's time.
    pub time: Timestamp,
    /// The event's offset.
    pub offset: i64,
    /// What matters of it.
    pub fact: F,
}

impl<F> Default for Facts<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F> Merge for Facts<F> {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// A state machine's half beside the data, as a derivation: its partials are facts.
pub struct FactsOf<M>(M);

impl<M: Follow> Derivation for FactsOf<M> {
    const NAME: &'static str = M::NAME;
    const PARAMETERS: &'static [&'static str] = M::PARAMETERS;
    const SHAPE: Shape = Shape::Events;
    type Event<'e> = M::Event<'e>;
    type Partial = Facts<M::Fact>;
    type Output = ();

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        M::from_params(params).map(Self)
    }

    fn lift(&self, event: &Self::Event<'_>, out: &mut impl Emit<Self::Partial>) {
        let time = event.time();
        self.0.fact(event, &mut Collector { out, time });
    }

    fn finish(&self, _: Window, _: &RecordKey, _: &Self::Partial) -> Option<()> {
        None
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
