//! The mergeable types from which partials are built. Each is a commutative monoid whose identity is `Default`.
//!
//! The order and grouping of calls of `merge` may affect how a value is stored, but never the result of
//! [`Windowed::finish`](crate::Windowed::finish). Any split of the records into batches and partitions therefore gives
//! the same result.

mod distinct;
mod earliest;
mod latest;
mod ledger;
mod names;
mod piece;
mod quantiles;
mod sorted_set;
mod spread;

pub use distinct::{Distinct, fingerprint};
pub use earliest::Earliest;
pub use latest::Latest;
pub use ledger::{Bookkeeping, Ledger, Totals};
pub use names::Names;
pub use quantiles::{QUANTILE_ERROR, Quantiles};
pub use sorted_set::SortedSet;
pub use spread::Spread;

/// A commutative monoid. Counts and sums are plain integers, which implementations of `merge` add directly.
pub trait Merge: Default {
    /// Adds `other` to `self`.
    fn merge(&mut self, other: Self);

    /// Brings the value into the form in which it is encoded, without changing its meaning. Called before a partial is
    /// encoded.
    fn settle(&mut self) {}
}
