//! The reasons why a dataflow file cannot be used, and their positions in it.

use super::line;
use super::query::place_in_file;

/// A dataflow file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The file is not YAML, or not a dataflow file. The YAML parser's error has the line and column, if they are
    /// known.
    #[error("the dataflow file cannot be read: {0}")]
    Syntax(#[from] serde_yaml::Error),
    /// A derivation reads from a topic that is not a source.
    #[error(
        "derivation `{derivation}` reads from `{topic}`, which is not among the sources: {known}"
    )]
    UnknownSource {
        /// The derivation.
        derivation: String,
        /// The topic that the derivation reads from.
        topic: String,
        /// The sources in the dataflow file.
        known: String,
    },
    /// There is no code for the derivation.
    #[error("unknown derivation `{derivation}`; known derivations: {known}")]
    UnknownDerivation {
        /// The derivation.
        derivation: String,
        /// The known derivations.
        known: String,
    },
    /// The derivation cannot read the events of its source topic.
    #[error(
        "derivation `{derivation}` reads from `{topic}`, but it needs the events of `{expected}`"
    )]
    WrongSource {
        /// The derivation.
        derivation: String,
        /// The topic that the derivation reads from.
        topic: String,
        /// The topic whose events the derivation can read.
        expected: String,
    },
    /// A value is not allowed.
    #[error("`{place}` is `{value}`: {expected}")]
    Invalid {
        /// The position in the dataflow file.
        place: String,
        /// The value.
        value: String,
        /// What is expected instead.
        expected: String,
    },
    /// The topics of the dataflow file have too many partitions in total.
    #[error(
        "the dataflow file's topics have {partitions} partitions in total; the limit is {max}; reduce some"
    )]
    Partitions {
        /// The number of partitions in the dataflow file.
        partitions: u32,
        /// The maximum number of partitions.
        max: u32,
    },
    /// The `window` is missing, not allowed, or of a kind that the derivation does not support.
    #[error("derivation `{derivation}`: {expected}")]
    Window {
        /// The derivation.
        derivation: String,
        /// The expected form.
        expected: &'static str,
    },
    /// A derivation's query cannot be planned.
    #[error("line {line}, column {column}: derivation `{derivation}`: {message}")]
    Query {
        /// The derivation.
        derivation: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What was found, and what is expected.
        message: String,
    },
    /// A derivation with a query has a setting that only others have.
    #[error(
        "derivation `{derivation}` has `sql`, so it has no `{setting}`: {reason}; remove `{setting}`"
    )]
    WithQuery {
        /// The derivation.
        derivation: String,
        /// The setting.
        setting: &'static str,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A derivation's parameters are wrong.
    #[error("derivation `{derivation}`: {cause}")]
    Parameter {
        /// The derivation.
        derivation: String,
        /// The error in the parameters.
        cause: model::ParamError,
    },
    /// A value of a view is not allowed.
    #[error("view `{title}`: `{field}` is `{value}`: {expected}")]
    View {
        /// The number of the view, from 0.
        index: usize,
        /// The title of the view.
        title: String,
        /// The setting.
        field: &'static str,
        /// The value.
        value: String,
        /// What is expected instead.
        expected: String,
    },
    /// Another error, with its line.
    #[error("line {line}: {cause}")]
    At {
        /// The line of the dataflow file, from 1.
        line: usize,
        /// The error on that line.
        cause: Box<SpecError>,
    },
}

impl SpecError {
    /// Adds the line in the dataflow file to the error, if the line is known.
    pub fn located(mut self, yaml: &str) -> Self {
        if let Self::Query {
            derivation,
            line,
            column,
            ..
        } = &mut self
        {
            let place = place_in_file(yaml, derivation, (*line, *column));
            let header = || line::line_of(yaml, "derivations", derivation, "sql");
            if let Some(place) = place.or_else(|| Some((header()?, 1))) {
                (*line, *column) = place;
            }
            return self;
        }
        let found = if let Self::View { index, field, .. } = &self {
            line::line_of_item(yaml, "views", *index, field)
        } else {
            let (section, name, field) = self.place();
            let field = if field == "hop" { "window" } else { field };
            line::line_of(yaml, section, name, field)
        };
        match found {
            Some(line) => Self::At {
                line,
                cause: Box::new(self),
            },
            None => self,
        }
    }

    /// The section of the dataflow file that contains the error, the name of the entry in that section, and the field
    /// of that entry. They are empty if they are not known.
    fn place(&self) -> (&str, &str, &str) {
        const DERIVATIONS: &str = "derivations";
        match self {
            Self::Parameter { derivation, cause } => (
                DERIVATIONS,
                derivation,
                cause.parameter().trim_end_matches("_ms"),
            ),
            Self::Window { derivation, .. } => (DERIVATIONS, derivation, "window"),
            Self::UnknownSource { derivation, .. } | Self::WrongSource { derivation, .. } => {
                (DERIVATIONS, derivation, "from")
            }
            Self::UnknownDerivation { derivation, .. } => (DERIVATIONS, derivation, ""),
            Self::Invalid { place, .. } => {
                let (section, rest) = place.split_once('.').unwrap_or((place, ""));
                let column = rest
                    .split_once(".columns.")
                    .map(|(name, column)| (name, column.split('.').next().unwrap_or(column)));
                let (name, field) = column
                    .or_else(|| rest.rsplit_once('.'))
                    .unwrap_or((rest, ""));
                (section, name, field)
            }
            Self::WithQuery {
                derivation,
                setting,
                ..
            } => (DERIVATIONS, derivation, setting),
            Self::Syntax(_)
            | Self::Partitions { .. }
            | Self::Query { .. }
            | Self::View { .. }
            | Self::At { .. } => ("", "", ""),
        }
    }
}
