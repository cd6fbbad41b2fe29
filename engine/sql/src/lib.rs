//! SQL with windows over JSON events. [`plan`] turns a query's text into a [`Plan`], or returns an error with the
//! position and a suggestion. A [`Reader`] reads records of a declared [`Source`], and a [`Query`] computes the rows of
//! a plan from them. As a derivation ([`SqlWindows`], [`SqlSessions`]), a plan runs in the SmartModule and in the
//! runner; these need no parser, so they can be built without the feature `planner`.
//!
//! The meaning is that of DuckDB on the same rows; `docs/sql.md` lists the language and the differences.

mod aggregate;
mod alike;
#[cfg(feature = "planner")]
mod bind;
mod calendar;
mod cast;
mod checks;
mod code;
mod columns;
mod convert;
#[cfg(feature = "planner")]
mod declare;
mod declared;
mod derivation;
#[cfg(feature = "planner")]
mod error;
mod eval;
mod exact;
#[cfg(feature = "planner")]
mod explain;
mod first_rows;
mod float_sum;
mod functions;
mod join;
mod key;
mod like;
mod numbers;
mod places;
mod plan;
mod query;
mod read;
mod rows;
mod source;
mod table;
mod text;
mod types;
mod units;
mod updates;
mod value;
mod versions;

#[cfg(feature = "planner")]
pub use bind::{Catalog, OUTPUTS_MAX, TEXT_BYTES_MAX, plan, plan_derived};
pub use code::SOURCE as SOURCE_PARAMETER;
#[cfg(feature = "planner")]
pub use declare::{ColumnError, ColumnSpec};
pub use declared::DeclaredSource;
pub use derivation::{SqlRow, SqlSessions, SqlWindows, parameters, source_parameter};
#[cfg(feature = "planner")]
pub use error::{SqlError, suggestion};
pub use plan::{Join, Output, Plan, WindowPlan};
pub use query::{GROUPS_MAX, Query, Row, TooManyGroups};
pub use read::Reader;
pub use source::{Column, Path, Record, Source};
pub use table::Table;
pub use types::{DIGITS_MAX, SqlType};
pub use value::Value;
pub use versions::{SharedTable, TableVersions};
