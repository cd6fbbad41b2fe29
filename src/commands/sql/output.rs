//! Prints rows as a table, as JSON or as CSV.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use comfy_table::{CellAlignment, Table, presets};
use sql::{Plan, Row, SqlType, Value};

use crate::cli::RowFormat;
use crate::terminal::visible;

/// Prints rows to standard output, as often as there are new ones.
pub(super) struct Printer {
    format: RowFormat,
    out: BufWriter<Stdout>,
    /// The number of rows that have been printed.
    rows: u64,
    /// The widths of the columns of a table so far; empty before the first row.
    widths: Vec<usize>,
    /// Whether the header has been printed.
    has_header: bool,
}

impl Printer {
    pub(super) fn new(format: Option<RowFormat>) -> Self {
        let default = if io::stdout().is_terminal() {
            RowFormat::Table
        } else {
            RowFormat::Json
        };
        Self {
            format: format.unwrap_or(default),
            out: BufWriter::new(io::stdout()),
            rows: 0,
            widths: Vec::new(),
            has_header: false,
        }
    }

    /// Returns the number of rows that have been printed.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Prints rows. Returns false if the process that reads the output has closed the pipe (`| head`), which is not an
    /// error.
    pub(super) fn print(&mut self, plan: &Plan, rows: &[Row]) -> anyhow::Result<bool> {
        self.rows += rows.len() as u64;
        let written = match self.format {
            RowFormat::Table => self.table(plan, rows),
            RowFormat::Json => rows
                .iter()
                .try_for_each(|row| writeln!(self.out, "{}", json(plan, row))),
            RowFormat::Csv => self.csv(plan, rows),
        };
        match written.and_then(|()| self.out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Prints a table, or further rows of one. The header is printed again if a column has become wider.
    fn table(&mut self, plan: &Plan, rows: &[Row]) -> io::Result<()> {
        let lines = table(plan, rows, &self.widths);
        let widths = lines
            .column_max_content_widths()
            .into_iter()
            .map(usize::from);
        let widths: Vec<usize> = widths.collect();
        let is_wider = widths != self.widths;
        self.widths = widths;
        let skipped = usize::from(!is_wider);
        lines
            .lines()
            .skip(skipped)
            .try_for_each(|line| writeln!(self.out, "{}", line.trim_end()))
    }

    fn csv(&mut self, plan: &Plan, rows: &[Row]) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(&mut self.out);
        if !std::mem::replace(&mut self.has_header, true) {
            csv.write_record(plan.outputs.iter().map(|output| &output.name))?;
        }
        for row in rows {
            csv.write_record(texts(plan, row).map(Option::unwrap_or_default))?;
        }
        csv.flush()
    }
}

/// Returns a table whose columns have at least these widths.
fn table(plan: &Plan, rows: &[Row], widths: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let widths = widths.iter().copied().chain(std::iter::repeat(0));
    table.set_header(plan.outputs.iter().zip(widths).map(|(output, width)| {
        let name = visible(&output.name);
        if output.ty.is_numeric() {
            format!("{name:>width$}")
        } else {
            format!("{name:width$}")
        }
    }));
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
