//! Turns a query into the lines of a derivation, to be added to a dataflow file.

use std::collections::BTreeMap;

use serde_yaml::Value;
use sql::Catalog;

use super::registration::Registry;
use super::{DataflowSpec, DerivationSpec, SpecError, line};

/// The indentation of derivations in a dataflow file that has none yet.
const INDENTATION: usize = 2;

impl DataflowSpec {
    /// Returns the lines that make a query a derivation of this name, for the section `derivations` of a dataflow file.
    /// The query must be one that the dataflow file with these lines would accept.
    pub fn derivation_lines(
        yaml: &str,
        name: &str,
        query: &str,
        registry: &Registry,
    ) -> Result<String, SpecError> {
        let mut dataflow: Self = serde_yaml::from_str(yaml)?;
        let mut spec: DerivationSpec = serde_yaml::from_str("{}")?;
        spec.sql = Some(query.to_owned());
        if dataflow.derivations.insert(name.to_owned(), spec).is_some() {
            return Err(SpecError::Invalid {
                place: format!("derivations.{name}"),
                value: name.to_owned(),
                expected: "the dataflow file has a derivation of this name; choose a different one"
                    .to_owned(),
            });
        }
        dataflow.complete(registry)?;
        let (sources, tables) = (dataflow.query_sources()?, dataflow.query_tables()?);
        let known = Catalog {
            sources: &sources,
            tables: &tables,
        };
        let is_same = |lines: &String| dataflow.reads_back(lines, name, known);
        let indentation = line::indentation_of(yaml, "derivations").unwrap_or(INDENTATION);
        let forms = forms(name, query, indentation);
        let [.., quoted] = &forms;
        Ok(forms
            .iter()
            .find(|form| is_same(form))
            .unwrap_or(quoted)
            .clone())
    }

    /// Returns whether lines of a dataflow file contain only the derivation `name`, with the same plan as this file.
    fn reads_back(&self, lines: &str, name: &str, known: Catalog<'_>) -> bool {
        let Ok(mut read) = serde_yaml::from_str::<BTreeMap<String, DerivationSpec>>(lines) else {
            return false;
        };
        let is_same = |spec: &mut DerivationSpec| {
            spec.plan_query(name, known).is_ok() && spec.code == self.derivations[name].code
        };
        read.len() == 1 && read.get_mut(name).is_some_and(is_same)
    }
}

/// Returns the lines in several forms, the most readable one first. Not every query can be written in every form: the
/// first one joins lines, and a comment ends with its line. The last form is possible for all queries.
fn forms(name: &str, query: &str, indentation: usize) -> [String; 3] {
    let (outer, inner) = (" ".repeat(indentation), " ".repeat(2 * indentation));
    let text = indented(query, &" ".repeat(3 * indentation));
    let name = if is_plain(name) {
        name.to_owned()
    } else {
        quoted(name)
    };
    let header = format!("{outer}{name}:\n{inner}sql: ");
    [
        format!("{header}>\n{text}"),
        format!("{header}|\n{text}"),
        format!("{header}{}\n", quoted(query)),
    ]
}

/// Returns the lines of a query with this indentation. The lines after the first one, which in a command line often
/// have a common indentation, lose it.
fn indented(query: &str, indentation: &str) -> String {
    let lines: Vec<&str> = query.trim().lines().map(str::trim_end).collect();
    let spaces = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let filled = lines.iter().skip(1).filter(|line| !line.is_empty());
    let common = filled.map(spaces).min().unwrap_or(0);
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let line = line.get(if number > 0 { common } else { 0 }..);
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            text += indentation;
            text += line;
        }
        text.push('\n');
    }
    text
}

/// Returns whether YAML reads a name without quotes as a text.
fn is_plain(name: &str) -> bool {
    serde_yaml::from_str(name).is_ok_and(|value: Value| value == Value::String(name.to_owned()))
}

/// Returns a text in double quotes. A JSON string is also one in YAML, except for some characters beyond ASCII.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let escaped = json.chars().map(|character| {
        if character.is_alphanumeric() || matches!(character, ' '..='~') {
            character.to_string()
        } else {
            format!("\\U{:08x}", u32::from(character))
        }
    });
    escaped.collect()
}

#[cfg(test)]
mod tests;
