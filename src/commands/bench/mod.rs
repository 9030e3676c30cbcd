//! `firstline bench`: measures a bundle on tickets that it has not seen, and writes the evidence that the gates read.

mod agreement;
mod assemble;
mod automation;
mod busy;
mod drafted;
mod material;
mod safety;
mod speed;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser};
use firstline_drafts::{Drafter, Index, Reviews, Templates};
use firstline_fault::{Code, InternalError, UserError};
use firstline_rollout::{Criteria, Evidence, RuleSet, Tiers};
use firstline_ticket::Field;
use firstline_triage::bundle::layout;
use firstline_triage::{Engine, Policy, sha256_file, sha256_hex};
use jiff::Timestamp;

use super::best::{Best, DoubtsArg, JUDGED};
use super::draft::voice;
use super::drafts::writer;
use super::rollout::{
    history::{each_line, read_text},
    show,
};
use super::{doctor, draft, policy};
use crate::arguments::{BundleArg, JsonArg, ModelOptions, PolicyArg, SeedArg, VoiceArg, WriterArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, go_on, print, stopping};
use assemble::Measured;
use busy::Busy;
use material::{Material, usable};

/// The file of what could be automated.
const AUTOMATION: &str = "automation.toml";

/// Measure a bundle on held-out tickets and write the evidence for the gates.
///
/// The evidence file has accuracy, joint agreement, certificates, drafts, latency and load on this machine, and the attack and canary
/// suites, run against this very bundle. Tickets that training has seen are never scored. What can't be measured is absent from the
/// file, and named.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Tickets as they were closed, plain or .gz. Those seen in training and those whose `split` is not `test` are left out.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,

    /// The history the bundle was trained on: more pairs of near-identical tickets, and canaries asked for by the very tickets.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,

    /// Criteria file that was signed: its hash goes into the evidence, and its thresholds hold.
    #[arg(long, value_name = "FILE")]
    criteria: Option<PathBuf>,

    /// Tiers of boards, technicians and statuses, for the first level's share in each week; its `best` names the best technicians.
    #[arg(long, value_name = "FILE")]
    tiers: Option<PathBuf>,

    #[command(flatten)]
    doubts: DoubtsArg,

    /// The desk's routing rules, `rules.toml`: replayed over the same tickets beside the bundle.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// Folder that gets a folder of evidence: evidence.json, report.html, and automation.toml for `firstline rollout baseline` and
    /// `pilots`.
    #[arg(long, value_name = "DIR", default_value = "evidence")]
    out: PathBuf,

    /// Measure times, drafts and canaries on fewer tickets.
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    policy: PolicyArg,

    #[command(flatten)]
    voice: VoiceArg,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    output: JsonArg,

    #[command(flatten)]
    writer: WriterArg,

    #[command(flatten)]
    models: ModelOptions,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Extent {
    seed: u64,
    /// Whether less is measured, to be quick.
    quick: bool,
    /// Tickets that are decided one by one.
    alone: usize,
    /// Tickets that are drafted one by one.
    drafted: usize,
    /// Seconds of load.
    load: f64,
    /// Canaries that are asked for.
    canaries: usize,
}

impl Extent {
    fn of(args: &BenchArgs) -> Self {
        let seed = args.seed.seed;
        match args.quick {
            true => Self { seed, quick: true, alone: 50, drafted: 100, load: 2.0, canaries: 50 },
            false => Self { seed, quick: false, alone: 500, drafted: 2_000, load: 15.0, canaries: 400 },
        }
    }
}

/// What the desk has laid down.
struct LaidDown {
    policy: Policy,
    criteria: Option<(Criteria, String)>,
    tiers: Tiers,
    /// The desk's rules, and the sha256 of their file.
    rules: Option<(RuleSet, String)>,
    best: Best,
}

impl LaidDown {
    fn read(args: &BenchArgs) -> Result<Self, Failure> {
        let criteria = match &args.criteria {
            Some(path) => {
                let text = read_text(path)?;
                Some((Criteria::parse(&text, &files::name_of(path))?, sha256_hex(text.as_bytes())))
            }
            None => None,
        };
        let tiers = match &args.tiers {
            Some(path) => Tiers::parse(&read_text(path)?, &files::name_of(path))?,
            None => Tiers::default(),
        };
        let rules = match &args.rules {
            Some(path) => {
                let text = read_text(path)?;
                Some((RuleSet::parse(&text, &files::name_of(path))?, sha256_hex(text.as_bytes())))
            }
            None => None,
        };
        let policy = policy::read(args.policy.policy.as_deref())?;
        Ok(Self { policy, criteria, tiers, rules, best: Best::default() })
    }
}

pub(super) fn run(args: &BenchArgs, ui: &Ui) -> Result<Exit, Failure> {
    for (flag, path) in [("--tickets", Some(&args.tickets)), ("--history", args.history.as_ref())] {
        if path.is_some_and(|path| path == Path::new("-")) {
            let problem = "standard input can't be read twice";
            return Err(UserError::new(Code::Config, flag, problem, "Name a file").into());
        }
    }
    let before = Busy::now();
    let mut laid_down = LaidDown::read(args)?;
    let rules = laid_down.rules.is_some();
    let material = Material::read(&args.tickets, &args.bundle.bundle, &laid_down.policy, rules, ui)?;
    laid_down.best = best(args, &laid_down, &material, ui)?;
    let when = (before, Timestamp::now());
    let (evidence, automation) = measure(args, &laid_down, &material, when, ui)?;
    let path = write(&args.out, &evidence, automation.as_deref())?;
    match args.output.json {
        true => print(serde_json::to_string(&evidence)?),
        false => show(&evidence.report()),
    }
    ui.say(format!("Evidence: {}", path.join("evidence.json").display()));
    ui.say(format!("Report: {}", path.join("report.html").display()));
    match automation {
        Some(_) => ui.say(format!(
            "For `firstline rollout baseline` and `pilots`: --automation {}",
            path.join(AUTOMATION).display()
        )),
        None => ui.say("No category has enough held-out tickets to say what of it could be automated."),
    }
    Ok(material.exit)
}

/// The command line of `firstline bench`, for those who measure within the program.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: BenchArgs,
}

/// The evidence that `firstline bench --quick` gives of a bundle at a time that is not the machine's: for `firstline demo`. Gives the file.
pub(super) fn evidence_at(
    (bundle, tickets, criteria): (&Path, &Path, &Path),
    out: &Path,
    (seed, made_at): (u64, Timestamp),
    ui: &Ui,
) -> Result<PathBuf, Failure> {
    let seed = seed.to_string();
    let flags: [(&str, &OsStr); 6] = [
        ("--bundle", bundle.as_os_str()),
        ("--tickets", tickets.as_os_str()),
        ("--criteria", criteria.as_os_str()),
        ("--out", out.as_os_str()),
        ("--seed", OsStr::new(&seed)),
        ("--writer", OsStr::new("none")),
    ];
    let line =
        flags.iter().flat_map(|(flag, value)| [OsStr::new(flag), value]).chain([OsStr::new("--quick")]);
    let Line { args } = Line::try_parse_from(line)
        .map_err(|e| InternalError::new(format!("the command line of a measurement: {e}")))?;
    let before = Busy::now();
    let laid_down = LaidDown::read(&args)?;
    let material = Material::read(tickets, bundle, &laid_down.policy, false, ui)?;
    let (evidence, _) = measure(&args, &laid_down, &material, (before, made_at), ui)?;
    Ok(write(out, &evidence, None)?.join("evidence.json"))
}

/// Tickets that are drafted for a demo.
const DEMO_DRAFTS: usize = 300;

/// What of each category could be automated, by tickets that the bundle has not seen, and nothing else of an evidence file: for
/// `firstline demo`. Writes it to `out`; `false` where there is nothing to write.
pub(super) fn write_automation(
    (bundle, tickets): (&Path, &Path),
    out: &Path,
    seed: u64,
    ui: &Ui,
) -> Result<bool, Failure> {
    let policy = Policy::built_in()?;
    let laid_down =
        LaidDown { policy, criteria: None, tiers: Tiers::default(), rules: None, best: Best::default() };
    let material = Material::read(tickets, bundle, &laid_down.policy, false, ui)?;
    let extent = Extent { seed, quick: true, alone: 0, drafted: DEMO_DRAFTS, load: 0.0, canaries: 0 };
    let engine = Engine::open(bundle)?;
    let index = Index::open(bundle, engine.bundle().info.dimensions)?;
    let (voice, templates) = (voice(None)?, Templates::read(bundle)?);
    let drafter = Drafter::new(&engine, &index, &voice, &templates);
    let mut bars = ui.bars();
    let mut measured = Measured::new(&extent, &laid_down, &material, &engine);
    measured.agreement(&engine, &laid_down, &mut bars)?;
    measured.drafts(&drafter, &extent, &mut bars)?;
    bars.finish();
    let Some(automation) = measured.automation() else { return Ok(false) };
    files::write_whole(out, automation.as_bytes())?;
    Ok(true)
}

fn measure(
    args: &BenchArgs,
    laid_down: &LaidDown,
    material: &Material,
    (before, made_at): (Busy, Timestamp),
    ui: &Ui,
) -> Result<(Evidence, Option<String>), Failure> {
    let bundle = &args.bundle.bundle;
    let info = bundle.join(layout::INFO);
    let bundle_sha256 = sha256_file(&info)?;
    let extent = Extent::of(args);
    let engine = Engine::open(bundle)?.under(laid_down.policy.clone());
    let index = Index::open(bundle, engine.bundle().info.dimensions)?;
    if let Some(warning) = draft::outdated(bundle)? {
        eprintln!("warning: {warning}");
    }
    let (voice, templates, reviews) =
        (voice(args.voice.voice.as_deref())?, Templates::read(bundle)?, Reviews::read(bundle)?);
    let writer = writer::open(&args.writer.writer, bundle, &args.models, ui)?;
    let mut drafter = Drafter::new(&engine, &index, &voice, &templates).trusting(&reviews);
    if let Some(writer) = &writer {
        drafter = drafter.written_by(writer, &go_on);
    }
    let mut bars = ui.bars();
    let mut measured = Measured::new(&extent, laid_down, material, &engine);
    measured.agreement(&engine, laid_down, &mut bars)?;
    measured.ceiling(&engine, args.history.as_deref(), &mut bars)?;
    measured.speed(&engine, &extent, &mut bars)?;
    measured.drafts(&drafter, &extent, &mut bars)?;
    measured.notes.extend(before.notes(&Busy::now(), doctor::machine().cores));
    measured.safety(&drafter, args.history.as_deref(), &extent, &mut bars)?;
    bars.finish();
    if sha256_file(&info)? != bundle_sha256 {
        let problem = "it was replaced while it was measured";
        return Err(
            UserError::new(Code::Bundle, bundle.display().to_string(), problem, "Measure it again").into()
        );
    }
    let automation = measured.automation();
    Ok((measured.finish(&drafter, laid_down, &bundle_sha256, made_at)?, automation))
}

/// The best technicians, by tickets of the history that are not measured.
fn best(args: &BenchArgs, laid_down: &LaidDown, material: &Material, ui: &Ui) -> Result<Best, Failure> {
    if args.doubts.is_given() && args.history.is_none() && laid_down.tiers.best.is_empty() {
        let problem = "a sheet of doubts tells of technicians only with the history that it is about";
        return Err(UserError::new(Code::Config, "--doubts", problem, "Name it with --history").into());
    }
    let measured: HashSet<&str> = material.facts.iter().map(|facts| facts.id.as_str()).collect();
    args.doubts.best(&laid_down.tiers, |tally| {
        let Some(path) = &args.history else { return Ok(()) };
        let mut bars = ui.bars();
        each_line(path, "counting doubts by technician", &mut bars, |line| {
            let ticket = usable(line)?.filter(|ticket| !measured.contains(ticket.id.as_str()));
            if let Some(ticket) = ticket.filter(|ticket| JUDGED.iter().all(|f| ticket.label(*f).is_some())) {
                ticket.label(Field::Technician).into_iter().for_each(|name| tally.add(&ticket.id, name));
            }
            Ok(())
        })?;
        bars.finish();
        Ok(())
    })
}

/// Writes the folder of `evidence` into `out`, whole or not at all, with what of each category could be automated.
fn write(out: &Path, evidence: &Evidence, automation: Option<&str>) -> Result<PathBuf, Failure> {
    let io = |e: std::io::Error| UserError::io(out.display(), &e);
    std::fs::create_dir_all(out).map_err(io)?;
    let temporary = tempfile::Builder::new().prefix(".firstline-").tempdir_in(out).map_err(io)?;
    let fresh = temporary.path().join("new");
    std::fs::create_dir(&fresh).map_err(io)?;
    files::write_whole(&fresh.join("evidence.json"), evidence.to_json()?.as_bytes())?;
    files::write_whole(&fresh.join("report.html"), evidence.html().as_bytes())?;
    if let Some(automation) = automation {
        files::write_whole(&fresh.join(AUTOMATION), automation.as_bytes())?;
    }
    if stopping() {
        return Err(firstline_training::interrupted("writing the evidence").into());
    }
    let path = out.join(&evidence.id);
    std::fs::rename(&fresh, &path).map_err(|e| UserError::io(path.display(), &e))?;
    Ok(path)
}
