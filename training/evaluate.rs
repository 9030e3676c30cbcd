//! Scoring a bundle on tickets that training has not seen: tickets in, the report's fields out.
//!
//! This is the top that wires `measure` and `report`. Must never score a ticket that training has seen.

use std::collections::BTreeMap;
use std::io::BufRead;

use firstline_fault::{Code, Error, Result};
use firstline_ticket::{Assertion, Field, Lines, Ticket};
use firstline_triage::{Closing, Engine, Features, FieldModel, Reserved};

use crate::Progress;
use crate::measure::certify::Promise;
use crate::measure::metrics::{Calls, Certified, Predictions, by_group};
use crate::measure::{AssertionCertification, is_right};
use crate::progress::interrupted;
use crate::report::{FieldReport, Trimmed};

/// Tickets, and bytes of them, that are held at once.
const BATCH: (usize, usize) = (512, 8 << 20);
/// What the report checks on the tickets it scores: the promise that `firstline certify` makes by default.
pub const PROMISE: Promise = Promise { error: 0.02, confidence: 0.95, floor: 0.90 };
/// Bad lines that are kept to be shown.
const FAULTS_KEPT: usize = 20;

/// What an evaluation found.
#[derive(Debug)]
pub struct Evaluation {
    /// Tickets scored.
    pub scored: usize,
    /// Tickets left out because training had seen them, or had set them aside as repeats.
    pub seen: usize,
    /// Tickets left out because their `split` is not `test`.
    pub other_split: usize,
    /// Lines that held no ticket, and the first faults.
    pub bad_lines: (usize, Vec<Error>),
    /// Text that the encoder's limit cut.
    pub trimmed: Trimmed,
    /// Days of the first and last scored ticket, where they have dates.
    pub days: Option<(String, String)>,
    /// One report a field that the bundle decides and the tickets carry.
    pub fields: Vec<FieldReport>,
}

/// Scores tickets as they come in, field by field. Whoever hands them in has seen to it that training has not seen them.
///
/// Holds the probabilities of all tickets: `4 bytes x tickets x labels`, twice.
#[derive(Debug)]
pub struct Scorer<'a> {
    engine: &'a Engine,
    fields: BTreeMap<Field, Collected>,
}

/// The predictions of one field as they come in.
#[derive(Debug, Default)]
struct Collected {
    probabilities: Vec<f32>,
    label: Vec<u32>,
    confidence: Vec<f32>,
    /// Tickets that each member by itself has right.
    alone: BTreeMap<&'static str, usize>,
    ngram: Vec<f32>,
    truth: Vec<Option<u32>>,
    customer: Vec<Option<String>>,
}

/// Scores the tickets of `lines`. A ticket whose `split` is anything but `test` is left out, and so is one
/// that training has seen. A label that training never saw counts as an error, never as a ticket less. Memory as for [`Scorer`].
///
/// # Errors
/// A fault of the engine, or [`firstline_fault::Code::Interrupted`]. Bad lines are counted, not faults.
pub fn evaluate(
    engine: &Engine,
    lines: Lines<impl BufRead>,
    progress: &mut dyn Progress,
) -> Result<Evaluation> {
    let mut out = Evaluation {
        scored: 0,
        seen: 0,
        other_split: 0,
        bad_lines: (0, Vec::new()),
        trimmed: Trimmed::default(),
        days: None,
        fields: Vec::new(),
    };
    let mut scorer = Scorer::new(engine);
    let mut read = 0u64;
    progress.stage("scoring tickets", 0);
    for batch in lines.batches(BATCH.0, BATCH.1) {
        read += batch.len() as u64;
        let mut tickets = Vec::with_capacity(batch.len());
        for line in batch {
            match line.ticket {
                Ok(ticket) => tickets.extend(out.admit(engine, ticket)),
                Err(fault) if fault.code() == Some(Code::Io) => return Err(fault),
                Err(fault) => out.bad_line(fault),
            }
        }
        if !tickets.is_empty() {
            let features = engine.features(&tickets)?;
            out.trimmed.of += tickets.len();
            out.trimmed.tickets += features.tokens_cut.iter().filter(|&&c| c > 0).count();
            out.trimmed.tokens += features.tokens_cut.iter().sum::<usize>() as u64;
            scorer.add(&tickets, &features)?;
        }
        if progress.done(read).is_break() {
            return Err(interrupted("scoring tickets"));
        }
    }
    out.fields = scorer.finish()?;
    Ok(out)
}

impl Evaluation {
    /// Counts the ticket, and hands it back when it is to be scored.
    fn admit(&mut self, engine: &Engine, ticket: Ticket) -> Option<Ticket> {
        if ticket.extra_str("split").is_some_and(|s| !s.trim().eq_ignore_ascii_case("test")) {
            self.other_split += 1;
            return None;
        }
        if engine.bundle().has_seen(&ticket) {
            self.seen += 1;
            return None;
        }
        self.scored += 1;
        if let Some(at) = ticket.opened_at {
            let day: String = at.to_string().chars().take(10).collect();
            let (first, last) = self.days.take().unwrap_or_else(|| (day.clone(), day.clone()));
            self.days = Some((first.min(day.clone()), last.max(day)));
        }
        Some(ticket)
    }

    fn bad_line(&mut self, fault: Error) {
        self.bad_lines.0 += 1;
        if self.bad_lines.1.len() < FAULTS_KEPT {
            self.bad_lines.1.push(fault);
        }
    }
}

impl<'a> Scorer<'a> {
    /// A scorer of what `engine` decides.
    pub fn new(engine: &'a Engine) -> Self {
        Self { engine, fields: BTreeMap::new() }
    }

    /// Scores `tickets`, whose `features` the same engine has computed.
    ///
    /// # Errors
    /// A fault of the engine.
    pub fn add(&mut self, tickets: &[Ticket], features: &Features) -> Result<()> {
        let bundle = self.engine.bundle();
        let nearest = self.engine.nearest(features)?;
        let mut judged = bundle.judge(features, &nearest, &[]);
        let mut alone = bundle.members_alone(features, &nearest);
        for (&field, model) in &bundle.fields {
            let labels: Vec<Option<&str>> = tickets.iter().map(|t| t.label(field)).collect();
            if labels.iter().all(Option::is_none) {
                continue;
            }
            let collected = self.fields.entry(field).or_default();
            let judged = judged.remove(&field).unwrap_or_default();
            let ngram = model.ngram_probabilities(features);
            for (member, decided) in alone.remove(&field).unwrap_or_default() {
                let is_right = |(label, &decided): (&Option<&str>, &u32)| {
                    *label == Some(&model.space.labels()[decided as usize])
                };
                *collected.alone.entry(member).or_default() +=
                    labels.iter().zip(&decided).filter(|&p| is_right(p)).count();
            }
            for (i, (label, ticket)) in labels.iter().zip(tickets).enumerate() {
                let Some(label) = label else { continue };
                collected.customer.push(ticket.customer.clone());
                collected.truth.push(model.space.index(label).map(|i| i as u32));
                collected.probabilities.extend_from_slice(&judged[i].probabilities);
                collected.label.push(judged[i].label as u32);
                collected.confidence.push(judged[i].confidence);
                if let Some(ngram) = &ngram {
                    collected.ngram.extend_from_slice(&ngram[i]);
                }
            }
        }
        Ok(())
    }

    /// One report a field that the bundle decides and the tickets carry.
    ///
    /// # Errors
    /// None in practice: what the engine predicts fits together.
    pub fn finish(self) -> Result<Vec<FieldReport>> {
        let reports = self.fields.into_iter().map(|(field, collected)| report(self.engine, field, collected));
        Ok(reports.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

fn report(engine: &Engine, field: Field, collected: Collected) -> Result<Option<FieldReport>> {
    let Some(model) = engine.bundle().fields.get(&field) else { return Ok(None) };
    let verdicts = AssertionCertification::new(engine.bundle(), Assertion::of_field(field), PROMISE);
    let threshold = verdicts.as_ref().and_then(|verdicts| verdicts.all.threshold);
    let certified = threshold.map(|threshold| certified(model, &collected, field, threshold));
    let k = model.space.len();
    let ngram = match collected.ngram.is_empty() {
        true => None,
        false => Some(Predictions::new(k, collected.ngram, collected.truth.clone())?),
    };
    let predictions = Predictions::new(k, collected.probabilities, collected.truth)?;
    let predictions = predictions.decided(collected.label, collected.confidence)?;
    let mut report = FieldReport::new(field, &model.space, &predictions, ngram.as_ref());
    let n = predictions.n().max(1) as f64;
    report.metrics.members_alone =
        collected.alone.iter().map(|(&name, &hits)| (name.to_owned(), hits as f64 / n)).collect();
    (report.verdicts, report.metrics.certified) = (verdicts, certified);
    report.metrics.by_customer = by_group(&predictions, collected.customer.iter().map(Option::as_deref));
    let decided = predictions.predicted().iter().map(|&label| Some(model.space.label(label as usize)));
    report.metrics.by_decision = by_group(&predictions, decided);
    report.metrics.calls = model.ordinal.as_ref().map(|o| Calls::new(&predictions, &o.ranks));
    report.rare = model.rare.iter().map(|(label, n)| format!("{label} ({n})")).collect();
    Ok(Some(report))
}

/// What the certified `threshold` lets through of the scored tickets.
fn certified(model: &FieldModel, collected: &Collected, field: Field, threshold: f64) -> Certified {
    let decided = collected.label.iter().zip(&collected.confidence).zip(&collected.truth);
    let decided = decided.map(|((&label, &confidence), truth)| Reserved {
        label,
        confidence,
        closing: truth.map_or(Closing::Unlearnt, Closing::Label),
    });
    let (mut accepted, mut errors) = (0, 0);
    for one in decided.filter(|one| f64::from(one.confidence) >= threshold) {
        accepted += 1;
        errors += usize::from(!is_right(Assertion::of_field(field), &one, model.ordinal.as_ref()));
    }
    Certified {
        threshold,
        target_error: PROMISE.error,
        accepted,
        errors,
        coverage: accepted as f64 / collected.label.len().max(1) as f64,
        error: errors as f64 / accepted.max(1) as f64,
    }
}
