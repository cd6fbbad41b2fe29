//! Checks the rules of the repository that no compiler checks, by reading its files.
//!
//! Each module contains one kind of rule. A rule reports problems as lines `file:line: what is wrong: what to do`. One
//! test applies a rule to the repository; some rules have a second test, with a small text that breaks the rule. Rules
//! find their files by walking the folders, so that they also apply to new crates.

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
