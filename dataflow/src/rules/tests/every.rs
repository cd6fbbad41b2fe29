//! A derivation that follows events one by one: records are `MILLISECONDS KEY`, and every n-th of a
//! key is a finding.

use model::follow::{Collect, Finding, Moment};
use model::{Follow, ParamError, Params, RecordKey, Window};
use serde::Serialize;

use crate::rules::RULE_VERSION;
use crate::testing::Tick;

/// Not `VERSIONED`, it does not say which rules it goes by.
pub(super) struct Every<const VERSIONED: bool> {
    every: u64,
    version: u32,
}

#[derive(Serialize)]
pub(super) struct Nth {
    /// How many there were since the last finding.
    marks: u64,
    offset: i64,
    rule_version: u32,
}

impl<const VERSIONED: bool> Follow for Every<VERSIONED> {
    const NAME: &'static str = "every-nth";
    const PARAMETERS: &'static [&'static str] = if VERSIONED {
        &["every", RULE_VERSION]
    } else {
        &["every"]
    };
    type Event<'e> = Tick<'e>;
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

    fn follow(
        &self,
        key: &RecordKey,
        marks: &mut u64,
        event: Moment<()>,
        findings: &mut Vec<Finding<Nth>>,
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
        findings.push(Finding {
            key: key.clone(),
            span: Window::instant(event.time),
            output,
            revision: 0,
        });
    }

    fn is_spent(&self, marks: &u64) -> bool {
        *marks == 0
    }
}
