//! SQL with windows over JSON events. [`plan`] turns a query's text into a [`Plan`], or returns an error with the
//! position and a suggestion. A [`Reader`] reads records of a declared [`Source`], and a [`Query`] computes the rows of
//! a plan from them.
//!
//! The meaning is that of DuckDB on the same rows; `docs/sql.md` lists the language and the differences.

mod aggregate;
mod bind;
mod calendar;
mod cast;
mod declare;
mod error;
mod eval;
mod exact;
mod float_sum;
mod functions;
mod like;
mod numbers;
mod plan;
mod query;
mod read;
mod source;
mod text;
mod types;
mod value;

pub use bind::{OUTPUTS_MAX, TEXT_BYTES_MAX, plan};
pub use declare::{ColumnError, ColumnSpec};
pub use error::SqlError;
pub use plan::{Output, Plan, WindowPlan};
pub use query::{GROUPS_MAX, Query, Row, TooManyGroups};
pub use read::{Misfit, Reader};
pub use source::{Column, Path, Record, Source};
pub use types::{DIGITS_MAX, SqlType};
pub use value::Value;
