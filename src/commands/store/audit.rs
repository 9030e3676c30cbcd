//! `firstline store audit`: checks and exports the audit log.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_store::{AuditEntry, Store, verify};
use serde_json::json;

use crate::arguments::{JsonArg, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::files::{self, Whole};
use crate::ui::print;

/// Entries read at a time.
const PAGE: usize = 10_000;
/// Longest line of an exported log.
const MOST_LINE: u64 = 1 << 20;

/// Verify or export the audit log, a hash chain of all decisions, drafts and reviews.
#[derive(Debug, Args)]
pub(crate) struct AuditLogArgs {
    #[command(subcommand)]
    command: AuditLogCommand,
}

#[derive(Debug, Subcommand)]
enum AuditLogCommand {
    /// Check that no entry was changed, removed or inserted.
    ///
    /// It prints the number and hash of the last entry, the head. Keep it somewhere else: with --head, a later run shows that
    /// the log still holds it.
    Verify {
        /// Number and hash of an entry, as an earlier `verify` printed them; the log must still hold it.
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<String>,
        /// Check this exported log instead of the store's; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        output: JsonArg,
    },
    /// Write the log as JSONL: ids, labels and hashes, no words of tickets.
    Export {
        /// File to write [default: standard output].
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// The number and hash of an entry.
type Head = (i64, String);

pub(super) fn run(args: &AuditLogArgs, settings: &SettingsArgs) -> Result<Exit, Failure> {
    match &args.command {
        AuditLogCommand::Verify { head, file, output } => {
            let head = head.as_deref().map(parse).transpose()?;
            let mut check = Check { last: None, wanted: head, met: false };
            match file {
                Some(path) => of_file(path, &mut check)?,
                None => pages(config::existing_store(settings)?.as_ref(), |page| check.page(page))?,
            }
            let (entries, hash) = check.finish()?;
            match output.json {
                true => print(json!({"entries": entries, "hash": hash})),
                false => print(format_args!(
                    "{entries} entries, the chain is whole. Keep this head elsewhere:\n{entries}:{hash}"
                )),
            }
        }
        AuditLogCommand::Export { out } => {
            let store = config::existing_store(settings)?;
            match out {
                Some(path) => {
                    let mut file = Whole::create(path)?;
                    let mut writer = file.writer();
                    export(store.as_ref(), &mut writer)?;
                    writer.flush().map_err(|e| UserError::io(path.display(), &e))?;
                    drop(writer);
                    file.publish()?;
                }
                None => export(store.as_ref(), &mut BufWriter::new(std::io::stdout().lock()))?,
            }
        }
    }
    Ok(Exit::Success)
}

fn parse(head: &str) -> Result<Head, Failure> {
    let parsed =
        head.split_once(':').and_then(|(seq, hash)| Some((seq.trim().parse().ok()?, hash.trim().to_owned())));
    parsed.ok_or_else(|| {
        let next = "Give what `firstline store audit verify` printed, such as 12:ab34...";
        UserError::new(Code::Config, "--head", format!("{head:?} is not NUMBER:HASH"), next).into()
    })
}

/// A log that is being checked.
struct Check {
    last: Option<Head>,
    wanted: Option<Head>,
    met: bool,
}

impl Check {
    fn page(&mut self, entries: &[AuditEntry]) -> Result<(), Failure> {
        self.last = verify(entries, self.last.take())?;
        if let Some((seq, hash)) = &self.wanted {
            self.met |= entries.iter().any(|entry| entry.seq == *seq && entry.hash == *hash);
        }
        Ok(())
    }

    fn finish(self) -> Result<Head, Failure> {
        let last = self.last.unwrap_or((0, String::new()));
        if let Some((seq, _)) = self.wanted.filter(|_| !self.met) {
            let problem = "the log no longer holds this entry: it was cut or rewritten";
            let next = "Compare with a backup or an exported log";
            return Err(UserError::new(Code::Audit, format!("audit entry {seq}"), problem, next).into());
        }
        Ok(last)
    }
}

/// Reads the log page by page.
fn pages(
    store: &dyn Store,
    mut each: impl FnMut(&[AuditEntry]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut last = 0;
    loop {
        let page = store.audit_entries(last, PAGE)?;
        let Some(entry) = page.last() else { return Ok(()) };
        last = entry.seq;
        each(&page)?;
    }
}

fn export(store: &dyn Store, out: &mut impl Write) -> Result<(), Failure> {
    let io = |e: std::io::Error| UserError::io("the exported log", &e);
    pages(store, |page| {
        for entry in page {
            writeln!(out, "{}", serde_json::to_string(entry)?).map_err(io)?;
        }
        Ok(())
    })?;
    Ok(out.flush().map_err(io)?)
}

/// Checks an exported log.
fn of_file(path: &Path, check: &mut Check) -> Result<(), Failure> {
    let mut reader = BufReader::new(files::open(path)?);
    let io = |e: std::io::Error| UserError::io(files::name_of(path), &e);
    for number in 1.. {
        let mut line = String::new();
        let read = std::io::Read::take(&mut reader, MOST_LINE).read_line(&mut line).map_err(io)?;
        if read == 0 {
            break;
        }
        let entry: AuditEntry = serde_json::from_str(&line).map_err(|e| {
            let place = format!("{}, line {number}", files::name_of(path));
            UserError::new(
                Code::Audit,
                place,
                e.to_string(),
                "Name a log that `firstline store audit export` wrote",
            )
        })?;
        check.page(&[entry])?;
    }
    Ok(())
}
