//! `firstline evaluate`: measures a bundle on tickets it has not seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_ticket::Field;
use firstline_training::metrics::FieldMetrics;
use firstline_training::report::{Facts, Part, Report, render};
use firstline_training::{Evaluation, History, PROMISE, evaluate};
use firstline_triage::{BundleInfo, EncoderFiles, Engine, Reader, sha256_file};
use serde::Serialize;

use super::{audit_labels, learning_curve, train};
use crate::arguments::{BundleArg, JsonArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print, stopping};

/// Measure a bundle on tickets it has not seen, and write the report.
#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Tickets with their final labels. Those seen in training and those whose `split` is not `test` are left out.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,

    #[command(flatten)]
    output: JsonArg,

    /// Folder to write report.html into.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// The history the bundle was trained on: adds doubtful labels and the learning curve to the report.
    ///
    /// This takes some minutes on a large history.
    #[arg(long, value_name = "FILE", requires = "report")]
    history: Option<PathBuf>,

    /// File that keeps embeddings of the history from one run to the next. It holds no text.
    #[arg(long, value_name = "FILE", requires = "history")]
    embedding_cache: Option<PathBuf>,
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output<'a> {
    fields: BTreeMap<Field, &'a FieldMetrics>,
    bundle: String,
    bundle_sha256: String,
    data_sha256: String,
    scored: usize,
    left_out_seen: usize,
    left_out_split: usize,
    bad_lines: usize,
}

pub(super) fn run(args: &EvaluateArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut done = measure(&args.bundle.bundle, &args.tickets, ui)?;
    if let Some(history) = &args.history {
        // A fault in what only adds to the report must not lose the figures.
        if let Err(fault) = done.look_back(history, args.embedding_cache.as_deref(), ui) {
            if stopping() {
                return Err(fault);
            }
            eprintln!("warning: the report lacks the part about the history. {fault}");
        }
    }
    if let Some(dir) = &args.report {
        let path = done.write_report(dir)?;
        ui.say(format!("Report: {}", path.display()));
    }
    match args.output.json {
        true => print(serde_json::to_string(&done.output())?),
        false => print(done.table()),
    }
    for note in done.notes() {
        ui.say(format!("note: {note}"));
    }
    for fault in &done.evaluation.bad_lines.1 {
        eprintln!("warning: {fault}");
    }
    Ok(if done.evaluation.bad_lines.0 > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// An evaluation and its inputs.
pub(super) struct Measured {
    pub(super) evaluation: Evaluation,
    info: BundleInfo,
    bundle: PathBuf,
    bundle_sha256: String,
    data: PathBuf,
    data_sha256: String,
}

/// Evaluates the bundle in `bundle` on the tickets in `data`.
pub(super) fn measure(bundle: &Path, data: &Path, ui: &Ui) -> Result<Measured, Failure> {
    let data_sha256 = sha256_file(data)?;
    let engine = Engine::open(bundle)?;
    let mut bars = ui.bars();
    let evaluation = evaluate(&engine, files::tickets(data)?, &mut bars)?;
    bars.finish();
    if evaluation.fields.is_empty() {
        let problem = format!(
            "no ticket to score: {} were seen in training, {} have another split, {} lines were bad, {} have no label that the bundle decides",
            evaluation.seen, evaluation.other_split, evaluation.bad_lines.0, evaluation.scored
        );
        let next = "Give tickets that are not part of the history, with their final labels";
        return Err(UserError::new(Code::Empty, files::name_of(data), problem, next).into());
    }
    Ok(Measured {
        evaluation,
        info: engine.bundle().info.clone(),
        bundle: bundle.to_owned(),
        bundle_sha256: sha256_file(&bundle.join("bundle.json"))?,
        data: data.to_owned(),
        data_sha256,
    })
}

impl Measured {
    /// Adds the part about the history: doubtful labels and the learning curve.
    pub(super) fn look_back(&mut self, history: &Path, cache: Option<&Path>, ui: &Ui) -> Result<(), Failure> {
        if sha256_file(history)? != self.info.data_sha256 {
            ui.say(format!("note: {} is not the file that the bundle was trained on", history.display()));
        }
        let source = EncoderFiles::of_bundle(&self.bundle)?;
        let mut tickets = History::default();
        train::read_into(&mut tickets, history, &Reader::default(), ui)?;
        tickets.held_out = tickets.tickets.len();
        let fields: Vec<Field> = self.evaluation.fields.iter().map(|f| f.field).collect();
        let seed = self.info.seed;
        let mut audits = audit_labels::audits(&tickets, &fields, &source, cache, seed, ui)?;
        let mut curves = learning_curve::curves(&tickets, &source, cache, seed, PROMISE, ui)?;
        for field in &mut self.evaluation.fields {
            field.audit = audits.iter().position(|a| a.field == field.field).map(|i| audits.swap_remove(i));
            field.curve = curves.remove(&field.field).unwrap_or_default();
        }
        Ok(())
    }

    fn output(&self) -> Output<'_> {
        Output {
            fields: self.evaluation.fields.iter().map(|f| (f.field, &f.metrics)).collect(),
            bundle: self.bundle.display().to_string(),
            bundle_sha256: self.bundle_sha256.clone(),
            data_sha256: self.data_sha256.clone(),
            scored: self.evaluation.scored,
            left_out_seen: self.evaluation.seen,
            left_out_split: self.evaluation.other_split,
            bad_lines: self.evaluation.bad_lines.0,
        }
    }

    /// The figures, one line per field.
    pub(super) fn table(&self) -> String {
        let header = [
            "field",
            "n",
            "accuracy",
            "95 % interval",
            "n-grams",
            "majority",
            "macro-F1",
            "top-3",
            "kappa",
            "NLL",
            "Brier",
            "ECE",
            "AURC",
            "cov@90",
            "cov@95",
            "cov@98",
        ];
        let row = |field: Field, m: &FieldMetrics| {
            let interval = format!("{:.3}-{:.3}", m.accuracy_ci95.lo, m.accuracy_ci95.hi);
            let ngram = m.ngram_accuracy.map_or_else(|| "-".into(), |a| format!("{a:.3}"));
            let mut cells =
                vec![field.to_string(), m.n.to_string(), format!("{:.3}", m.accuracy), interval, ngram];
            cells.extend(
                [m.majority, m.macro_f1, m.top3, m.kappa, m.nll, m.brier, m.ece].map(|v| format!("{v:.3}")),
            );
            cells.push(format!("{:.4}", m.aurc));
            cells.extend([m.coverage_at_90, m.coverage_at_95, m.coverage_at_98].map(|v| format!("{v:.2}")));
            cells
        };
        table(&header, self.evaluation.fields.iter().map(|f| row(f.field, &f.metrics)))
    }

    /// Caveats about the figures.
    pub(super) fn notes(&self) -> Vec<String> {
        let e = &self.evaluation;
        let mut notes = Vec::new();
        if self.info.split.kind == "random" {
            notes.push(
                "The history was split at random, which flatters the figures: expect less in practice."
                    .into(),
            );
        }
        notes.extend(self.info.split.note.clone());
        let count = |n: usize, what: &str| (n > 0).then(|| format!("{n} tickets were left out: {what}."));
        notes.extend(count(e.seen, "training has seen them, or they repeat a ticket that it has seen"));
        notes.extend(count(e.other_split, "their split is not test"));
        notes.extend((e.bad_lines.0 > 0).then(|| format!("{} lines held no usable ticket.", e.bad_lines.0)));
        for (field, calls) in e.fields.iter().filter_map(|f| Some((f.field, f.metrics.calls?))) {
            notes.push(format!(
                "Of the {field} decisions {} had the right rank, {} were one rank too low and {} further below, {} one rank too \
                 high and {} further above.",
                calls.right, calls.under, calls.far_under, calls.over, calls.far_over
            ));
        }
        for field in e.fields.iter().filter(|f| f.unseen > 0) {
            let text = format!(
                "{} tickets have a {} that is not in the history; they count as errors.",
                field.unseen, field.field
            );
            notes.push(text);
        }
        notes
    }

    /// Writes `report.html` into `dir` and returns its path.
    pub(super) fn write_report(&self, dir: &Path) -> Result<PathBuf, Failure> {
        let report = Report {
            title: "How well Firstline decides these tickets".into(),
            facts: self.facts(),
            fields: self.evaluation.fields.clone(),
        };
        let path = dir.join("report.html");
        files::write_whole(&path, render(&report).as_bytes())?;
        Ok(path)
    }

    fn facts(&self) -> Facts {
        let split = &self.info.split;
        let (from, to) = split.learnt_from.clone().unzip();
        let (test_from, test_to) = self.evaluation.days.clone().unzip();
        let part = |name: &str, tickets, from, to| Part { name: name.into(), tickets, from, to };
        Facts {
            bundle: self.bundle.display().to_string(),
            bundle_sha256: self.bundle_sha256.clone(),
            data: self.data.display().to_string(),
            data_sha256: self.data_sha256.clone(),
            model: self.info.model.clone(),
            seed: self.info.seed,
            split: split.kind.clone(),
            parts: vec![
                part("learnt from (train and calibrate)", split.train + split.calibrate, from, to),
                part("scored here", self.evaluation.scored, test_from, test_to),
            ],
            notes: self.notes(),
            trimmed: Some(self.evaluation.trimmed),
        }
    }
}
