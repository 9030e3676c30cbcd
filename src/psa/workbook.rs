//! Workbooks as rows: `.xlsx` and `.ods`, told by what the archive holds.
//!
//! An archive is read into memory and unpacked once to be counted before anything believes it. Dates come out as
//! `2024-03-04T09:12:33`, whatever the sheet shows. Must never hold a sheet as a grid: a cell in the last row and column would fill
//! the memory.

use std::io::{self, Cursor, Read};

use calamine::{Cell, DataRef, Reader, SheetType, SheetVisible, Xlsx};
use firstline_fault::{Code, Error, Result, UserError};
use zip::ZipArchive;

use crate::records::Record;
use crate::source::read_error;

/// Largest file, in bytes.
const MAX_PACKED: u64 = 128 << 20;
/// Most that a file may unpack to, in bytes, and the texts that its cells share, which are held.
const MAX_UNPACKED: u64 = 1 << 30;
const MAX_SHARED: u64 = 256 << 20;
/// Columns beyond these are left out: no export has as many.
const MAX_COLUMNS: u32 = 1024;
/// Where an `.ods` file has its cells, and an `.xlsx` file its list of sheets and the texts that cells share.
const ODS: &str = "content.xml";
const XLSX: &str = "xl/workbook.xml";
const SHARED: &str = "xl/sharedStrings.xml";

/// A file's sheets.
pub(crate) enum Workbook {
    /// The names of the sheets that people see, and the file.
    Xlsx(Vec<String>, Box<Xlsx<Cursor<Vec<u8>>>>),
    /// The content, as markup.
    Ods(Cursor<Vec<u8>>),
}

/// Opens the archive that `input` is.
///
/// # Errors
/// It is too large, damaged, or no workbook.
pub(crate) fn open(input: impl Read, name: &str) -> Result<Workbook> {
    let mut bytes = Vec::new();
    input.take(MAX_PACKED + 1).read_to_end(&mut bytes).map_err(|e| read_error(name, &e))?;
    if bytes.len() as u64 > MAX_PACKED {
        return Err(too_large(name, MAX_PACKED));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(name, &e))?;
    let has = |archive: &ZipArchive<_>, file: &str| archive.index_for_name(file).is_some();
    let (xlsx, ods) = (has(&archive, XLSX), has(&archive, ODS));
    if !xlsx && !ods {
        let problem = "this is a zip archive or a workbook of another kind, not text";
        let next = "Unpack the archive, or save the sheet as .xlsx, .ods or CSV (UTF-8)";
        return Err(UserError::new(Code::Encoding, name, problem, next).into());
    }
    count(&mut archive, name)?;
    if ods {
        let mut content = Vec::new();
        let mut file = archive.by_name(ODS).map_err(|e| damaged(name, &e))?;
        (&mut file).take(MAX_SHARED + 1).read_to_end(&mut content).map_err(|e| damaged(name, &e))?;
        return match content.len() as u64 > MAX_SHARED {
            true => Err(too_large(name, MAX_SHARED)),
            false => Ok(Workbook::Ods(Cursor::new(content))),
        };
    }
    let xlsx = Xlsx::new(archive.into_inner()).map_err(|e| damaged(name, &e))?;
    let is_seen = |sheet: &&calamine::Sheet| {
        sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet
    };
    let sheets = xlsx.sheets_metadata().iter().filter(is_seen).map(|sheet| sheet.name.clone()).collect();
    Ok(Workbook::Xlsx(sheets, Box::new(xlsx)))
}

/// Unpacks every file of the archive to nowhere: sizes that an archive gives may lie.
fn count(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Result<()> {
    let mut room = MAX_UNPACKED;
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).map_err(|e| damaged(name, &e))?;
        let most = if file.name().is_ok_and(|name| name == SHARED) { MAX_SHARED.min(room) } else { room };
        let size =
            io::copy(&mut (&mut file).take(most + 1), &mut io::sink()).map_err(|e| damaged(name, &e))?;
        if size > most {
            return Err(too_large(name, most));
        }
        room -= size;
    }
    Ok(())
}

/// Gives each row of a sheet to `take`, until that says to stop.
///
/// # Errors
/// The sheet is damaged, or what `take` fails with.
pub(crate) fn rows(
    xlsx: &mut Xlsx<Cursor<Vec<u8>>>,
    sheet: &str,
    name: &str,
    take: &mut dyn FnMut(&Record) -> Result<bool>,
) -> Result<()> {
    let mut cells = xlsx.worksheet_cells_reader(sheet).map_err(|e| damaged(name, &e))?;
    let mut record = Record::default();
    let mut at: Option<u32> = None;
    while let Some(cell) = cells.next_cell().map_err(|e| damaged(name, &e))? {
        let (row, column) = cell.get_position();
        if at != Some(row) {
            if at.is_some() && !record.is_blank() && !take(&record)? {
                return Ok(());
            }
            record.restart(u64::from(row) + 1, u64::from(row) + 1);
            at = Some(row);
        }
        // A cell that stands before the last one is out of order: there is no place for it any more.
        if column < MAX_COLUMNS && record.len() <= column as usize {
            while record.len() < column as usize && !record.too_long {
                record.push("");
            }
            record.push(&text(&cell));
        }
    }
    if at.is_some() && !record.is_blank() {
        take(&record)?;
    }
    Ok(())
}

fn text(cell: &Cell<DataRef<'_>>) -> String {
    match cell.get_value() {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(n) => n.to_string(),
        DataRef::Float(n) => n.to_string(),
        DataRef::Bool(b) => b.to_string(),
        DataRef::DateTime(at) if at.is_duration() => at.as_f64().to_string(),
        DataRef::DateTime(at) => {
            let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
            let fraction = if milli > 0 { format!(".{milli:03}") } else { String::new() };
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}")
        }
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

fn damaged(name: &str, error: &impl std::fmt::Display) -> Error {
    let problem = format!("the workbook is damaged or not readable ({error})");
    UserError::new(Code::Io, name, problem, "Open it in a spreadsheet program and save it as CSV (UTF-8)")
        .into()
}

fn too_large(name: &str, most: u64) -> Error {
    let problem = format!("the workbook is larger than {} MiB", most >> 20);
    UserError::new(Code::Limit, name, problem, "Save the sheet as CSV (UTF-8), which has no such bound")
        .into()
}
