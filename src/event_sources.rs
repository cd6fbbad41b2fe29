//! The sources of the dataflow file as the web API sees them.

use dataflow::{DataflowSpec, SpecError};
use web_api::{DeclaredSource, Sources};

/// Returns the sources, with their record keys and the names of their events.
pub(crate) fn event_sources(dataflow: &DataflowSpec) -> Result<Sources, SpecError> {
    let columns = dataflow.query_sources()?;
    let declared = columns
        .into_iter()
        .zip(dataflow.sources.values())
        .map(|(columns, source)| DeclaredSource {
            columns,
            key: source.key.clone(),
            event_names: source.event_names.clone(),
        });
    Sources::new(declared.collect()).map_err(|error| SpecError::Invalid {
        place: error.place,
        value: error.value,
        expected: error.expected,
    })
}
