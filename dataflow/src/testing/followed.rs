//! A state machine whose findings depend on the order of events: each event is numbered and names
//! the one before it, each third event revises what was said of the second, and silence is reported
//! once.

use model::follow::{Collect, Finding, Follow, Moment};
use model::{ParamError, Params, RecordKey, Timestamp, Window};
use serde::{Deserialize, Serialize};

use super::Tick;

/// A key of which nothing came for this long is silent.
pub(crate) const SILENCE_MS: i64 = 5_000;

/// A key that falls silent after so many events is forgotten.
const FORGOTTEN_AFTER: u64 = 6;

pub(crate) struct FollowedTicks;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Followed {
    events: u64,
    last: Option<(Timestamp, String)>,
    silent: bool,
}

/// What is said of an event or of silence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Said {
    pub(crate) what: String,
}

impl Follow for FollowedTicks {
    const NAME: &'static str = "followed-ticks";
    const PARAMETERS: &'static [&'static str] = &[];
    type Event<'e> = Tick<'e>;
    type Fact = String;
    type State = Followed;
    type Output = Said;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn fact(&self, event: &Tick<'_>, out: &mut impl Collect<String>) {
        let (key, value) = event.parts();
        out.collect(&[key], value.to_owned());
    }

    fn follow(
        &self,
        key: &RecordKey,
        state: &mut Followed,
        event: Moment<String>,
        findings: &mut Vec<Finding<Said>>,
    ) {
        let Moment { time, fact, .. } = event;
        state.events += 1;
        let before = state.last.replace((time, fact.clone()));
        state.silent = false;
        let what = match &before {
            Some((_, value)) => format!("{fact} after {value}"),
            None => fact.clone(),
        };
        let number = state.events;
        findings.push(finding(key, number, Window::instant(time), what, 0));
        if number.is_multiple_of(3)
            && let Some((before, value)) = before
        {
            let what = format!("{value} before {fact}");
            findings.push(finding(key, number - 1, Window::instant(before), what, 1));
        }
    }

    fn deadline(&self, state: &Followed) -> Option<Timestamp> {
        let (last, _) = state.last.as_ref().filter(|_| !state.silent)?;
        Some(last.plus_ms(SILENCE_MS))
    }

    fn reach(
        &self,
        key: &RecordKey,
        state: &mut Followed,
        deadline: Timestamp,
        findings: &mut Vec<Finding<Said>>,
    ) {
        let span = Window {
            start: deadline.plus_ms(-SILENCE_MS),
            end: deadline,
        };
        let key = RecordKey::new(&[key.as_str(), "silent"]);
        let what = format!("silent after {} events", state.events);
        findings.push(Finding {
            key,
            span,
            output: Said { what },
            revision: 0,
        });
        state.silent = true;
        if state.events >= FORGOTTEN_AFTER {
            *state = Followed::default();
        }
    }

    fn is_spent(&self, state: &Followed) -> bool {
        *state == Followed::default()
    }
}

fn finding(
    key: &RecordKey,
    number: u64,
    span: Window,
    what: String,
    revision: u32,
) -> Finding<Said> {
    Finding {
        key: RecordKey::new(&[key.as_str(), &number.to_string()]),
        span,
        output: Said { what },
        revision,
    }
}
