//! Parses the parameters of a view: game, level, user and span.

use std::ops::Range;

use crate::error::RequestError;

/// The length of the span if the request sets none.
const MINUTES_DEFAULT: i64 = 15;
const MINUTES_MAX: i64 = 24 * 60;
/// The maximum length of a name in a request. It is more than the maximum for identifiers in events.
const NAME_BYTES_MAX: usize = 1_000;

/// The parameters of a request. Requests for the same view with equal parameters share one cached response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    pub(crate) game: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) user: Option<String>,
    minutes: Option<i64>,
    from: Option<i64>,
    to: Option<i64>,
}

impl Query {
    /// Parses the query string of a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, RequestError> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let bad = |expected| RequestError::BadParameter {
                name: name.clone().into_owned(),
                value: value.clone().into_owned(),
                expected,
            };
            let text = || {
                let fits = value.len() <= NAME_BYTES_MAX;
                fits.then(|| value.clone().into_owned())
                    .ok_or_else(|| bad("at most 1000 bytes"))
            };
            let number = |range: Range<i64>, expected| {
                let number = value
                    .parse::<i64>()
                    .ok()
                    .filter(|number| range.contains(number));
                number.ok_or_else(|| bad(expected))
            };
            let time = || number(0..i64::from(i32::MAX) * 1_000, "milliseconds since 1970");
            match &*name {
                "game" => query.game = Some(text()?),
                "level" => query.level = Some(text()?),
                "user" => query.user = Some(text()?),
                "last" => query.minutes = Some(number(1..MINUTES_MAX + 1, "1 to 1440 minutes")?),
                "from" => query.from = Some(time()?),
                "to" => query.to = Some(time()?),
                _ => {
                    return Err(bad(
                        "known parameters are game, level, user, last, from and to",
                    ));
                }
            }
        }
        if query.from.is_some() != query.to.is_some() || query.from > query.to {
            return Err(RequestError::BadParameter {
                name: "from".to_owned(),
                value: query.from.unwrap_or_default().to_string(),
                expected: "give `from` and `to` together, with `from` no later than `to`",
            });
        }
        Ok(query)
    }

    /// Returns a query for the last minutes.
    pub(crate) fn last(minutes: u16) -> Self {
        Self {
            minutes: Some(i64::from(minutes)),
            ..Self::default()
        }
    }

    /// Whether the request sets the span.
    pub(crate) fn has_span(&self) -> bool {
        self.minutes.is_some() || self.from.is_some()
    }

    /// Returns the span in milliseconds since 1970. Without `from` and `to` it ends at `now`.
    pub(crate) fn range(&self, now: i64) -> Range<i64> {
        match (self.from, self.to) {
            (Some(from), Some(to)) => from.max(to - MINUTES_MAX * 60_000)..to,
            _ => now - self.minutes.unwrap_or(MINUTES_DEFAULT) * 60_000..now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoded_names_are_decoded() {
        let query = Query::parse("game=a%20b&level=%3Cscript%3E&user=x%26y").unwrap();
        let names = [query.game, query.level, query.user].map(Option::unwrap);
        assert_eq!(names, ["a b", "<script>", "x&y"]);
    }

    #[test]
    fn a_range_is_the_last_minutes_or_as_given() {
        let range = |text| Query::parse(text).map(|query| query.range(100_000_000));
        assert_eq!(range("").unwrap(), 99_100_000..100_000_000);
        assert_eq!(range("last=60").unwrap(), 96_400_000..100_000_000);
        assert_eq!(range("from=5&to=70").unwrap(), 5..70);
        for bad in [
            "last=0",
            "last=1441",
            "from=5",
            "from=9&to=5",
            "from=-1&to=5",
            "x=1",
            "last=a",
        ] {
            assert!(range(bad).is_err(), "{bad}");
        }
        assert!(Query::parse(&format!("game={}", "a".repeat(1_001))).is_err());
    }
}
