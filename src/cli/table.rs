//! Tables for people: columns as wide as their cells, whatever script these are written in.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::output::DIM;

/// One cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Words: to the left.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new(), right: false }
    }

    /// A number: to the right.
    pub(super) fn number(number: u64) -> Self {
        Self { text: number.to_string(), style: Style::new(), right: true }
    }

    /// A rate or another text that is read like a number.
    pub(super) fn right(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new(), right: true }
    }

    /// In this style; a zero stays pale whatever it would be.
    pub(super) fn style(mut self, style: Style) -> Self {
        self.style = if self.text == "0" { DIM } else { style };
        self
    }
}

/// Rows below a head.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with this head; a column whose name begins with `>` has it to the right.
    pub(super) fn new(head: &[&str]) -> Self {
        let cell = |name: &&str| match name.strip_prefix('>') {
            Some(name) => Cell::right(name).style(DIM),
            None => Cell::text(*name).style(DIM),
        };
        Self { rows: vec![head.iter().map(cell).collect()] }
    }

    /// One more row.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Writes it, indented by two spaces.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.text.width())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            write!(out, " ")?;
            for (index, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[index] - cell.text.width());
                let Cell { text, style, right } = cell;
                let last = index + 1 == row.len();
                match (right, last) {
                    (true, _) => write!(out, " {pad}{style}{text}{style:#}")?,
                    (false, true) => write!(out, " {style}{text}{style:#}")?,
                    (false, false) => write!(out, " {style}{text}{style:#}{pad}")?,
                }
                if !last {
                    write!(out, " ")?;
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_on_the_screen_as_their_widest_cell() {
        let mut table = Table::new(&["store", ">n", "note"]);
        table.row(vec![Cell::text("店铺"), Cell::number(1), Cell::text("wide")]);
        table.row(vec![Cell::text("Магазин"), Cell::number(1200), Cell::text("")]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let plain = anstream::adapter::strip_bytes(&out).into_vec();
        let expected = "  store       n  note\n  店铺        1  wide\n  Магазин  1200  \n";
        assert_eq!(String::from_utf8(plain).unwrap(), expected);
    }
}
