//! `firstline train`: a history in, a bundle out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_nn::Precision;
use firstline_ticket::{Field, Ticket};
use firstline_training::{
    AnswerExamples, EmbeddingCache, FineTuning, History, HistoryTicket, Objective, Progress, SplitMode,
    SplitOptions, TrainInput, TrainOptions, Trained, Tried, train,
};
use firstline_triage::bundle::layout;
use firstline_triage::{Bundle, EncoderFiles, Engine, Member, Policy, Reader, SplitFacts, sha256_file};
use serde::Serialize;

use super::drafts::index;
use super::{models, policy};
use crate::arguments::{
    EncoderArgs, FineTuningChoice, HistoryArg, JsonArg, ModelOptions, PolicyArg, PrecisionChoice, SeedArg,
    SplitChoice,
};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print, stopping};

/// Learn from a ticket history and write a bundle.
///
/// A run that was stopped continues where it was when the same command is given again. Until it is done, it keeps its state in
/// BUNDLE.training beside the bundle. A bundle that is already there is replaced as a whole.
///
/// First and last lines that recur over a sender's, a customer's or the desk's tickets, such as footers, are learnt as salted hashes
/// and left out of what is read, then and in new tickets. The bundle keeps the `[words]` of the policy that it is trained with.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    history: HistoryArg,

    /// Folder to write the bundle into.
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,

    /// File with the test tickets [default: the newest tickets of the history are held out].
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,

    /// Fields to learn [default: all fields that have labels].
    #[arg(long, value_delimiter = ',', value_name = "FIELD,...")]
    fields: Vec<String>,

    /// How to split the history into train, calibrate and test windows.
    #[arg(long, value_enum, default_value_t = SplitChoice::Auto)]
    split: SplitChoice,

    /// Whether to fine-tune the encoder on the history: minutes to an hour on a CPU.
    #[arg(long, value_enum, default_value_t = FineTuningChoice::Auto)]
    fine_tune: FineTuningChoice,

    /// Precision the encoder computes in, now and whenever this bundle is used [default: the model's, usually int8].
    #[arg(long, value_enum)]
    precision: Option<PrecisionChoice>,

    /// Leave the index out: the bundle then holds no customer's words, and `firstline draft` needs one first.
    #[arg(long)]
    no_index: bool,

    #[command(flatten)]
    policy: PolicyArg,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    encoder: EncoderArgs,

    #[command(flatten)]
    output: JsonArg,
}

/// How a history is split: the shares for calibrating, for certifying, and held out for the test.
pub(super) fn split_options(mode: SplitMode, seed: u64) -> SplitOptions {
    SplitOptions { mode, calibrate: 0.125, certify: 0.08, test: 0.15, seed }
}

/// A training, checked.
pub(super) struct Job {
    pub(super) tickets: PathBuf,
    pub(super) test: Option<PathBuf>,
    pub(super) bundle: PathBuf,
    pub(super) fields: Vec<Field>,
    pub(super) split: SplitMode,
    pub(super) seed: u64,
    pub(super) fine_tuning: FineTuning,
    pub(super) policy: Policy,
    /// `None`: the manifest's precision.
    pub(super) precision: Option<Precision>,
    pub(super) embedding_cache: Option<PathBuf>,
    /// Whether resolved tickets go into the bundle's index.
    pub(super) index: bool,
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output<'a> {
    bundle: String,
    split: &'a SplitFacts,
    /// Whether a fine-tuned encoder stands beside the model's own.
    fine_tuned: bool,
    /// The ways to use the encoder that were compared, by log loss summed over the fields.
    encoders_tried: &'a [Tried],
    fields: BTreeMap<Field, Learnt>,
    left_out: BTreeMap<Field, String>,
    /// Priorities without a rank in the policy: they are decided by probability alone.
    priorities_without_rank: Vec<&'a str>,
    tickets_cut: usize,
    tokens_cut: u64,
    bad_lines: usize,
}

#[derive(Debug, Serialize)]
struct Learnt {
    labels: usize,
    members: BTreeMap<&'static str, f64>,
    temperature: f64,
    noise_floor: f64,
    calibration: &'static str,
    correctness_model: bool,
    rare: BTreeMap<String, usize>,
}

pub(super) fn run(args: &TrainArgs, ui: &Ui) -> Result<Exit, Failure> {
    let fields = args.fields.iter().map(|f| f.parse()).collect::<Result<Vec<Field>, UserError>>()?;
    let job = Job {
        tickets: args.history.tickets.clone(),
        test: args.test.clone(),
        bundle: args.bundle.clone(),
        fields,
        split: args.split.into(),
        seed: args.seed.seed,
        fine_tuning: args.fine_tune.into(),
        policy: policy::read(args.policy.policy.as_deref())?,
        precision: args.precision.map(Precision::from),
        embedding_cache: args.encoder.embedding_cache.clone(),
        index: !args.no_index,
    };
    let (trained, bad_lines) = learn(&job, &args.encoder.model, &args.encoder.models, ui)?;
    if args.output.json {
        print(serde_json::to_string(&output(&job, &trained, bad_lines))?);
    } else {
        print(summary(&trained));
        ui.say(format!("Bundle: {}", job.bundle.display()));
        let tickets = job.test.as_ref().unwrap_or(&job.tickets).display();
        ui.say(format!(
            "Next: firstline evaluate --bundle {} --tickets {tickets} --report DIR",
            job.bundle.display()
        ));
    }
    Ok(if bad_lines > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// Trains and publishes the bundle; returns it and the number of lines that held no usable ticket.
pub(super) fn learn(
    job: &Job,
    model: &str,
    models: &ModelOptions,
    ui: &Ui,
) -> Result<(Trained, usize), Failure> {
    Bundle::check_place(&job.bundle)?;
    let (history, replies, data_sha256, bad_lines) = read_history(job, ui)?;
    let (mut manifest, dir) = models::ensure(model, models, ui)?;
    manifest.precision = job.precision.unwrap_or(manifest.precision);
    let mut cache = EmbeddingCache::open(job.embedding_cache.as_deref(), manifest.dimensions)?;
    let options = TrainOptions {
        fields: if job.fields.is_empty() { Field::ALL.to_vec() } else { job.fields.clone() },
        all_fields_required: !job.fields.is_empty(),
        split: split_options(job.split, job.seed),
        fine_tuning: job.fine_tuning,
        priorities: job.policy.priority.clone(),
        words: job.policy.words.clone(),
        decays: BTreeMap::new(),
        at_most: None,
        seed: job.seed,
    };
    let work = layout::beside(&job.bundle, layout::TRAINING);
    let source = EncoderFiles { dir, manifest };
    let mut bars = ui.bars();
    let input = TrainInput { history: &history, source: &source, options: &options };
    let mut trained = train(input, &data_sha256, &work, &mut cache, &mut bars)?;
    trained.bundle.answers = replies.learn().map(Arc::new);
    bars.finish();
    let had_writer = job.bundle.join(layout::WRITER).exists();
    let _lock = index::lock(&job.bundle)?;
    let cases = publish(&trained, job, &source, ui)?;
    if had_writer {
        ui.say(format!(
            "note: the language model that was taught for the old bundle was dropped with it. To teach it again: firstline \
             drafts tune --bundle {} --tickets FILE",
            job.bundle.display()
        ));
    }
    if job.fine_tuning != FineTuning::Never
        && let Err(e) = clear(&work)
    {
        ui.say(format!("note: {} could not be cleared: {e}", work.display()));
    }
    finish_index(job, cases, ui)?;
    let absent = trained.left_out.iter().filter(|left_out| left_out.is_absent);
    let absent: Vec<&str> = absent.map(|left_out| left_out.field.name()).collect();
    if !absent.is_empty() {
        ui.say(format!("note: the history has no labels of {}, so these are not decided", absent.join(", ")));
    }
    for left_out in trained.left_out.iter().filter(|left_out| !left_out.is_absent) {
        ui.say(format!("note: {} was left out. {}", left_out.field, left_out.why));
    }
    if let Some(note) = &trained.bundle.info.split.note {
        ui.say(format!("note: {note}"));
    }
    let unranked = unranked(&job.policy, &trained);
    if !unranked.is_empty() {
        let shown = &unranked[..unranked.len().min(LABELS_SHOWN)];
        ui.say(format!(
            "note: the policy gives {} of the priorities no rank ({}{}): these are decided by probability alone, and a person \
             decides where a rule needs a rank. Name them in a copy of `firstline policy` and train with --policy",
            unranked.len(),
            shown.join(", "),
            if shown.len() < unranked.len() { ", ..." } else { "" }
        ));
    }
    if trained.cut.0 > 0 {
        ui.say(format!(
            "note: {} tickets were longer than the encoder reads; {} tokens between head and tail were cut",
            trained.cut.0, trained.cut.1
        ));
    }
    Ok((trained, bad_lines))
}

/// Learns the reply templates of the bundle's `cases`, and says what there is to draft from.
fn finish_index(job: &Job, cases: usize, ui: &Ui) -> Result<(), Failure> {
    let bundle = &job.bundle;
    if !job.index {
        ui.say(format!(
            "The bundle has no index, so there is nothing to draft from. To add one: firstline drafts index --bundle {} \
             --tickets FILE",
            bundle.display()
        ));
        return Ok(());
    }
    let templates = index::learn_templates(&Engine::open(bundle)?, bundle)?;
    ui.say(format!("{cases} resolved tickets to draft from, {templates} reply templates to review."));
    Ok(())
}

/// Removes what fine-tuning left in `work`, and the folder itself if nothing else is in it.
fn clear(work: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(work)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "checkpoint" {
            std::fs::remove_file(entry.path())?;
        } else if name.starts_with("encoder-") || name.starts_with("fold-") {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    std::fs::remove_dir(work)
}

/// Publishes the bundle with its index, unless the job leaves that out; the cases in it.
fn publish(trained: &Trained, job: &Job, source: &EncoderFiles, ui: &Ui) -> Result<usize, Failure> {
    if stopping() {
        return Err(UserError::new(
            Code::Interrupted,
            "training",
            "stopped before the end",
            "Nothing was written",
        )
        .into());
    }
    let mut cases = 0;
    trained.bundle.publish(&job.bundle, source, trained.tuned.as_ref(), |staging| {
        if job.index {
            let engine = Engine::open(staging)?;
            let seen = |ticket: &Ticket| engine.bundle().has_seen(ticket);
            let source = index::Source { path: &job.tickets, wanted: &seen, real_replies: true };
            cases = index::fill(&engine, staging, &source, ui)?.cases;
        }
        Ok::<(), Failure>(())
    })?;
    Ok(cases)
}

fn read_history(job: &Job, ui: &Ui) -> Result<(History, AnswerExamples, String, usize), Failure> {
    let data_sha256 = sha256_file(&job.tickets)?;
    let mut history = History::default();
    let reader = Reader::default().under(&job.policy.words);
    let mut replies = AnswerExamples::default();
    let mut bad_lines = each_ticket(&job.tickets, ui, &mut |ticket| {
        history.tickets.push(HistoryTicket::new(ticket, &reader));
        replies.add(ticket, &reader);
    })?;
    if history.tickets.is_empty() {
        let next = "Import an export first: firstline import EXPORT --out tickets.jsonl";
        return Err(UserError::new(
            Code::Empty,
            files::name_of(&job.tickets),
            "it holds no usable ticket",
            next,
        )
        .into());
    }
    history.held_out = history.tickets.len();
    if let Some(test) = &job.test {
        bad_lines += read_into(&mut history, test, &reader, ui)?;
    }
    Ok((history, replies, data_sha256, bad_lines))
}

/// Most labels that a note names.
const LABELS_SHOWN: usize = 12;

/// Most bad lines that are shown.
const FAULTS_SHOWN: usize = 5;

pub(super) fn read_into(
    history: &mut History,
    path: &Path,
    reader: &Reader,
    ui: &Ui,
) -> Result<usize, Failure> {
    each_ticket(path, ui, &mut |ticket| history.tickets.push(HistoryTicket::new(ticket, reader)))
}

/// Gives `each` every ticket of a file; the number of lines that held no usable one.
fn each_ticket(path: &Path, ui: &Ui, each: &mut dyn FnMut(&Ticket)) -> Result<usize, Failure> {
    let mut bars = ui.bars();
    bars.stage("reading tickets", 0);
    let mut bad = 0;
    for line in files::tickets(path)? {
        match line.ticket {
            Ok(ticket) => each(&ticket),
            Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
            Err(fault) => {
                bad += 1;
                if bad <= FAULTS_SHOWN {
                    eprintln!("warning: {fault}");
                }
            }
        }
        if line.number % 256 == 0 && bars.done(line.number).is_break() {
            return Err(UserError::new(
                Code::Interrupted,
                files::name_of(path),
                "stopped while reading",
                "Run it again",
            )
            .into());
        }
    }
    bars.finish();
    if bad > FAULTS_SHOWN {
        eprintln!("warning: {} more lines of {} held no usable ticket", bad - FAULTS_SHOWN, path.display());
    }
    Ok(bad)
}

fn learnt(trained: &Trained) -> BTreeMap<Field, Learnt> {
    let entry = |(&field, model): (&Field, &firstline_triage::FieldModel)| {
        let members =
            model.members.iter().map(Member::name).zip(model.mixture.weights.iter().copied()).collect();
        let learnt = Learnt {
            labels: model.space.len(),
            members,
            temperature: model.mixture.temperature,
            noise_floor: model.mixture.floor,
            calibration: model.calibrator.name(),
            correctness_model: model.correctness.is_some(),
            rare: model.rare.clone(),
        };
        (field, learnt)
    };
    trained.bundle.fields.iter().map(entry).collect()
}

/// The learnt priorities without a rank in `policy`.
fn unranked<'a>(policy: &Policy, trained: &'a Trained) -> Vec<&'a str> {
    trained.bundle.fields.get(&Field::Priority).map_or_else(Vec::new, |m| policy.priority.unranked(&m.space))
}

fn output<'a>(job: &Job, trained: &'a Trained, bad_lines: usize) -> Output<'a> {
    Output {
        bundle: job.bundle.display().to_string(),
        split: &trained.bundle.info.split,
        fine_tuned: trained.tuned.is_some(),
        encoders_tried: &trained.tried,
        fields: learnt(trained),
        left_out: trained.left_out.iter().map(|left| (left.field, left.why.to_string())).collect(),
        priorities_without_rank: unranked(&job.policy, trained),
        tickets_cut: trained.cut.0,
        tokens_cut: trained.cut.1,
        bad_lines,
    }
}

/// The result as a table, with the rare labels named.
pub(super) fn summary(trained: &Trained) -> String {
    let s = &trained.bundle.info.split;
    let span = s.learnt_from.as_ref().map_or_else(String::new, |(from, to)| format!(", {from} to {to}"));
    let mut text = format!(
        "Split ({}): {} train and {} calibrate tickets{span}; {} kept for certifying; {} held out; {} set aside as \
         repeats; {} in no window.\n",
        s.kind, s.train, s.calibrate, s.certify, s.test, s.repeats, s.unused
    );
    if !trained.tried.is_empty() {
        let way = |t: &Tried| {
            let name = match t.objective {
                None => "as it is",
                Some(Objective::Labels) => "fine-tuned on the labels",
                Some(Objective::Contrast) => "fine-tuned with a contrastive loss",
            };
            format!("{name} {:.3}", t.loss)
        };
        let ways: Vec<String> = trained.tried.iter().map(way).collect();
        let kept = if trained.tuned.is_some() { "the fine-tuned one is kept" } else { "it stays as it is" };
        text += &format!("Encoder, by log loss on tickets not learnt from: {}; {kept}.\n", ways.join(", "));
    }
    let fields = learnt(trained);
    let weight = |l: &Learnt, name| l.members.get(name).map_or_else(|| "-".into(), |w| format!("{w:.2}"));
    let row = |(field, l): (&Field, &Learnt)| {
        let names = ["joint", "original", "ngram", "embedding", "neighbours"];
        let mut cells = vec![field.to_string(), l.labels.to_string(), l.rare.len().to_string()];
        cells.extend(names.map(|n| weight(l, n)));
        cells.extend([l.temperature, l.noise_floor].map(|v| format!("{v:.2}")));
        cells.push(l.calibration.to_owned());
        cells
    };
    let header = [
        "field",
        "labels",
        "rare",
        "joint head",
        "not fine-tuned",
        "n-gram head",
        "embedding head",
        "neighbours",
        "temperature",
        "noise floor",
        "calibration",
    ];
    text += &table(&header, fields.iter().map(row));
    for (field, l) in fields.iter().filter(|(_, l)| !l.rare.is_empty()) {
        let named: Vec<String> =
            l.rare.iter().take(LABELS_SHOWN).map(|(label, n)| format!("{label} ({n})")).collect();
        let more = if l.rare.len() > LABELS_SHOWN {
            format!(" and {} more", l.rare.len() - LABELS_SHOWN)
        } else {
            String::new()
        };
        text += &format!("\nRare {field} labels, learnt poorly or not at all: {}{more}", named.join(", "));
    }
    text
}
