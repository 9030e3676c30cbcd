//! `firstline store audit`: checks, signs and exports the audit log.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_store::{Anchor, AnchorKey, AuditEntry, Store, Verified, anchor, public_keys, verify};
use jiff::Timestamp;
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

/// Verify, sign or export the audit log, a hash chain of all decisions, drafts and reviews.
#[derive(Debug, Args)]
pub(crate) struct AuditLogArgs {
    #[command(subcommand)]
    command: AuditLogCommand,
}

#[derive(Debug, Subcommand)]
enum AuditLogCommand {
    /// Check that no entry was changed, removed or added, and that rows match their entries.
    ///
    /// The log must hold the heads that were signed outside of the store (settings audit_key, audit_anchor), or the one given with
    /// --head. The number and hash of the last entry, the head, are printed last.
    Verify {
        /// Number and hash of an entry, as an earlier `verify` printed them; the log must still hold it.
        #[arg(long, value_name = "NUMBER:HASH")]
        head: Option<String>,
        /// Check this exported log instead of the store's, without rows; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Signed heads [default: the setting audit_anchor].
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
        /// The public key that signed them, or several [default: that of the setting audit_key].
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        #[command(flatten)]
        output: JsonArg,
    },
    /// Sign the head now, as the service does every five minutes.
    Anchor {
        /// Accept that the log no longer holds what was signed before, as after a restored backup.
        #[arg(long)]
        accept: bool,
    },
    /// Make a key that signs heads: FILE, and FILE.pub with the public key.
    Keygen {
        /// File to create.
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
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
        AuditLogCommand::Verify { head, file, anchors, key, output } => {
            let trust = Trust::read(settings, head.as_deref(), anchors.as_deref(), key.as_deref())?;
            let verified = match file {
                Some(path) => of_file(path, &trust)?,
                None => config::existing_store(settings)?.audit_check(&trust.heads())?,
            };
            report(&verified, &trust, output.json)?;
        }
        AuditLogCommand::Anchor { accept } => {
            let store = config::existing_store(settings)?;
            let mut settings = config::settings(settings, &[])?;
            config::anchoring(&mut settings, true)?;
            let key = AnchorKey::read(&settings.audit_key)?;
            let signed = anchor(store.as_ref(), &key, &settings.audit_anchor, Timestamp::now(), *accept)?;
            let Some(Anchor { seq, hash, .. }) = signed else {
                let next = "Start the service: it records what it does";
                return Err(UserError::new(Code::Audit, "the audit log", "it has no entry yet", next).into());
            };
            print(format_args!("{seq}:{hash}"));
        }
        AuditLogCommand::Keygen { out } => {
            let key = AnchorKey::create(out)?;
            print(format_args!("firstline-audit-public:{}", key.public()));
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

/// What is known of the log from outside of the store.
struct Trust {
    anchors: Vec<Anchor>,
    head: Option<Head>,
    /// Where the anchors were looked for.
    place: String,
}

impl Trust {
    fn read(
        settings: &SettingsArgs,
        head: Option<&str>,
        anchors: Option<&Path>,
        key: Option<&Path>,
    ) -> Result<Self, Failure> {
        let head = head.map(parse).transpose()?;
        let mut settings = config::settings(settings, &[])?;
        config::anchoring(&mut settings, false)?;
        let path = anchors.map_or(settings.audit_anchor, Path::to_owned);
        let key = key.map_or(settings.audit_key, Path::to_owned);
        if anchors.is_some() && !path.exists() {
            return Err(UserError::io(path.display(), &std::io::ErrorKind::NotFound.into()).into());
        }
        let held = match path.exists() {
            true => firstline_store::anchors(&path, &public_keys(&key)?)?,
            false => Vec::new(),
        };
        Ok(Self { anchors: held, head, place: path.display().to_string() })
    }

    fn heads(&self) -> Vec<Head> {
        let signed = self.anchors.iter().map(|anchor| (anchor.seq, anchor.hash.clone()));
        signed.chain(self.head.clone()).collect()
    }

    /// Whether the log may be called whole.
    fn check(&self, verified: &Verified) -> Result<(), UserError> {
        let next = "Compare with a backup or an exported log";
        if let Some(seq) = verified.unmet.iter().max() {
            let anchor = self.anchors.iter().find(|anchor| anchor.seq == *seq);
            let problem = match anchor {
                Some(Anchor { at, .. }) if *seq > verified.entries => {
                    let n = verified.entries;
                    format!(
                        "it was signed {at:.0}, and the log ends with entry {n}: it was cut, or is an earlier copy"
                    )
                }
                Some(Anchor { at, .. }) => {
                    format!("the log no longer holds what was signed {at:.0}: it was rewritten")
                }
                None => "the log no longer holds this entry: it was cut or rewritten".to_owned(),
            };
            return Err(UserError::new(Code::Audit, format!("audit entry {seq}"), problem, next));
        }
        if !verified.findings.is_empty() {
            let problem = format!("rows are not what it says: {}", verified.findings.join("; "));
            return Err(UserError::new(Code::Audit, "the audit log", problem, next));
        }
        if self.anchors.is_empty() && self.head.is_none() {
            let problem = format!(
                "its {} entries follow on one another, but nothing outside of the store shows that they are all: no signed head in {:?}",
                verified.entries, self.place
            );
            let next = "Name the file with --anchors, or give --head from an earlier run; `firstline store audit anchor` signs from now on";
            return Err(UserError::new(Code::Audit, "the audit log", problem, next));
        }
        Ok(())
    }
}

/// Prints what was found; fails where the log, or a row, is not what it was.
fn report(verified: &Verified, trust: &Trust, json: bool) -> Result<(), Failure> {
    let Verified { entries, hash, findings, compared, undigested, .. } = verified;
    let checked = trust.check(verified);
    let signed = trust.anchors.last();
    if json {
        print(json!({
            "entries": entries,
            "hash": hash,
            "whole": checked.is_ok(),
            "signed": signed.map(|anchor| json!({"entry": anchor.seq, "at": anchor.at})),
            "rows": compared,
            "rows_without_digest": undigested,
            "findings": findings,
        }));
    }
    checked?;
    if !json {
        let signed = signed
            .map_or_else(|| "none".to_owned(), |anchor| format!("entry {} at {:.0}", anchor.seq, anchor.at));
        print(format_args!("{entries} entries, the chain is whole. Last signed head: {signed}."));
        print(format_args!("{compared} rows are what their entries say."));
        if *undigested > 0 {
            print(format_args!("{undigested} rows are from before entries held digests: not compared."));
        }
        print(format_args!("Keep this head elsewhere:\n{entries}:{hash}"));
    }
    Ok(())
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
fn of_file(path: &Path, trust: &Trust) -> Result<Verified, Failure> {
    let mut reader = BufReader::new(files::open(path)?);
    let io = |e: std::io::Error| UserError::io(files::name_of(path), &e);
    let (mut last, mut wanted): (_, HashSet<Head>) = (None, trust.heads().into_iter().collect());
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
        wanted.remove(&(entry.seq, entry.hash.clone()));
        last = verify(&[entry], last)?;
    }
    let Some((entries, hash)) = last else {
        let next = "Name a log that `firstline store audit export` wrote";
        return Err(UserError::new(Code::Audit, files::name_of(path), "the log is empty", next).into());
    };
    let unmet = wanted.into_iter().map(|(seq, _)| seq).collect();
    Ok(Verified { entries, hash, unmet, findings: Vec::new(), compared: 0, undigested: 0 })
}
