//! A person's review, however it was asked for: checked, put on record, and what follows into the outbox.
//!
//! The one way in which a draft is decided on: `/v1/review` and the review page both end here. Must never let a caller decide on what
//! they may not see, nor send a person's words past the guard.

use std::collections::BTreeMap;

use firstline_fault::Code;
use firstline_store::{Cell, DecisionRecord, ReviewRequest, ReviewResult};
use firstline_ticket::{CheckResult as Finding, Field, Phase, Review};
use firstline_triage::sha256_hex;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::auth::Caller;
use crate::distance::distance;
use crate::edit_check::{Context, findings, is_hard};
use crate::problem::Problem;
use crate::rollout::allowed;
use crate::shared::Shared;

/// Longest text that is sent, in bytes.
pub(crate) const MOST_TEXT: usize = 64 << 10;
/// How far a browser's clock may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Most seconds at a review that count.
pub(crate) const MOST_ACTIVE: f64 = 1_800.0;

/// A review that is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) decision_id: String,
    /// The version that the person saw.
    pub(crate) version: i64,
    /// The idempotency key.
    pub(crate) key: Option<String>,
    pub(crate) verdict: Review,
    /// Who the reviewer says to be.
    pub(crate) reviewer: Option<String>,
    /// Whether the text is to be sent in spite of what has to be confirmed.
    pub(crate) confirmed: bool,
    pub(crate) opened_at: Option<Timestamp>,
    pub(crate) active_seconds: Option<f64>,
    /// Labels that the person sets.
    pub(crate) fields: BTreeMap<Field, String>,
    pub(crate) run: Option<RunAsked>,
    /// Whether the person has verified who the writer is.
    pub(crate) identity_verified: bool,
    /// Seconds for which what goes into the outbox waits there.
    pub(crate) undo_seconds: u32,
}

/// What the desk's own automation is to do.
#[derive(Debug)]
pub(crate) struct RunAsked {
    pub(crate) automation: String,
    pub(crate) identity_verified: bool,
}

/// Does what is asked for; gives what became of it, and what the guard found in the person's own words.
pub(crate) fn put(
    shared: &Shared,
    caller: &Caller,
    body: Asked,
) -> Result<(ReviewResult, Vec<Finding>), Problem> {
    let Asked { decision_id, version, key, verdict, .. } = body;
    let record = shared.store.decision(&decision_id)?.filter(|record| caller.sees(record));
    let Some(record) = record else { return Ok((ReviewResult::Missing, Vec::new())) };
    if body.reviewer.as_ref().is_some_and(|reviewer| reviewer.len() > 256) {
        return Err(Problem::new(Code::Request, "reviewer", "longer than 256 bytes", "Send a name or an id"));
    }
    if body.active_seconds.is_some_and(|seconds| !(0.0..=MOST_ACTIVE).contains(&seconds)) {
        let next = "Send 0 to 1800 seconds, pauses left out";
        return Err(Problem::new(Code::Request, "active_seconds", "no time that counts", next));
    }
    let sends = verdict == Review::Accepted && record.draft.is_some() || matches!(verdict, Review::Edited(_));
    if sends && asks_identity(&record) && !body.identity_verified {
        let next = "Verify who the writer is by a way that the desk has laid down, and say so: tick the box, or send \"identity_verified\": true";
        return Err(Problem::new(Code::Guard, "identity", "a rule asks who the writer is", next));
    }
    let now = shared.clock.now();
    if body.opened_at.is_some_and(|at| at > now + SKEW) {
        let next = "Send when the person first saw it";
        return Err(Problem::new(Code::Date, "opened_at", "it lies in the future", next));
    }
    let findings = match &verdict {
        Review::Edited(text) => checked(shared, caller, &record, text, body.confirmed)?,
        _ => Vec::new(),
    };
    // Two people who share a key are two reviewers; the key of a review holds nobody's name.
    let claimed = body.reviewer.as_deref().unwrap_or_default();
    let request = ReviewRequest {
        idempotency_key: key
            .unwrap_or_else(|| format!("{decision_id}:{version}:{}", sha256_hex(claimed.as_bytes()))),
        distance: far(&record, &verdict),
        fields: body.fields,
        act: phase_of(shared, &record)? >= Phase::Assist,
        undo_seconds: body.undo_seconds,
        run: body.run.as_ref().map(|run| order(shared, &record, run, &caller.name)).transpose()?,
        opened_at: body.opened_at,
        active_seconds: body.active_seconds,
        actor: caller.key.clone(),
        decision_id,
        version,
        verdict,
        reviewer: caller.name.clone(),
        claimed: body.reviewer,
        findings: findings.clone(),
        wide: !caller.is_held(),
    };
    let reviewed = shared.store.review(&request, shared.clock.now())?;
    if matches!(reviewed, ReviewResult::Done(_)) {
        let verdict = match request.verdict {
            Review::Accepted => "approve",
            Review::Edited(_) => "edit",
            Review::Rejected(_) => "reject",
        };
        shared.metrics.reviews.get_or_create(&verdict.into()).inc();
    }
    Ok((reviewed, findings))
}

/// Whether a rule or the draft asks that a person verifies who the writer is.
pub(crate) fn asks_identity(record: &DecisionRecord) -> bool {
    record.decision.rules.iter().any(|rule| rule.verify_identity)
        || record.draft.as_ref().is_some_and(|draft| draft.verify_identity)
}

/// What an automation is given: its name, the ticket's slots, and who asked for it.
fn order(shared: &Shared, record: &DecisionRecord, run: &RunAsked, reviewer: &str) -> Result<Value, Problem> {
    let fault = |code, problem: &str, next: &str| Err(Problem::new(code, "run", problem, next));
    if !shared.settings.autonomous.run {
        return fault(
            Code::Config,
            "automations are switched off",
            "Set autonomous.run, and [run] in connect's settings",
        );
    }
    if run.automation.trim().is_empty() || run.automation.len() > 128 {
        return fault(Code::Request, "its name is empty or longer than 128 bytes", "Name the automation");
    }
    if asks_identity(record) && !run.identity_verified {
        let next = "Verify who the writer is by a way that the desk has laid down, and send \"identity_verified\": true";
        return fault(Code::Guard, "a rule asks who the writer is", next);
    }
    let ticket = shared.store.reviewed_ticket(&record.id)?;
    let labels: BTreeMap<&str, &str> = record
        .decision
        .fields
        .iter()
        .map(|(field, decided)| (field.name(), decided.label.as_str()))
        .collect();
    Ok(serde_json::json!({
        "automation": run.automation.trim(),
        "ticket_id": record.ticket_id,
        "customer": ticket.as_ref().and_then(|ticket| ticket.customer.as_deref()),
        "contact": ticket.as_ref().and_then(|ticket| ticket.contact.as_deref()),
        "subject": ticket.as_ref().and_then(|ticket| ticket.subject.as_deref()),
        "fields": labels,
        "identity_verified": run.identity_verified,
        "requested_by": reviewer,
    }))
}

/// How far Firstline may go with this ticket: only from assist on does what people approve go into the outbox.
pub(crate) fn phase_of(shared: &Shared, record: &DecisionRecord) -> Result<Phase, Problem> {
    let label = |field| record.decision.fields.get(&field).map(|decided| decided.label.as_str());
    let cell =
        Cell { customer: &record.customer, board: label(Field::Board), ticket_type: label(Field::Type) };
    let found = allowed(shared.store.as_ref(), shared.settings.phase, &[(cell, &record.bundle)])?;
    Ok(found.first().map_or(Phase::Baseline, |allowed| allowed.phase))
}

/// What the guard finds in a reviewer's own words.
pub(crate) fn found(
    shared: &Shared,
    caller: &Caller,
    record: &DecisionRecord,
    text: &str,
) -> Result<Vec<Finding>, Problem> {
    let Some(draft) = &record.draft else { return Ok(Vec::new()) };
    let ticket = shared.store.reviewed_ticket(&record.id)?;
    let context = Context { draft, ticket: ticket.as_ref(), reviewer: &caller.name };
    Ok(findings(&shared.live.load().index, text, &context))
}

/// The same; a problem where that has to be confirmed and is not.
fn checked(
    shared: &Shared,
    caller: &Caller,
    record: &DecisionRecord,
    text: &str,
    confirmed: bool,
) -> Result<Vec<Finding>, Problem> {
    let found = found(shared, caller, record, text)?;
    let hard: Vec<String> = found
        .iter()
        .filter(|finding| is_hard(finding))
        .map(|finding| format!("{} ({})", finding.check, finding.found))
        .collect();
    match hard.is_empty() || confirmed {
        true => Ok(found),
        false => {
            let problem = format!("it has to be confirmed: {}", hard.join("; "));
            let next = "Change the text, or send \"override\": true";
            Err(Problem::new(Code::Guard, "text", problem, next))
        }
    }
}

/// How far what is sent is from the draft.
fn far(record: &DecisionRecord, verdict: &Review) -> f64 {
    match (verdict, &record.draft) {
        (Review::Accepted, _) => 0.0,
        (Review::Edited(text), Some(draft)) => distance(&draft.text, text),
        _ => 1.0,
    }
}
