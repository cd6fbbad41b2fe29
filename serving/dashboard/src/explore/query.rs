//! Parses a query of the page *Explore*.

use crate::error::RequestError;
use crate::limits::{FILTERS_MAX, MEASURES_MAX};
use crate::query::Query;

/// The maximum length of a column, a topic or a filter in a request.
const TEXT_BYTES_MAX: usize = 1_000;

/// What a chart and the table below it show. Equal queries share one cached response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ExploreQuery {
    pub(crate) topic: Option<String>,
    pub(crate) measures: Vec<String>,
    pub(crate) split: Option<String>,
    /// Columns, and the text that each must have; an empty text matches null.
    pub(crate) filters: Vec<(String, String)>,
    pub(crate) span: Query,
}

impl ExploreQuery {
    /// Parses the query string of a URL. Parameters that it does not know itself are those of any view.
    pub(crate) fn parse(text: &str) -> Result<Self, RequestError> {
        let mut query = Self::default();
        let mut others = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let bad = |expected| RequestError::BadParameter {
                name: name.clone().into_owned(),
                value: value.chars().take(TEXT_BYTES_MAX).collect(),
                expected,
            };
            if !["topic", "measure", "split", "filter"].contains(&&*name) {
                others.append_pair(&name, &value);
                continue;
            }
            if value.len() > TEXT_BYTES_MAX {
                return Err(bad("at most 1000 bytes"));
            }
            match &*name {
                "topic" => query.topic = Some(value.into_owned()),
                "split" => query.split = Some(value.into_owned()),
                "measure" if query.measures.iter().any(|known| *known == value) => {}
                "measure" if query.measures.len() == MEASURES_MAX => {
                    return Err(bad("at most 6 measures"));
                }
                "measure" => query.measures.push(value.into_owned()),
                _ if query.filters.len() == FILTERS_MAX => return Err(bad("at most 10 filters")),
                _ => {
                    let (column, wanted) =
                        value.split_once('=').ok_or_else(|| bad("COLUMN=VALUE"))?;
                    let filter = (column.to_owned(), wanted.to_owned());
                    query.filters.push(filter);
                }
            }
        }
        query.span = Query::parse(&others.finish())?;
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_repeated_parameters() {
        let query = ExploreQuery::parse(
            "topic=a&measure=n&measure=m&measure=n&split=region&filter=x%3D1%3D2&last=60",
        );
        let query = query.unwrap();
        assert_eq!(query.measures, ["n", "m"]);
        assert_eq!(query.filters, [("x".to_owned(), "1=2".to_owned())]);
        assert_eq!(query.span.range(3_600_000), 0..3_600_000);
    }

    #[test]
    fn bad_parameters_are_refused() {
        let many = |parameter: &str| {
            (0..11)
                .map(|n| format!("{parameter}{n}=&"))
                .collect::<String>()
        };
        let long = format!("topic={}", "x".repeat(1_001));
        let (measures, filters) = (
            (0..7).map(|n| format!("measure=m{n}&")).collect::<String>(),
            many("filter=c").replace("=&", "%3D&"),
        );
        for text in [
            "filter=x",
            "last=0",
            "nothing=1",
            &long,
            &measures,
            &filters,
        ] {
            assert!(ExploreQuery::parse(text).is_err(), "{text}");
        }
    }
}
