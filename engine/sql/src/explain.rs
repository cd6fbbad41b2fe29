//! Describes what a plan does, and where each step runs.

use std::fmt::Write;

use crate::exact;
use crate::functions::Function;
use crate::plan::{
    Aggregate, AggregateKind, Arithmetic, BOUNDS, Comparison, Expr, Join, Literal, OrderBy, Plan,
    WindowPlan,
};
use crate::source::Source;
use crate::types::SqlType;
use crate::value::Value;

impl Plan {
    /// Describes the plan as the steps of a derivation: a line for each, below a line with the place where they run.
    pub fn explain(&self, source: &Source) -> String {
        let rows = self.row_columns(source);
        let joined = self.joined_columns(&rows);
        let groups = self.group_columns(&rows, &joined);
        let mut lines = vec!["in the cluster, for each batch:".to_owned()];
        let mut step = |name: &str, what: String| lines.push(format!("  {name:<10}{what}"));
        step("read", self.columns_read(source));
        if let Some(list) = self.unnest {
            step(
                "unnest",
                format!("a row for each element of {}", rows[list]),
            );
        }
        if let Some(filter) = &self.filter {
            step("keep", text(filter, &rows));
        }
        step("window", window_text(self.window));
        let keys = self.keys.iter().map(|key| text(&key.expr, &rows));
        let keys: Vec<String> = keys.collect();
        if !keys.is_empty() {
            step("group by", keys.join(", "));
        }
        for aggregate in &self.aggregates {
            step("combine", aggregate_text(aggregate, &rows));
        }
        lines.push("in the runner, for each window and group:".to_owned());
        let mut step = |name: &str, what: String| lines.push(format!("  {name:<10}{what}"));
        step(
            "merge",
            "the states of all batches and partitions".to_owned(),
        );
        for (name, what) in self.join_steps(&joined) {
            step(name, what);
        }
        if let Some(having) = &self.having {
            step("keep", text(having, &groups));
        }
        if let Some(limit) = self.limit {
            let order = self.order.iter().map(|order| order_text(order, &groups));
            let order: Vec<String> = order.collect();
            step("order by", format!("{}, then the keys", order.join(", ")));
            step(
                "limit",
                format!("the first {limit} rows of each window, with their rank"),
            );
        }
        for output in &self.outputs {
            let expr = text(&output.expr, &groups);
            let ty = output.ty;
            let is_same = expr == output.name;
            let value = if is_same {
                String::new()
            } else {
                format!(" = {expr}")
            };
            step("column", format!("{} {ty}{value}", output.name));
        }
        lines.join("\n")
    }

    fn row_columns(&self, source: &Source) -> Vec<String> {
        let columns = source.columns.iter().map(|column| column.name.clone());
        let element = self
            .unnest
            .map(|list| format!("element of {}", source.columns[list].name));
        columns.chain(element).collect()
    }

    fn join_steps(&self, joined: &[String]) -> Vec<(&'static str, String)> {
        let Some(join) = &self.join else {
            return Vec::new();
        };
        let mut steps = vec![("join", join_text(join, joined))];
        let filter = join.filter.as_ref();
        steps.extend(filter.map(|filter| ("keep", text(filter, joined))));
        let keys = join.keys.iter().map(|key| text(&key.expr, joined));
        steps.push(("group by", keys.collect::<Vec<_>>().join(", ")));
        steps
    }

    /// The columns of joined rows: those of the table, with its name, and the keys.
    fn joined_columns(&self, rows: &[String]) -> Vec<String> {
        let tables = self.join.iter().map(|join| &join.table);
        let columns = tables.flat_map(|table| {
            let name = table.name();
            let columns = table.columns().iter();
            columns.map(move |column| format!("{name}.{}", column.name))
        });
        let keys = self.keys.iter().map(|key| text(&key.expr, rows));
        columns.chain(keys).collect()
    }

    fn group_columns(&self, rows: &[String], joined: &[String]) -> Vec<String> {
        let columns = if self.join.is_some() { joined } else { rows };
        let keys = self.group_keys().iter();
        let keys = keys.map(|key| text(&key.expr, columns));
        let bounds = BOUNDS.iter().map(|bound| (*bound).to_owned());
        let aggregates = self
            .aggregates
            .iter()
            .map(|aggregate| aggregate_text(aggregate, rows));
        keys.chain(bounds)
            .chain(aggregates)
            .chain(["rank".to_owned()])
            .collect()
    }
}

fn join_text(join: &Join, joined: &[String]) -> String {
    let kind = if join.is_inner { "JOIN" } else { "LEFT JOIN" };
    let columns = join.table.columns().len();
    let (table, key) = (join.table.name(), &joined[join.table.key()]);
    let looked_up = &joined[columns + join.lookup];
    format!("{kind} {table} ON {looked_up} = {key}, as it was at window_start")
}

fn order_text(order: &OrderBy, columns: &[String]) -> String {
    let direction = if order.descending { " DESC" } else { "" };
    let nulls = if order.nulls_first {
        " NULLS FIRST"
    } else {
        ""
    };
    format!("{}{direction}{nulls}", text(&order.expr, columns))
}

fn window_text(window: WindowPlan) -> String {
    match window {
        WindowPlan::None => "none".to_owned(),
        WindowPlan::Hopping { slide_ms, size_ms } if slide_ms == size_ms => {
            format!("tumbling, {size_ms} ms")
        }
        WindowPlan::Hopping { slide_ms, size_ms } => {
            format!("hopping, {size_ms} ms, one every {slide_ms} ms")
        }
        WindowPlan::Session { gap_ms } => format!("sessions, gap {gap_ms} ms"),
    }
}

fn aggregate_text(aggregate: &Aggregate, columns: &[String]) -> String {
    let argument = aggregate
        .argument
        .as_ref()
        .map(|argument| text(argument, columns));
    let argument = argument.as_deref().unwrap_or("*");
    let by = |name: &str, by: &Expr| format!("{name}({argument}, {})", text(by, columns));
    let mut described = match &aggregate.kind {
        AggregateKind::Count => format!("count({argument})"),
        AggregateKind::CountDistinct => format!("count(DISTINCT {argument})"),
        AggregateKind::Sum | AggregateKind::SumDouble => format!("sum({argument})"),
        AggregateKind::Avg(_) | AggregateKind::AvgDouble => format!("avg({argument})"),
        AggregateKind::Min => format!("min({argument})"),
        AggregateKind::Max => format!("max({argument})"),
        AggregateKind::Quantile(fraction) => format!("quantile({argument}, {fraction})"),
        AggregateKind::ArgMin(expr) => by("arg_min", expr),
        AggregateKind::ArgMax(expr) => by("arg_max", expr),
    };
    if let Some(filter) = &aggregate.filter {
        // Writing to a `String` cannot fail.
        let _written = write!(described, " FILTER (WHERE {})", text(filter, columns));
    }
    described
}

/// Returns an expression as SQL. Conversions that the planner has added are shown as casts.
fn text(expr: &Expr, columns: &[String]) -> String {
    let of = |expr: &Expr| text(expr, columns);
    let list = |exprs: &[Expr], separator: &str| {
        let texts: Vec<String> = exprs.iter().map(of).collect();
        texts.join(separator)
    };
    match expr {
        Expr::Column(number) => columns[*number].clone(),
        Expr::Literal(literal) => literal_text(literal),
        Expr::Not(part) => format!("NOT {}", of(part)),
        Expr::And(parts) => format!("({})", list(parts, " AND ")),
        Expr::Or(parts) => format!("({})", list(parts, " OR ")),
        Expr::Compare(comparison, left, right) => {
            format!("{} {} {}", of(left), comparison.sign(), of(right))
        }
        Expr::IsNull(part) => format!("{} IS NULL", of(part)),
        Expr::IsTruth(part, Some(true)) => format!("{} IS TRUE", of(part)),
        Expr::IsTruth(part, Some(false)) => format!("{} IS FALSE", of(part)),
        Expr::IsTruth(part, None) => format!("{} IS UNKNOWN", of(part)),
        Expr::IsDistinct(left, right) => format!("{} IS DISTINCT FROM {}", of(left), of(right)),
        Expr::In(value, items) => format!("{} IN ({})", of(value), list(items, ", ")),
        Expr::Like {
            text,
            pattern,
            ignore_case,
            ..
        } => {
            let operator = if *ignore_case { "ILIKE" } else { "LIKE" };
            format!("{} {operator} {}", of(text), of(pattern))
        }
        Expr::Arithmetic(operation, _, left, right) => {
            format!("({} {} {})", of(left), operation.sign(), of(right))
        }
        Expr::Case(branches, otherwise) => {
            let branch = |(condition, value): &(Expr, Expr)| {
                format!("WHEN {} THEN {} ", of(condition), of(value))
            };
            let branches: String = branches.iter().map(branch).collect();
            format!("CASE {branches}ELSE {} END", of(otherwise))
        }
        Expr::Cast(part, _, to, _) => format!("CAST({} AS {to})", of(part)),
        Expr::Call(function, arguments) => {
            let parts = parts_of_call(*function, arguments, &of);
            format!("{}({})", name(*function), parts.join(", "))
        }
    }
}

/// Returns the arguments of a call, with those that are a part of the function.
fn parts_of_call(
    function: Function,
    arguments: &[Expr],
    of: &impl Fn(&Expr) -> String,
) -> Vec<String> {
    let mut parts: Vec<String> = arguments.iter().map(of).collect();
    match function {
        Function::DateTrunc(part) | Function::Extract(part) => {
            parts.insert(0, format!("'{part:?}'").to_lowercase());
        }
        Function::Round(_, _, digits) | Function::RoundDouble(digits) => {
            parts.push(digits.to_string());
        }
        _ => {}
    }
    parts
}

fn name(function: Function) -> &'static str {
    match function {
        Function::Lower => "lower",
        Function::Upper => "upper",
        Function::Length => "length",
        Function::Substr | Function::SubstrToEnd => "substr",
        Function::Concat | Function::Join => "concat",
        Function::SplitPart => "split_part",
        Function::DateTrunc(_) => "date_trunc",
        Function::Extract(_) => "date_part",
        Function::Epoch => "epoch",
        Function::EpochMs => "epoch_ms",
        Function::Abs(_) => "abs",
        Function::Round(..) | Function::RoundDouble(_) => "round",
        Function::Floor(_) | Function::FloorDouble => "floor",
        Function::Ceil(_) | Function::CeilDouble => "ceil",
        Function::Least => "least",
        Function::Greatest => "greatest",
        Function::Coalesce => "coalesce",
    }
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Null => "NULL".to_owned(),
        Literal::Boolean(value) => value.to_string().to_uppercase(),
        Literal::Exact(units, scale) => exact::text(*units, *scale),
        Literal::Double(value) => {
            let value = Value::Double(*value);
            value.text(SqlType::Double).unwrap_or_default().into_owned()
        }
        Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Literal::Timestamp(time) => format!("TIMESTAMP '{time}'"),
    }
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Arithmetic {
    fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
