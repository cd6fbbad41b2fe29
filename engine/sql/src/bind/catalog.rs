//! What queries can name: the declared sources and tables.

use crate::source::Source;
use crate::table::Table;

/// The declared sources and tables.
#[derive(Clone, Copy, Debug)]
pub struct Catalog<'c> {
    /// The sources, which a query reads.
    pub sources: &'c [Source],
    /// The tables, which a query can join.
    pub tables: &'c [Table],
}

impl<'c, S: AsRef<[Source]> + ?Sized> From<&'c S> for Catalog<'c> {
    /// Creates a catalog without tables.
    fn from(sources: &'c S) -> Self {
        Self {
            sources: sources.as_ref(),
            tables: &[],
        }
    }
}
