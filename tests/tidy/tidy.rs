//! Checks the rules of the repository that no compiler checks, by reading its files.
//!
//! Each module contains one kind of rule. A rule is a function from files to problems, and a problem is a line
//! `file:line: what is wrong: what to do`. One test applies the rule to the repository, another one to a small text
//! that breaks it. Rules walk the folders, so that they apply to a new crate from its first day.

mod arrows;
mod cycles;
mod dependencies;
mod files;
mod functions;
mod idiom;
mod maps;
mod ratchet;
mod repository;
mod width;
mod words;
