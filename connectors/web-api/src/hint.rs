//! Hints in responses to records that are something other than an event, such as an event of an analytics SDK.

use model::{Reason, Rejection};

use crate::sources::Sources;
use crate::topics::{SourceRecords, SourceTopic};

/// Whether the record is something other than an event, rather than an event with an error.
pub(crate) fn is_foreign(rejection: &Rejection, record: &[u8]) -> bool {
    match rejection.subject.as_ref() {
        "event_name" => true,
        "record" => rejection.reason == Reason::NotJson && record.first() != Some(&b'{'),
        _ => false,
    }
}

/// Describes the records of a source.
pub(crate) fn of_source(source: &SourceTopic, sources: &Sources) -> String {
    match source.records() {
        SourceRecords::BuiltIn(_) => of_events(sources),
        SourceRecords::Declared(_) => format!(
            "a record of `{topic}` is an object; a body is one record, an array of records, \
             {{\"sent_at\": …, \"events\": […]}}, or one record per line as application/x-ndjson; the schema \
             `{topic}` in /openapi.json lists every field",
            topic = source.topic()
        ),
    }
}

/// Describes the events of `/v1/events`.
pub(crate) fn of_events(sources: &Sources) -> String {
    let names: Vec<_> = sources
        .event_names()
        .map(|name| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        let topics: Vec<_> = sources.topics().collect();
        return format!(
            "no source of the dataflow file has `event_names`, so /v1/events writes no records: post to \
             /v1/sources/{{source}}, where the sources are {}, or declare `event_names`",
            topics.join(", ")
        );
    }
    format!(
        "an event is an object with `event_name` ({names}) and the fields of its kind; a body is one event, an array \
         of events, {{\"sent_at\": …, \"events\": […]}}, or one event per line as application/x-ndjson; /docs lists \
         every field, and how to map events of other SDKs",
        names = names.join(", ")
    )
}
