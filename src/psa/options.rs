//! What the user asked of an import, and what it means once checked.

use std::str::FromStr;

use encoding_rs::Encoding;
use firstline_fault::{Code, Result, UserError};
use jiff::tz::TimeZone;

use crate::dates::Dates;
use crate::slot::Slot;

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// JSON when the first character is a brace or a list of objects begins, a table of HTML, XML or a workbook, else CSV.
    #[default]
    Auto,
    /// Delimited columns under one header row.
    Csv,
    /// JSON: an object a line, or lists of objects.
    Jsonl,
}

impl FromStr for Format {
    type Err = UserError;

    fn from_str(s: &str) -> std::result::Result<Self, UserError> {
        match s.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Format::Auto),
            "csv" | "tsv" => Ok(Format::Csv),
            "jsonl" | "ndjson" | "json" => Ok(Format::Jsonl),
            _ => Err(bad("--format", format!("no format {s:?}"), "Use auto, csv or jsonl")),
        }
    }
}

macro_rules! presets {
    ($($variant:ident $name:literal $doc:literal),+ $(,)?) => {
        /// Whose export it is: decides between columns whose names mean different things in different desks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Preset { $(#[doc = $doc] $variant),+ }

        impl Preset {
            /// Every preset.
            pub const ALL: &'static [Preset] = &[$(Preset::$variant),+];

            /// Its name, as it is typed and as its section of headings is called.
            pub fn name(self) -> &'static str {
                match self { $(Preset::$variant => $name),+ }
            }
        }
    };
}

presets! {
    ConnectWise "connectwise" "ConnectWise PSA (Manage): board, type, subtype.",
    Autotask "autotask" "Autotask: queue, issue type, sub-issue type.",
    HaloPsa "halopsa" "HaloPSA: team, ticket type, category.",
    Freshdesk "freshdesk" "Freshdesk: group, type.",
    Glpi "glpi" "GLPI, in English, French or German: group of technicians, category.",
    Jira "jira" "Jira Service Management: project, request or issue type, comments.",
    OsTicket "osticket" "osTicket: department, help topic.",
    ServiceNow "servicenow" "ServiceNow: assignment group, category, subcategory.",
    Spiceworks "spiceworks" "Spiceworks: category.",
    Zendesk "zendesk" "Zendesk: group, type.",
}

impl FromStr for Preset {
    type Err = UserError;

    fn from_str(s: &str) -> std::result::Result<Self, UserError> {
        let wanted = s.trim().to_ascii_lowercase();
        let wanted = if wanted == "halo" { "halopsa" } else { wanted.as_str() };
        Preset::ALL.iter().copied().find(|preset| preset.name() == wanted).ok_or_else(|| {
            let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
            bad("--preset", format!("no preset {s:?}"), &format!("Use one of {}", names.join(", ")))
        })
    }
}

/// "This field comes from that column", as in `--map subject="Ticket Summary"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The field to fill.
    pub slot: Slot,
    /// The column's header, or the key of a JSON object; `board.name` is the key `name` of the object `board`.
    pub column: String,
}

impl FromStr for Mapping {
    type Err = UserError;

    /// Reads `field=column`; one pair of quotes around the column is taken off.
    fn from_str(s: &str) -> std::result::Result<Self, UserError> {
        let (field, column) = s.split_once('=').ok_or_else(|| {
            let problem = format!("{s:?} is not field=column");
            UserError::new(Code::CsvColumn, "--map", problem, "Write it as --map subject=\"Ticket Summary\"")
        })?;
        let column = column.trim();
        let unquoted = ['"', '\''].iter().find_map(|q| column.strip_prefix(*q)?.strip_suffix(*q));
        let column = unquoted.unwrap_or(column).to_owned();
        if column.is_empty() {
            let problem = format!("{s:?} names no column");
            return Err(UserError::new(Code::CsvColumn, "--map", problem, "Put the column's header after ="));
        }
        Ok(Self { slot: field.parse()?, column })
    }
}

/// Reads a delimiter as typed: one ASCII character, or `tab`.
///
/// # Errors
/// [`Code::Config`] for anything that can't part cells: letters, digits, quotes, line ends, blanks.
pub fn parse_delimiter(s: &str) -> Result<u8> {
    let byte = match s {
        "tab" | "\\t" | "\t" => b'\t',
        _ => match s.as_bytes() {
            [one] if one.is_ascii_punctuation() && *one != b'"' => *one,
            _ => {
                let next = "Use one of , ; | or the word tab";
                return Err(bad("--delimiter", format!("{s:?} can't part cells"), next).into());
            }
        },
    };
    Ok(byte)
}

/// What the user asked for. The default asks for nothing and finds out by itself.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// CSV or JSONL.
    pub format: Format,
    /// Whose export it is.
    pub preset: Option<Preset>,
    /// Columns named by hand; they win over every alias.
    pub map: Vec<Mapping>,
    /// The byte between cells; found among `, ; tab |` when absent.
    pub delimiter: Option<u8>,
    /// Encoding label such as `windows-1252`; found by byte-order mark and content when absent.
    pub encoding: Option<String>,
    /// Format of every date, in `strptime` notation.
    pub date_format: Option<String>,
    /// IANA name of the zone of dates that carry none; UTC when absent.
    pub time_zone: Option<String>,
    /// Give a ticket without an id its row's number.
    pub number_rows: bool,
    /// Stop at the first bad row.
    pub strict: bool,
}

/// The options, checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) delimiter: Option<u8>,
    pub(crate) dates: Dates,
}

impl ImportOptions {
    /// Checks everything that can be checked before a byte is read.
    ///
    /// # Errors
    /// Names the flag that is wrong.
    pub(crate) fn check(&self) -> Result<Checked> {
        for (i, m) in self.map.iter().enumerate() {
            if self.map[..i].iter().any(|earlier| earlier.slot == m.slot) {
                let problem = format!("{} is mapped twice", m.slot);
                return Err(UserError::new(Code::CsvColumn, "--map", problem, "Map each field once").into());
            }
        }
        let encoding = match &self.encoding {
            None => None,
            Some(label) => Some(Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
                let next = "Use utf-8, utf-16le, windows-1252 or another label of the WHATWG encodings";
                UserError::new(Code::Encoding, "--encoding", format!("no encoding {label:?}"), next)
            })?),
        };
        let zone = match &self.time_zone {
            None => None,
            Some(name) => Some(TimeZone::get(name).map_err(|_| {
                let problem = format!("no time zone {name:?}");
                bad("--time-zone", problem, "Use an IANA name such as Europe/Berlin or America/New_York")
            })?),
        };
        if let Some(byte) = self.delimiter {
            parse_delimiter(&char::from(byte).to_string())?;
        }
        let dates = Dates::new(self.date_format.clone(), zone)?;
        Ok(Checked { encoding, delimiter: self.delimiter, dates })
    }
}

fn bad(place: &str, problem: String, next: &str) -> UserError {
    UserError::new(Code::Config, place, problem, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_read_as_typed() {
        let read = |s: &str| s.parse::<Mapping>().map(|m| (m.slot, m.column));
        assert_eq!(read("subject=Ticket Summary").unwrap(), (Slot::Subject, "Ticket Summary".into()));
        assert_eq!(read("type = \"a=b\" ").unwrap(), (Slot::Type, "a=b".into()));
        assert_eq!(read("summary=X").unwrap_err().code, Code::CsvColumn);
        assert!(read("summary=X").unwrap_err().next.contains("first_response_at"));
        assert!(read("subject").is_err() && read("subject=").is_err());
    }

    #[test]
    fn delimiters_are_punctuation_or_tab() {
        assert_eq!(parse_delimiter("tab").unwrap(), b'\t');
        assert_eq!(parse_delimiter("\\t").unwrap(), b'\t');
        assert_eq!(parse_delimiter(";").unwrap(), b';');
        for wrong in ["", "\"", "a", "§", ";;", "\n"] {
            assert!(parse_delimiter(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_option_is_checked_before_reading() {
        let of = |f: fn(&mut ImportOptions)| {
            let mut options = ImportOptions::default();
            f(&mut options);
            options.check().map(|_| ()).unwrap_err().code()
        };
        assert_eq!(of(|o| o.encoding = Some("klingon".into())), Some(Code::Encoding));
        assert_eq!(of(|o| o.time_zone = Some("Europe/Atlantis".into())), Some(Code::Config));
        assert_eq!(of(|o| o.delimiter = Some(b'x')), Some(Code::Config));
        assert_eq!(of(|o| o.date_format = Some("%Q?".into())), Some(Code::Date));
        let twice = |o: &mut ImportOptions| o.map = vec!["id=A".parse().unwrap(), "id=B".parse().unwrap()];
        assert_eq!(of(twice), Some(Code::CsvColumn));
    }
}
