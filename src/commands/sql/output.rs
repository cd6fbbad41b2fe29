//! Prints rows as a table, as JSON or as CSV.

use std::io::{self, BufWriter, Write};

use comfy_table::{CellAlignment, Table, presets};
use sql::{Plan, Row, SqlType, Value};

use crate::cli::RowFormat;
use crate::terminal::visible;

/// Prints the rows. If the process that reads the output closes the pipe (`| head`), that is not an error.
pub(super) fn print(format: RowFormat, plan: &Plan, rows: &[Row]) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        RowFormat::Table => writeln!(out, "{}", table(plan, rows)),
        RowFormat::Json => rows
            .iter()
            .try_for_each(|row| writeln!(out, "{}", json(plan, row))),
        RowFormat::Csv => csv(&mut out, plan, rows),
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn table(plan: &Plan, rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(
        plan.outputs
            .iter()
            .map(|output| visible(&output.name).into_owned()),
    );
    for row in rows {
        table.add_row(texts(plan, row).map(|text| match text {
            Some(text) => visible(&text).into_owned(),
            None => "NULL".to_owned(),
        }));
    }
    for (column, output) in table.column_iter_mut().zip(&plan.outputs) {
        if output.ty.is_numeric() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn json(plan: &Plan, row: &Row) -> String {
    let mut line = String::from("{");
    for (output, value) in plan.outputs.iter().zip(&row.values) {
        if line.len() > 1 {
            line.push(',');
        }
        line.push_str(&serde_json::Value::from(output.name.as_str()).to_string());
        line.push(':');
        value.write_json(output.ty, &mut line);
    }
    line + "}"
}

fn csv(out: &mut impl Write, plan: &Plan, rows: &[Row]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(plan.outputs.iter().map(|output| &output.name))?;
    for row in rows {
        csv.write_record(texts(plan, row).map(Option::unwrap_or_default))?;
    }
    csv.flush()
}

/// Returns the values of a row as texts; `None` for NULL.
fn texts(plan: &Plan, row: &Row) -> impl Iterator<Item = Option<String>> {
    plan.outputs
        .iter()
        .zip(&row.values)
        .map(|(output, value)| match (value, output.ty) {
            (Value::Timestamp(time), SqlType::Timestamp) => Some(time.to_string()),
            (value, ty) => value.text(ty).map(|text| text.into_owned()),
        })
}
