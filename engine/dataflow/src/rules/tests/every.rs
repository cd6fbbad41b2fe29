//! A keyed process for tests: records are `MILLISECONDS KEY`, and every n-th record of a key causes a detection.

use model::keyed_process::{Collect, Detection, TimedEvent};
use model::{KeyedProcess, ParamError, Params, RecordKey, Window};
use serde::Serialize;

use crate::spec::RULE_VERSION;
use crate::testing::{Tick, Ticks};

/// The process. It has a parameter for the version of its rules only if `VERSIONED` is set.
pub(super) struct Every<const VERSIONED: bool> {
    every: u64,
    version: u32,
}

#[derive(Serialize)]
pub(super) struct Nth {
    /// The number of records since the last detection.
    marks: u64,
    offset: i64,
    rule_version: u32,
}

impl<const VERSIONED: bool> KeyedProcess for Every<VERSIONED> {
    const NAME: &'static str = "every-nth";
    const PARAMETERS: &'static [&'static str] = if VERSIONED {
        &["every", RULE_VERSION]
    } else {
        &["every"]
    };
    type Source = Ticks;
    type Fact = ();
    type State = u64;
    type Output = Nth;

    fn from_params(params: &Params) -> Result<Self, ParamError> {
        let every: std::num::NonZeroU64 = params.require("every", "a whole number above 0")?;
        Ok(Self {
            every: every.get(),
            version: params.get(RULE_VERSION, "a whole number", 1)?,
        })
    }

    fn fact(&self, event: &Tick<'_>, out: &mut impl Collect<()>) {
        out.collect(&[event.parts().0], ());
    }

    fn on_event(
        &self,
        key: &RecordKey,
        marks: &mut u64,
        event: TimedEvent<()>,
        detections: &mut Vec<Detection<Nth>>,
    ) {
        *marks += 1;
        if *marks < self.every {
            return;
        }
        let output = Nth {
            marks: std::mem::take(marks),
            offset: event.offset,
            rule_version: self.version,
        };
        detections.push(Detection {
            key: key.clone(),
            span: Window::instant(event.time),
            output,
            revision: 0,
        });
    }

    fn is_empty(&self, marks: &u64) -> bool {
        *marks == 0
    }
}
