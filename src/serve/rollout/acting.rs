//! What Firstline does about a ticket without a person (R50): a reply, labels, both or neither, each only on what is certified for it.
//!
//! Looks at a decision, its draft and its ticket, and says what may be done and why the rest stays with a person. Must know no store and no
//! clock, and never let anything through that it can't tell.

use std::collections::BTreeMap;

use firstline_store::ActingTicket;
use firstline_ticket::{Assertion, Decision, Draft, Field, Kept, Origin};
use firstline_triage::is_written_by_contact;

use super::Allowed;

/// What of a decision is certified to be acted on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Certified {
    /// Whether a reply of its category is; of its subtype as well.
    pub(crate) reply: bool,
    pub(crate) subtype_reply: bool,
    /// The labels that may be set.
    pub(crate) fields: BTreeMap<Field, String>,
}

impl Certified {
    /// What is certified of a decision under these thresholds. Nothing where a rule keeps it with a person or asks who its writer is.
    pub(crate) fn of(decision: &Decision, thresholds: &BTreeMap<Assertion, f64>) -> Self {
        if decision.rules.iter().any(|rule| rule.person || rule.verify_identity) {
            return Self::default();
        }
        let holds = |assertion: Assertion| {
            let score = assertion.score(decision).map(f64::from);
            thresholds.get(&assertion).zip(score).is_some_and(|(needed, score)| score >= *needed)
        };
        let is_set = |field: &Field| decision.kept.get(field) == Some(&Kept::Person);
        let fields =
            decision.fields.iter().filter(|(field, _)| !is_set(field) && holds(Assertion::of_field(**field)));
        Self {
            reply: holds(Assertion::Reply),
            subtype_reply: holds(Assertion::SubtypeReply),
            fields: fields.map(|(field, decided)| (*field, decided.label.clone())).collect(),
        }
    }

    /// Whether anything is.
    pub(crate) fn any(&self) -> bool {
        self.reply || !self.fields.is_empty()
    }
}

/// What is to be done about a ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Doing {
    /// Whether its draft is sent.
    pub(crate) reply: bool,
    /// The labels that are set.
    pub(crate) fields: BTreeMap<Field, String>,
    /// Why the rest stays with a person.
    pub(crate) reasons: Vec<String>,
}

/// Looks at a ticket in view of what is `allowed` in its cell. `origins` of drafts may go out alone; `by_subtype` tells whether what a
/// draft was made from is for one subtype alone.
pub(crate) fn look(
    seen: &ActingTicket,
    allowed: &Allowed,
    origins: &[Origin],
    by_subtype: impl Fn(&Draft) -> bool,
) -> Doing {
    let stays = |reasons: Vec<String>| Doing { reasons, ..Doing::default() };
    let whole = why_nothing(seen, allowed);
    if !whole.is_empty() {
        return stays(whole);
    }
    let certified = Certified::of(&seen.record.decision, &allowed.thresholds);
    let mut reasons = Vec::new();
    for (field, decided) in &seen.record.decision.fields {
        if !certified.fields.contains_key(field)
            && seen.record.decision.kept.get(field) != Some(&Kept::Person)
        {
            reasons.push(unsure(Assertion::of_field(*field), decided.confidence.get(), allowed));
        }
    }
    let mut against = Vec::new();
    match &seen.record.draft {
        None => against.push("there is no draft".to_owned()),
        Some(draft) => {
            against.extend(why_no_reply(seen, draft, (&certified, allowed), (origins, by_subtype(draft))));
        }
    }
    let reply = against.is_empty();
    reasons.extend(against);
    Doing { reply, fields: certified.fields, reasons }
}

/// Why nothing at all may be done alone about a ticket.
fn why_nothing(seen: &ActingTicket, allowed: &Allowed) -> Vec<String> {
    let why = [
        (allowed.thresholds.is_empty(), "acting alone is no longer granted here"),
        (seen.ticket.is_none(), "the ticket's words are deleted"),
        (seen.touched, "a person is at the ticket"),
        (seen.record.closed, "the ticket is closed"),
        (seen.contradicted, "its customer has contradicted Firstline before"),
    ];
    why.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why.to_owned()).collect()
}

/// Why a draft may not go out alone.
fn why_no_reply(
    seen: &ActingTicket,
    draft: &Draft,
    (certified, allowed): (&Certified, &Allowed),
    (origins, by_subtype): (&[Origin], bool),
) -> Vec<String> {
    let decision = &seen.record.decision;
    let needed = if by_subtype { Assertion::SubtypeReply } else { Assertion::Reply };
    let sure = if by_subtype { certified.subtype_reply } else { certified.reply };
    let mut why = Vec::new();
    if !sure {
        why.push(unsure(needed, needed.score(decision).map_or(0.0, f64::from), allowed));
    }
    let failed = draft.verdicts.iter().filter(|verdict| !verdict.passed);
    why.extend(failed.map(|verdict| format!("the draft did not pass the check {:?}", verdict.check)));
    let more = [
        (!decision.kind.wants_answer(), "nobody waits for an answer"),
        (seen.answered, "its customer has been answered"),
        (!origins.contains(&draft.origin), "a draft of its origin may not go out alone"),
        (draft.verify_identity, "the writer has to be identified first"),
        (seen.opened_by_technician, "a technician opened it"),
        (
            !seen.ticket.as_ref().is_some_and(is_written_by_contact),
            "its contact may not be the one who wrote it",
        ),
    ];
    why.extend(more.into_iter().filter(|(holds, _)| *holds).map(|(_, why)| why.to_owned()));
    why
}

/// Says that something is not certified, or not sure enough.
fn unsure(assertion: Assertion, score: f64, allowed: &Allowed) -> String {
    let name = match assertion {
        Assertion::Reply => "a reply of this category",
        Assertion::SubtypeReply => "a reply of this subtype",
        other => other.name(),
    };
    match allowed.thresholds.get(&assertion) {
        None => format!("{name} is not certified"),
        Some(needed) => format!("{name} is too unsure: {score:.3}, {needed:.3} is needed"),
    }
}
