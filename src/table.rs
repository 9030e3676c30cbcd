//! Tables as people read them.

use comfy_table::presets;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

/// A table with a header; every column but the first is aligned to the right.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().enumerate().map(|(i, h)| cell(i, h)));
    for row in rows {
        table.add_row(row.iter().enumerate().map(|(i, text)| cell(i, text)));
    }
    table.to_string()
}

/// A table of names and values without a header, both aligned to the left.
pub(crate) fn pairs(rows: impl IntoIterator<Item = (String, String)>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    for (name, value) in rows {
        table.add_row([printable(&name), printable(&value)]);
    }
    table.to_string()
}

fn cell(column: usize, text: &str) -> Cell {
    let align = if column == 0 { CellAlignment::Left } else { CellAlignment::Right };
    Cell::new(printable(text)).set_alignment(align)
}

/// Labels come from other people's data: control characters, which could steer a terminal, become spaces.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
