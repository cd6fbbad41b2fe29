//! Generates a small seeded game world: the telemetry of players, purchases and servers, and ground truth about
//! planted incidents.

mod broken;
mod calendar;
mod catalogue;
mod deed;
mod dice;
mod error;
mod event;
mod feed;
mod fleet;
mod incidents;
mod lines;
mod pace;
mod payload;
mod people;
mod population;
mod run;
pub mod score;
mod sender;
mod serve;
mod shop;
mod sink;
mod storefront;
mod truth_file;
mod wallet;
mod world;

pub use catalogue::{Catalogue, CatalogueError, Game, Map};
pub use error::GenerateError;
pub use event::{Broken, DELAY_MS_MAX, Event, Topic};
pub use incidents::{Incident, Subject};
pub use pace::Pace;
pub use run::{Options, run, write_lines};
pub use sender::Summary;
pub use serve::{ServeOptions, Served, serve};
pub use world::{People, World, WorldOptions};

/// The examples of the README, which compile as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
