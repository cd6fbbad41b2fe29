//! The invariants of the repository that no compiler checks, read from its files.
//!
//! Each module holds one kind of rule; each rule is one test, whose failure says file, line and
//! what to do. Rules walk the folders, so that a new room is under them from its first day.

mod arrows;
mod dependencies;
mod files;
mod maps;
mod repository;
mod words;
