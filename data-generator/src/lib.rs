//! A small seeded game world: players with sessions, purchases and servers, as the telemetry that they would send, and
//! the truth about the incidents that are planted into it.

mod broken;
mod catalog;
mod dice;
mod event;
mod fleet;
mod incidents;
mod payload;
mod population;
mod run;
mod sender;
mod serve;
mod shop;
mod truth_file;
mod world;

pub use event::{Broken, Event, Topic};
pub use incidents::{Incident, Subject};
pub use run::{GenerateError, Options, Pace, run};
pub use sender::Summary;
pub use serve::{ServeOptions, Served, serve};
pub use world::{DELAY_MS_MAX, World, WorldOptions};
