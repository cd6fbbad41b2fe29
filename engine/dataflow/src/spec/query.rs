//! Derivations that a query defines: their source, window and parameters come from the query's plan.

use std::collections::BTreeMap;
use std::time::Duration;

use sql::{Catalog, Plan, SqlType, Table, WindowPlan};

use super::{DataflowSpec, DerivationSpec, SpecError, WindowSpec, line};

/// What a query's plan says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueryCode {
    /// The parameters that the SmartModule and the runner receive.
    pub(crate) params: BTreeMap<String, String>,
    /// The columns that the query reads, with their declarations.
    pub(crate) columns: String,
    /// A description of the plan.
    explained: String,
    /// The columns of the rows.
    pub(crate) outputs: Vec<QueryColumn>,
    /// The table that the query joins.
    pub(crate) table: Option<Table>,
}

/// A column of the rows of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryColumn {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: SqlType,
    /// Whether the sum of the values of several rows of a window has a meaning: it is a count or a sum.
    pub is_additive: bool,
}

impl DataflowSpec {
    /// Plans all queries.
    pub(super) fn plan_queries(&mut self, known: Catalog<'_>) -> Result<(), SpecError> {
        for (name, spec) in &mut self.derivations {
            spec.plan_query(name, known)?;
        }
        Ok(())
    }
}

impl DerivationSpec {
    /// Describes what the query's plan does, and where; `None` if the derivation has code of its own.
    pub fn explain(&self) -> Option<&str> {
        self.code.as_ref().map(|code| code.explained.as_str())
    }

    pub(super) fn plan_query(&mut self, name: &str, known: Catalog<'_>) -> Result<(), SpecError> {
        let Some(text) = &self.sql else {
            return Ok(());
        };
        self.refuse_settings_of_code(name)?;
        let refused = |error: sql::SqlError| SpecError::Query {
            derivation: name.to_owned(),
            line: error.line as usize,
            column: error.column as usize,
            message: error.message,
        };
        let plan = sql::plan_derived(text, known).map_err(refused)?;
        self.window = window(plan.window);
        if let Some(source) = known
            .sources
            .iter()
            .find(|source| source.name == plan.source)
        {
            self.code = Some(QueryCode {
                params: sql::parameters(&plan, source).into(),
                columns: plan.declarations(source),
                explained: plan.explain(source),
                outputs: outputs(&plan),
                table: plan.join.as_ref().map(|join| join.table.clone()),
            });
        }
        self.from = plan.source;
        Ok(())
    }

    /// A query contains what these settings say of a derivation with code of its own.
    fn refuse_settings_of_code(&self, name: &str) -> Result<(), SpecError> {
        let given = [
            ("from", !self.from.is_empty(), "the query names the source"),
            (
                "window",
                self.window.is_some(),
                "the query contains the window",
            ),
            (
                "rules",
                self.rules.is_some(),
                "only derivations with code of their own have rules",
            ),
            (
                "parameters",
                !self.parameters.is_empty(),
                "only derivations with code of their own have parameters",
            ),
        ];
        match given.iter().find(|(_, is_given, _)| *is_given) {
            None => Ok(()),
            Some((setting, _, reason)) => Err(SpecError::WithQuery {
                derivation: name.to_owned(),
                setting,
                reason,
            }),
        }
    }
}

fn outputs(plan: &Plan) -> Vec<QueryColumn> {
    let columns = plan.columns().map(|output| QueryColumn {
        name: output.name.clone(),
        ty: output.ty,
        is_additive: plan.is_additive(output),
    });
    columns.collect()
}

fn window(plan: WindowPlan) -> Option<WindowSpec> {
    let duration = |ms: i64| Duration::from_millis(ms.unsigned_abs());
    match plan {
        WindowPlan::None => None,
        WindowPlan::Hopping { slide_ms, size_ms } if slide_ms == size_ms => {
            Some(WindowSpec::Tumbling(duration(size_ms)))
        }
        WindowPlan::Hopping { slide_ms, size_ms } => Some(WindowSpec::Hopping {
            size: duration(size_ms),
            hop: duration(slide_ms),
        }),
        WindowPlan::Session { gap_ms } => Some(WindowSpec::Session(duration(gap_ms))),
    }
}

/// Returns the line and column in the dataflow file, from 1, of a place in the query of a derivation. `None` if the
/// file's text of the query differs from the query in more than white space.
pub(super) fn place_in_file(
    yaml: &str,
    derivation: &str,
    (line, column): (usize, usize),
) -> Option<(usize, usize)> {
    let file: DataflowSpec = serde_yaml::from_str(yaml).ok()?;
    let query = file.derivations.get(derivation)?.sql.as_ref()?;
    let before = query.split_inclusive('\n').take(line - 1).map(str::chars);
    let skipped = before.flatten().count() + column - 1;
    let visible =
        |text: &mut dyn Iterator<Item = char>| text.filter(|at| !at.is_whitespace()).count();
    let target = visible(&mut query.chars().take(skipped));
    let wanted = query.chars().filter(|at| !at.is_whitespace()).nth(target);

    let header = line::line_of(yaml, "derivations", derivation, "sql")?;
    let mut lines = (1..).zip(yaml.lines()).skip(header - 1);
    let (_, first) = lines.next()?;
    let start = first.find("sql:")? + "sql:".len();
    let is_style =
        |at: char| matches!(at, '>' | '|' | '-' | '+' | '"' | '\'') || at.is_whitespace();
    let style = first[start..]
        .find(|at| !is_style(at))
        .unwrap_or(first.len() - start);
    let rest = first
        .chars()
        .enumerate()
        .skip(first[..start + style].chars().count());
    let first = rest.map(|(at, character)| (header, at, character));
    let others = lines.flat_map(|(number, line)| {
        line.chars()
            .enumerate()
            .map(move |(at, character)| (number, at, character))
    });
    let mut in_file = first
        .chain(others)
        .filter(|(.., character)| !character.is_whitespace());
    let (line, at, found) = in_file.nth(target)?;
    wanted
        .is_none_or(|wanted| wanted == found)
        .then_some((line, at + 1))
}

#[cfg(test)]
mod tests;
