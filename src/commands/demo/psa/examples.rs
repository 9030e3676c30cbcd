//! Some tickets of a run, from the PSA to the draft.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use firstline_fakes::Ticket;
use firstline_ticket::{Field, JudgedDecision, Origin};
use jiff::Timestamp;
use serde::Serialize;

use super::figures::Figures;
use super::stage::Stage;
use crate::failure::Failure;

/// Tickets that are shown.
const SHOWN: usize = 3;

/// A ticket.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    /// Its number in the PSA.
    pub(super) ticket: String,
    /// Its title.
    pub(super) subject: String,
    /// When the PSA opened it.
    pub(super) opened_at: Timestamp,
    /// What was decided, beside what people ended with.
    pub(super) fields: BTreeMap<Field, Decided>,
    /// How the draft came about.
    pub(super) origin: Origin,
    /// How likely it is sent unchanged.
    pub(super) confidence: f64,
    /// Seconds from the opening to the draft.
    pub(super) drafted_after: f64,
    /// The draft.
    pub(super) draft: String,
}

/// A field of it.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    pub(super) label: String,
    pub(super) confidence: f64,
    /// The label at closing, where one is known.
    pub(super) ended: Option<String>,
}

/// Examples over the days: tickets that have ended, with a draft that is more than an acknowledgement.
pub(super) fn of(stage: &Stage, figures: &Figures) -> Result<Vec<Example>, Failure> {
    let ended: Vec<&JudgedDecision> =
        figures.judged.iter().filter(|one| one.reported && one.drafted_at.is_some()).collect();
    let mut found = Vec::new();
    for part in ended.chunks(ended.len().div_ceil(SHOWN).max(1)) {
        let mut told = None;
        for one in part {
            let Some(ticket) = figures.tickets.get(&one.ticket_id) else { continue };
            let Some(example) = example(stage, one, ticket)? else { continue };
            let is_more = example.origin != Origin::Acknowledgement;
            if is_more || told.is_none() {
                told = Some(example);
            }
            if is_more {
                break;
            }
        }
        found.extend(told);
    }
    Ok(found)
}

fn example(stage: &Stage, one: &JudgedDecision, ticket: &Ticket) -> Result<Option<Example>, Failure> {
    let Some(record) = stage.store.decision(&one.decision_id)? else { return Ok(None) };
    let (Some(draft), Some(at)) = (record.draft, record.drafted_at) else { return Ok(None) };
    let fields = one.decision.fields.iter().map(|(field, decided)| {
        let ended = one.outcome.labels.get(field).cloned();
        (*field, Decided { label: decided.label.clone(), confidence: decided.confidence.get(), ended })
    });
    Ok(Some(Example {
        ticket: one.ticket_id.clone(),
        subject: ticket.summary.chars().map(|c| if c.is_control() { ' ' } else { c }).take(90).collect(),
        opened_at: ticket.entered_at,
        fields: fields.collect(),
        origin: draft.origin,
        confidence: draft.confidence.get(),
        drafted_after: at.duration_since(ticket.entered_at).as_secs_f64(),
        draft: draft.text,
    }))
}

impl Example {
    /// A line for each field.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |(field, decided): (&Field, &Decided)| {
            let verdict = match &decided.ended {
                Some(ended) if *ended == decided.label => "correct".to_owned(),
                Some(ended) => format!("closed with {ended}"),
                None => "no label at closing".to_owned(),
            };
            let percent = 100.0 * decided.confidence;
            format!("{field:<11} {:<34} {percent:>3.0} % sure   {verdict}", decided.label)
        };
        self.fields.iter().map(line).collect()
    }
}

/// The examples as text.
pub(super) fn text(examples: &[Example]) -> String {
    let mut text = format!("\n{} example tickets, from the PSA to the draft:\n", examples.len());
    for example in examples {
        let Example { ticket, subject, opened_at, .. } = example;
        let _ = writeln!(text, "\n  {ticket} \"{subject}\", opened {opened_at:.0}");
        for line in example.lines() {
            let _ = writeln!(text, "    {line}");
        }
        let how = format!("{:?}", example.origin).to_lowercase();
        let _ = writeln!(
            text,
            "    first response, {how}, {:.0} s after the ticket was opened, {:.0} % likely to be sent unchanged:",
            example.drafted_after,
            100.0 * example.confidence
        );
        for line in example.draft.lines() {
            let _ = writeln!(text, "      | {line}");
        }
    }
    text
}
