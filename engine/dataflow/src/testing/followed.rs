//! A keyed process whose detections depend on the order of events. It numbers the events of a key and reports each
//! event together with the value of the one before. Every third event revises the detection of the event before it.
//! Each silence is reported once.

use model::keyed_process::{Collect, Detection, KeyedProcess, TimedEvent};
use model::{ParamError, Params, RecordKey, Timestamp, Window};
use serde::{Deserialize, Serialize};

use super::{Tick, Ticks};

/// A key without events for this long is silent.
pub(crate) const SILENCE_MS: i64 = 5_000;

/// A key that becomes silent after this many events or more is forgotten.
const FORGOTTEN_AFTER: u64 = 6;

pub(crate) struct FollowedTicks;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Followed {
    events: u64,
    last: Option<(Timestamp, String)>,
    silent: bool,
}

/// The measures of the row of an event or of a silence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Noted {
    pub(crate) what: String,
}

impl KeyedProcess for FollowedTicks {
    const NAME: &'static str = "followed-ticks";
    const PARAMETERS: &'static [&'static str] = &[];
    type Source = Ticks;
    type Fact = String;
    type State = Followed;
    type Output = Noted;

    fn from_params(_: &Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn fact(&self, event: &Tick<'_>, out: &mut impl Collect<String>) {
        let (key, value) = event.parts();
        out.collect(&[key], value.to_owned());
    }

    fn on_event(
        &self,
        key: &RecordKey,
        state: &mut Followed,
        event: TimedEvent<String>,
        detections: &mut Vec<Detection<Noted>>,
    ) {
        let TimedEvent { time, fact, .. } = event;
        state.events += 1;
        let before = state.last.replace((time, fact.clone()));
        state.silent = false;
        let what = match &before {
            Some((_, value)) => format!("{fact} after {value}"),
            None => fact.clone(),
        };
        let number = state.events;
        detections.push(detection(key, number, Window::instant(time), what, 0));
        if number.is_multiple_of(3)
            && let Some((before, value)) = before
        {
            let what = format!("{value} before {fact}");
            detections.push(detection(key, number - 1, Window::instant(before), what, 1));
        }
    }

    fn timer(&self, state: &Followed) -> Option<Timestamp> {
        let (last, _) = state.last.as_ref().filter(|_| !state.silent)?;
        Some(last.plus_ms(SILENCE_MS))
    }

    fn on_timer(
        &self,
        key: &RecordKey,
        state: &mut Followed,
        deadline: Timestamp,
        detections: &mut Vec<Detection<Noted>>,
    ) {
        let span = Window {
            start: deadline.plus_ms(-SILENCE_MS),
            end: deadline,
        };
        let key = RecordKey::new(&[key.as_str(), "silent"]);
        let what = format!("silent after {} events", state.events);
        detections.push(Detection {
            key,
            span,
            output: Noted { what },
            revision: 0,
        });
        state.silent = true;
        if state.events >= FORGOTTEN_AFTER {
            *state = Followed::default();
        }
    }

    fn is_empty(&self, state: &Followed) -> bool {
        *state == Followed::default()
    }
}

fn detection(
    key: &RecordKey,
    number: u64,
    span: Window,
    what: String,
    revision: u32,
) -> Detection<Noted> {
    Detection {
        key: RecordKey::new(&[key.as_str(), &number.to_string()]),
        span,
        output: Noted { what },
        revision,
    }
}
