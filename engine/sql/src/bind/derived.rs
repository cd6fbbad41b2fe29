//! What a query must be so that its rows can be those of a derived topic.

use crate::plan::{BOUNDS, Plan, WindowPlan};

/// The fields that every derived record has besides the columns of its query.
const FIELDS: [&str; 3] = ["revision", "withdrawn", "final"];

/// Returns why a plan's rows cannot be those of a derived topic.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    match plan.window {
        WindowPlan::None => {
            return Err(
                "a derived topic has a row for each window: add TUMBLE, HOP or SESSION to GROUP BY"
                    .to_owned(),
            );
        }
        WindowPlan::Session { .. } if plan.unnest.is_some() => {
            return Err(
                "the elements of a list can be in different sessions, so an event could be late for some of them: use \
                 TUMBLE or HOP with unnest"
                    .to_owned(),
            );
        }
        WindowPlan::Session { .. } if plan.limit.is_some() => {
            return Err(
                "each session is a window of its own, with a single row: use TUMBLE or HOP with LIMIT"
                    .to_owned(),
            );
        }
        _ => {}
    }
    let is_field = |name: &str| {
        let mut fields = FIELDS.iter().chain(&BOUNDS);
        fields.any(|field| name.eq_ignore_ascii_case(field))
    };
    match plan.columns().find(|column| is_field(&column.name)) {
        None => Ok(()),
        Some(column) => Err(format!(
            "every derived record has a field `{}` of its own; give the column another name",
            column.name
        )),
    }
}
