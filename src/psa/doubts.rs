//! The sheet of doubtful labels: written for people to go through in a spreadsheet, and read back with what they
//! corrected. Ids, labels and subjects are other people's text: what a spreadsheet would take for a formula is kept
//! from being one.

use std::io::{Read, Write};

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::Field;
use serde::{Deserialize, Serialize};

/// What to do about a sheet that can't be read.
const NEXT: &str = "Keep the columns as audit-labels writes them, and save as CSV with commas";
/// What makes a spreadsheet calculate, and the apostrophe that keeps it from that.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The columns of the sheet.
const COLUMNS: [&str; 10] = [
    "id",
    "field",
    "label",
    "suggested_label",
    "probability",
    "suggested_probability",
    "expected_precision",
    "subject",
    "text",
    "correct_label",
];

/// A label that is doubted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// The ticket's id.
    pub id: String,
    /// The field.
    pub field: Field,
    /// The label that the ticket carries.
    pub label: String,
    /// The label that it likely should.
    pub suggested_label: String,
    /// Probability of the first.
    pub probability: f64,
    /// Probability of the second.
    pub suggested_probability: f64,
    /// Probability that the label is wrong.
    pub expected_precision: f64,
    /// The ticket's subject.
    pub subject: String,
    /// The beginning of its text.
    pub text: String,
}

/// A label as somebody has corrected it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The ticket's id.
    pub id: String,
    /// The field.
    pub field: Field,
    /// The label that it shall carry.
    pub label: String,
}

/// The columns that are read back; the others are for people.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    field: String,
    correct_label: String,
}

/// Writes `doubts`, with an empty column for the correct label.
///
/// # Errors
/// As the writer's.
pub fn write_doubts<'a>(out: impl Write, doubts: impl IntoIterator<Item = &'a Doubt>) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for d in doubts {
        let [p, q, r] =
            [d.probability, d.suggested_probability, d.expected_precision].map(|p| format!("{p:.3}"));
        let [id, label, suggested, subject, text] =
            [&d.id, &d.label, &d.suggested_label, &d.subject, &d.text].map(|s| as_text(s));
        writer.write_record([&id, d.field.name(), &label, &suggested, &p, &q, &r, &subject, &text, ""])?;
    }
    writer.flush()
}

/// Reads the corrections of a sheet called `name`: the rows whose last column is filled.
///
/// # Errors
/// [`Code::Csv`] naming the row that can't be read.
pub fn read_corrections(input: impl Read, name: &str) -> Result<Vec<Correction>> {
    let mut corrections = Vec::new();
    for (i, row) in csv::Reader::from_reader(input).deserialize::<Row>().enumerate() {
        let fault =
            |problem: String| UserError::new(Code::Csv, format!("{name} row {}", i + 2), problem, NEXT);
        let row = row.map_err(|e| fault(e.to_string()))?;
        let label = from_text(&row.correct_label);
        if !label.is_empty() {
            let field = row.field.parse().map_err(|e: UserError| fault(e.to_string()))?;
            corrections.push(Correction {
                id: from_text(&row.id).to_owned(),
                field,
                label: label.to_owned(),
            });
        }
    }
    Ok(corrections)
}

/// The columns that say what is doubted.
#[derive(Debug, Deserialize)]
struct Doubted {
    id: String,
    field: String,
}

/// Reads what a sheet called `name` doubts: each ticket's id and field, whatever was corrected.
///
/// # Errors
/// [`Code::Csv`] naming the row that can't be read.
pub fn read_doubted(input: impl Read, name: &str) -> Result<Vec<(String, Field)>> {
    let rows = csv::Reader::from_reader(input).into_deserialize::<Doubted>();
    let read = |(i, row): (usize, csv::Result<Doubted>)| {
        let fault =
            |problem: String| UserError::new(Code::Csv, format!("{name} row {}", i + 2), problem, NEXT);
        let row = row.map_err(|e| fault(e.to_string()))?;
        let field = row.field.parse().map_err(|e: UserError| fault(e.to_string()))?;
        Ok((from_text(&row.id).to_owned(), field))
    };
    rows.enumerate().map(read).collect()
}

fn as_text(value: &str) -> String {
    match value.starts_with(FORMULA) {
        true => format!("'{value}"),
        false => value.to_owned(),
    }
}

fn from_text(value: &str) -> &str {
    let value = value.trim();
    match value.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(id: &str, subject: &str) -> Doubt {
        Doubt {
            id: id.to_owned(),
            field: Field::Board,
            label: "A, or \"so\"".to_owned(),
            suggested_label: "B".to_owned(),
            probability: 0.125,
            suggested_probability: 0.75,
            expected_precision: 0.5,
            subject: subject.to_owned(),
            text: "=1+1".to_owned(),
        }
    }

    #[test]
    fn what_is_doubted_is_read_whatever_was_corrected() {
        let mut sheet = Vec::new();
        write_doubts(&mut sheet, &[doubt("=1+1", "a"), doubt("T2", "two\nlines")]).unwrap();
        let found = read_doubted(sheet.as_slice(), "sheet.csv").unwrap();
        assert_eq!(found, [("=1+1".to_owned(), Field::Board), ("T2".to_owned(), Field::Board)]);
        for bad in ["id,label\nT1,A\n", "id,field\nT1,colour\n"] {
            assert!(read_doubted(bad.as_bytes(), "sheet.csv").unwrap_err().to_string().contains("row 2"));
        }
    }

    #[test]
    fn a_sheet_comes_back_with_what_was_filled_in() {
        let doubts = [doubt("=1+1", "=HYPERLINK(\"http://x\")"), doubt("T2", "two\nlines"), doubt("'T3", "")];
        let mut sheet = Vec::new();
        write_doubts(&mut sheet, &doubts).unwrap();
        let sheet = String::from_utf8(sheet).unwrap();
        assert!(!sheet.contains(",=") && !sheet.contains("\n=") && !sheet.contains("\"="), "{sheet}");
        assert_eq!(read_corrections(sheet.as_bytes(), "s").unwrap(), []);
        let filled: Vec<String> = csv::Reader::from_reader(sheet.as_bytes())
            .into_records()
            .map(|r| format!("{},board,\"'-Off\"", r.unwrap().get(0).unwrap()))
            .collect();
        let sheet = format!("id,field,correct_label\n{}\n", filled.join("\n"));
        let found = read_corrections(sheet.as_bytes(), "s").unwrap();
        let ids: Vec<&str> = found.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["=1+1", "T2", "'T3"]);
        assert!(found.iter().all(|c| c.label == "-Off" && c.field == Field::Board));
    }

    #[test]
    fn a_row_that_can_not_be_read_is_named() {
        let fault = |sheet: &str| read_corrections(sheet.as_bytes(), "s.csv").unwrap_err().to_string();
        assert!(fault("id,field,correct_label\na,board,X\nb,mood,Y\n").contains("s.csv row 3"));
        assert!(fault("id,field\na,board\n").contains("correct_label"));
    }
}
