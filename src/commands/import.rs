//! `firstline import`: converts a PSA's export to canonical tickets, and sums up the result in a table.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_drafts::language_of;
use firstline_fault::{Code, UserError};
use firstline_psa::{Format, ImportOptions, ImportSummary, Outputs, Preset, import, parse_delimiter};
use firstline_ticket::Lines;
use firstline_training::{NearDuplicates, Progress};
use firstline_triage::Reader;
use serde::Serialize;

use crate::arguments::{FormatChoice, JsonArg, PresetChoice};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::pairs;
use crate::ui::{Bars, Ui, go_on, print};

/// Convert an export (CSV, JSON, HTML table, .xlsx, .ods) to canonical tickets.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The export; `-` reads standard input.
    #[arg(value_name = "FILE")]
    input: PathBuf,

    /// File to write: canonical tickets, JSONL.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    /// File for unusable rows, with row number and reason [default: OUT with .rejects.jsonl].
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Format of the export.
    #[arg(long, value_enum, default_value_t = FormatChoice::Auto)]
    format: FormatChoice,

    /// Desk that wrote the export, for columns whose meaning differs [default: by the headings].
    #[arg(long, value_enum)]
    preset: Option<PresetChoice>,

    /// Column that holds a field: --map subject="Ticket Summary", --map board=board.name. Repeatable.
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<String>,

    /// Column separator of a CSV: one character or `tab` [default: detected].
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<String>,

    /// Text encoding, such as windows-1252 or utf-16le [default: detected].
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,

    /// Date format, such as "%d/%m/%Y %H:%M". Required where dates are ambiguous.
    #[arg(long, value_name = "STRPTIME")]
    date_format: Option<String>,

    /// Time zone of dates that name none, such as Europe/London [default: UTC, with a note].
    #[arg(long, value_name = "IANA")]
    time_zone: Option<String>,

    /// Number tickets by their rows where the export has no id.
    #[arg(long)]
    number_rows: bool,

    /// Stop at the first unusable row, and write nothing.
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    output: JsonArg,
}

/// Most tickets that are compared for near-duplicates, to bound the memory.
const COMPARED: usize = 200_000;

/// Columns and fields that the table names.
const LISTED: usize = 30;

/// Findings about the texts of the imported tickets.
#[derive(Debug, Default, Serialize)]
struct Texts {
    near_duplicates: usize,
    /// Number of tickets that were compared, if not all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    near_duplicates_among: Option<usize>,
    /// ISO 639-1 code, or `unknown`, and the number of tickets.
    languages: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    #[serde(flatten)]
    summary: ImportSummary,
    #[serde(flatten)]
    texts: Texts,
    out: String,
    rejects: Option<String>,
}

impl Output {
    /// How the command ends.
    pub(super) fn exit(&self) -> Exit {
        if self.summary.rejected > 0 { Exit::SomeFailed } else { Exit::Success }
    }
}

pub(super) fn run(args: &ImportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let rejects = args.rejects.clone().unwrap_or_else(|| rejects_beside(&args.out));
    let output = write((&args.input, &args.out, rejects), &options(args)?, ui)?;
    match args.output.json {
        true => print(serde_json::to_string(&output)?),
        false => print(text(&output)),
    }
    Ok(output.exit())
}

/// Writes the canonical tickets of `input`, which are canonical already, to `to`.
pub(super) fn canonical(input: &Path, to: &Path, ui: &Ui) -> Result<Output, Failure> {
    let options = ImportOptions { format: Format::Jsonl, ..ImportOptions::default() };
    write((input, to, rejects_beside(to)), &options, ui)
}

fn write(
    (input, to, rejects_path): (&Path, &Path, PathBuf),
    options: &ImportOptions,
    ui: &Ui,
) -> Result<Output, Failure> {
    let mut out = files::Whole::create(to)?;
    let mut rejects = files::Whole::create(&rejects_path)?;
    let places = [files::resolved(input), files::resolved(to), files::resolved(&rejects_path)];
    if places[0] == places[1] || places[0] == places[2] || places[1] == places[2] {
        let problem = "the export, the tickets and the rejects must be three files";
        return Err(UserError::new(Code::Config, "--out", problem, "Name another file").into());
    }
    let mut bars = ui.bars();
    bars.bytes("importing", std::fs::metadata(input).map_or(0, |m| m.len()));
    let imported = {
        let (mut tickets, mut bad) = (out.writer(), rejects.writer());
        let outputs = Outputs { tickets: &mut tickets, rejects: &mut bad };
        let imported = import(files::open(input)?, &files::name_of(input), options, outputs, &mut |read| {
            bars.set(read);
            go_on()
        });
        tickets.flush().map_err(|e| UserError::io(to.display(), &e))?;
        bad.flush().map_err(|e| UserError::io(rejects_path.display(), &e))?;
        imported
    };
    let summary = match imported {
        Ok(summary) => summary,
        Err(error) => {
            // If no row was usable, the rejects are the only result.
            if error.code() == Some(Code::Empty) && !rejects.is_empty() {
                rejects.publish()?;
            }
            return Err(error.into());
        }
    };
    let texts = look_at_texts(out.temporary(), &mut bars)?;
    bars.finish();
    let rejects_path = (summary.rejected > 0).then_some(rejects_path);
    if rejects_path.is_some() {
        rejects.publish()?;
    }
    out.publish()?;
    let rejected = rejects_path.as_ref().map(|p| p.display().to_string());
    Ok(Output { summary, texts, out: to.display().to_string(), rejects: rejected })
}

fn options(args: &ImportArgs) -> Result<ImportOptions, Failure> {
    Ok(ImportOptions {
        format: args.format.into(),
        preset: args.preset.map(Preset::from),
        map: args.map.iter().map(|m| m.parse()).collect::<Result<_, UserError>>()?,
        delimiter: args.delimiter.as_deref().map(parse_delimiter).transpose()?,
        encoding: args.encoding.clone(),
        date_format: args.date_format.clone(),
        time_zone: args.time_zone.clone(),
        number_rows: args.number_rows,
        strict: args.strict,
    })
}

fn rejects_beside(out: &Path) -> PathBuf {
    out.with_extension("rejects.jsonl")
}

/// Reads the imported tickets again for near-duplicates and languages.
fn look_at_texts(path: &Path, bars: &mut Bars) -> Result<Texts, Failure> {
    let file = std::fs::File::open(path).map_err(|e| UserError::io(path.display(), &e))?;
    let mut near = NearDuplicates::default();
    let mut texts = Texts::default();
    let reader = Reader::default();
    let mut read = 0;
    bars.stage("comparing tickets", 0);
    for ticket in Lines::new(BufReader::new(file), "import").filter_map(|l| l.ticket.ok()) {
        let text = reader.compose(&ticket).text();
        let language = match language_of(&ticket, &text) {
            none if none.is_empty() => "unknown".to_owned(),
            language => language,
        };
        *texts.languages.entry(language).or_default() += 1;
        if read < COMPARED {
            near.add(&text);
        }
        read += 1;
        if read.is_multiple_of(512) && bars.done(read as u64).is_break() {
            return Err(firstline_training::interrupted("comparing tickets").into());
        }
    }
    texts.near_duplicates = near.repeated();
    texts.near_duplicates_among = (read > COMPARED).then_some(COMPARED);
    Ok(texts)
}

/// The closing table.
pub(super) fn text(output: &Output) -> String {
    let s = &output.summary;
    let day = |t: jiff::Timestamp| t.to_string().chars().take(10).collect::<String>();
    let span = match (s.first_opened_at, s.last_opened_at) {
        (Some(first), Some(last)) => format!("{} to {}", day(first), day(last)),
        _ => "no dates".into(),
    };
    let mut rows = vec![
        ("rows", format!("{} read, {} imported, {} rejected", s.rows, s.imported, s.rejected)),
        ("opened", if s.undated > 0 { format!("{span}; {} without a date", s.undated) } else { span }),
    ];
    rows.extend(s.rejected_by_code.iter().map(|(code, n)| ("rejected", format!("{n} as {code}"))));
    for (field, l) in &s.labels {
        let top: Vec<String> = l.top.iter().take(5).map(|(label, n)| format!("{label} {n}")).collect();
        let more = if l.distinct > 5 { ", ..." } else { "" };
        rows.push((
            field.name(),
            format!("{} labels on {} tickets: {}{more}", l.distinct, l.labelled, top.join(", ")),
        ));
    }
    let mut languages: Vec<(&str, u64)> =
        output.texts.languages.iter().map(|(l, n)| (l.as_str(), *n)).collect();
    languages.sort_by_key(|&(l, n)| (std::cmp::Reverse(n), l));
    let languages: Vec<String> = languages.iter().take(8).map(|(l, n)| format!("{l} {n}")).collect();
    rows.push(("languages", languages.join(", ")));
    let among =
        output.texts.near_duplicates_among.map_or_else(String::new, |n| format!(" among the first {n}"));
    let near = output.texts.near_duplicates;
    rows.push(("duplicates", format!("{} exact, {near} near or exact{among}", s.exact_duplicates)));
    rows.push((
        "read as",
        format!(
            "{}, {}{}",
            s.format,
            s.encoding,
            s.delimiter.map_or_else(String::new, |d| format!(", {d:?}"))
        ),
    ));
    let listed = |names: Vec<String>| match names.len() {
        0 => "none".to_owned(),
        n if n > LISTED => format!("{}, and {} more", names[..LISTED].join(", "), n - LISTED),
        _ => names.join(", "),
    };
    rows.push(("columns that filled nothing", listed(s.unused().map(|name| format!("{name:?}")).collect())));
    rows.push(("fields that nothing filled", listed(s.unfilled.iter().map(ToString::to_string).collect())));
    rows.extend(s.notes.iter().map(|n| ("note", n.clone())));
    rows.push(("tickets", output.out.clone()));
    rows.extend(output.rejects.iter().map(|r| ("rejects", r.clone())));
    pairs(rows.into_iter().map(|(name, value)| (name.to_owned(), value)))
}
