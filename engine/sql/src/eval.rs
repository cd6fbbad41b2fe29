//! The value of an expression for one row. Nothing here can fail: what cannot be computed is NULL.

use std::borrow::Cow;
use std::cmp::Ordering;

use model::words;

use crate::cast::cast;
use crate::functions::Function;
use crate::like;
use crate::numbers::Numbers;
use crate::plan::{Arithmetic, Comparison, Expr, Literal};
use crate::value::Value;

impl Expr {
    /// Returns the value for a row. Texts are borrowed where they are not computed.
    pub(crate) fn eval<'a>(&'a self, row: &'a [Value<'a>]) -> Value<'a> {
        match self {
            Self::Column(number) => row[*number].borrowed(),
            Self::Literal(literal) => literal.value(),
            Self::Arithmetic(operation, numbers, left, right) => {
                calculate(*operation, *numbers, &left.eval(row), &right.eval(row))
            }
            Self::Case(branches, otherwise) => branches
                .iter()
                .find(|(condition, _)| condition.holds(row))
                .map_or_else(|| otherwise.eval(row), |(_, value)| value.eval(row)),
            Self::Cast(value, from, to, digits) => cast(value.eval(row), *from, *to, *digits),
            Self::Call(Function::Coalesce, arguments) => {
                for argument in arguments {
                    let value = argument.eval(row);
                    if !value.is_null() {
                        return value;
                    }
                }
                Value::Null
            }
            Self::Call(function, arguments) => {
                function.call(arguments.iter().map(|argument| argument.eval(row)))
            }
            condition => condition.truth(row).map_or(Value::Null, Value::Boolean),
        }
    }

    /// Returns the value for a row, if it is a text that need not be computed.
    #[inline]
    pub(crate) fn text<'a>(&'a self, row: &'a [Value<'_>]) -> Option<&'a str> {
        match self {
            Self::Call(Function::Coalesce, arguments) => {
                let is_null = |argument: &&Self| matches!(argument, Self::Column(number) if row[*number].is_null());
                let first = arguments.iter().find(|argument| !is_null(argument));
                first?.own_text(row)
            }
            _ => self.own_text(row),
        }
    }

    /// Returns the text of a column or literal.
    #[inline]
    fn own_text<'a>(&'a self, row: &'a [Value<'_>]) -> Option<&'a str> {
        match self {
            Self::Column(number) => match &row[*number] {
                Value::Text(text) => Some(text),
                _ => None,
            },
            Self::Literal(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Passes the value for a row to `read`, without a copy if the expression is a column.
    pub(crate) fn read<T>(&self, row: &[Value<'_>], read: impl FnOnce(&Value<'_>) -> T) -> T {
        match self {
            Self::Column(number) => read(&row[*number]),
            Self::Literal(Literal::Text(text)) => read(&Value::Text(Cow::Borrowed(text))),
            other => read(&other.eval(row)),
        }
    }

    /// Returns whether a condition is true for a row, which it is not if it is unknown.
    #[inline]
    pub(crate) fn holds(&self, row: &[Value<'_>]) -> bool {
        match self.as_column_is_text() {
            Some((column, text)) => matches!(&row[column], Value::Text(found) if is(found, text)),
            None => self.truth(row) == Some(true),
        }
    }

    /// Returns the column and the text of a condition such as `event_type = 'move'`, the most frequent one.
    #[inline]
    fn as_column_is_text(&self) -> Option<(usize, &str)> {
        match self {
            Self::Compare(Comparison::Equal, left, right) => match (&**left, &**right) {
                (Self::Column(column), Self::Literal(Literal::Text(text))) => Some((*column, text)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the truth value of a condition; `None` is *unknown*.
    fn truth(&self, row: &[Value<'_>]) -> Option<bool> {
        match self {
            Self::Compare(comparison, left, right) => left.read(row, |left| {
                right.read(row, |right| compare(*comparison, left, right))
            }),
            Self::Not(condition) => condition.truth(row).map(|value| !value),
            Self::And(conditions) => all(conditions.iter().map(|condition| condition.truth(row))),
            Self::Or(conditions) => any(conditions.iter().map(|condition| condition.truth(row))),
            Self::IsNull(value) => Some(value.read(row, |value| value.is_null())),
            Self::IsTruth(condition, expected) => Some(condition.truth(row) == *expected),
            Self::IsDistinct(left, right) => Some(!left.eval(row).equals(&right.eval(row))),
            Self::In(value, list) => {
                let value = value.eval(row);
                let equals = |item: &Expr| equal(&value, &item.eval(row));
                any(list.iter().map(equals))
            }
            Self::Like {
                text,
                pattern,
                escape,
                ignore_case,
            } => match (text.eval(row), pattern.eval(row)) {
                (Value::Text(text), Value::Text(pattern)) => {
                    like::matches(&text, &pattern, *escape, *ignore_case)
                }
                _ => None,
            },
            value => value.truth_of_value(row),
        }
    }

    /// The truth value of an expression that is evaluated as a value.
    fn truth_of_value(&self, row: &[Value<'_>]) -> Option<bool> {
        match self {
            Self::Column(_)
            | Self::Literal(_)
            | Self::Case(..)
            | Self::Cast(..)
            | Self::Call(..) => self.eval(row).truth(),
            _ => None,
        }
    }
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(*value),
            Self::Exact(units, _) => Value::Exact((*units).into()),
            Self::Double(value) => Value::Double(*value),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Timestamp(time) => Value::Timestamp(*time),
        }
    }
}

/// Three-valued AND: false if a condition is false, otherwise unknown if one is unknown.
fn all(conditions: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for condition in conditions {
        match condition {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

/// Three-valued OR: true if a condition is true, otherwise unknown if one is unknown.
fn any(conditions: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(conditions.map(|condition| condition.map(|value| !value))).map(|value| !value)
}

fn is(text: &str, other: &str) -> bool {
    words::equal(text.as_bytes(), other.as_bytes())
}

fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    let known = !left.is_null() && !right.is_null();
    known.then(|| left.equals(right))
}

/// Compares two values; `None` if one is NULL.
fn compare(comparison: Comparison, left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    let order = || (!left.is_null() && !right.is_null()).then(|| left.order(right));
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => equal(left, right).map(|equal| !equal),
        Comparison::Less => order().map(Ordering::is_lt),
        Comparison::LessOrEqual => order().map(Ordering::is_le),
        Comparison::Greater => order().map(Ordering::is_gt),
        Comparison::GreaterOrEqual => order().map(Ordering::is_ge),
    }
}

fn calculate<'a>(
    operation: Arithmetic,
    numbers: Numbers,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Value<'a> {
    match (left, right) {
        (Value::Exact(left), Value::Exact(right)) => {
            let result = calculate_exact(operation, left.get(), right.get());
            Value::exact(result.and_then(|units| numbers.in_range(units)))
        }
        (Value::Double(left), Value::Double(right)) => {
            Value::double(calculate_double(operation, *left, *right))
        }
        _ => Value::Null,
    }
}

fn calculate_exact(operation: Arithmetic, left: i128, right: i128) -> Option<i128> {
    match operation {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    }
}

/// A division by zero gives an infinite or undefined number, which becomes NULL.
fn calculate_double(operation: Arithmetic, left: f64, right: f64) -> f64 {
    match operation {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    }
}
