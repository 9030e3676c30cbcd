//! What the store has, as the review page shows it.
//!
//! Must never show a reader what they may not see: a key held to some customers sees from which tickets no draft was made.

use std::collections::BTreeMap;

use firstline_pages::Language;
use firstline_pages::review::{
    DraftOrigin, DraftView, FieldView, Finding, Flag, Kept, QueueLine, SentenceSource, Standing, TicketView,
};
use firstline_store::{DecisionRecord, ReviewItem};
use firstline_ticket::{CheckResult, Confidence, Draft, DraftState, Field, Origin, Ticket};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::choices::Choices;
use super::viewer::Viewer;
use crate::bands::{Counts, band};
use crate::edit_check::is_hard;
use crate::live_bundle::LiveBundle;
use crate::shared::Shared;

/// Characters of a body that are read for its page.
const MOST_READ: usize = 64 << 10;
/// What a review says of a draft whose fields alone were set.
pub(super) const ONLY_FIELDS: &str = "only the fields were set";
/// Messages of a thread that are shown.
const MOST_MESSAGES: usize = 20;

pub(super) fn standing(state: DraftState) -> Standing {
    match state {
        DraftState::None => Standing::None,
        DraftState::Writing => Standing::Writing,
        DraftState::Pending => Standing::Pending,
        DraftState::Auto => Standing::Auto,
        DraftState::Approved => Standing::Approved,
        DraftState::Edited => Standing::Edited,
        DraftState::Rejected => Standing::Rejected,
        DraftState::Superseded => Standing::Superseded,
    }
}

/// Whether a decision has nothing that a customer would see: its fields may be approved together with others'.
pub(super) fn is_only_fields(record: &DecisionRecord) -> bool {
    record.draft_state == DraftState::None && record.draft.is_none()
}

/// A line of the queue.
pub(super) fn line(
    shared: &Shared,
    viewer: &Viewer,
    item: &ReviewItem,
    open: &str,
    now: Timestamp,
) -> QueueLine {
    let ReviewItem { ticket, record } = item;
    let label = |field| record.decision.fields.get(&field).map(|decided| decided.label.as_str());
    let category: Vec<&str> = [Field::Board, Field::Type].into_iter().filter_map(label).collect();
    let of_category =
        || record.decision.fields.get(&Field::Type).or(record.decision.fields.get(&Field::Board));
    let confidence = record.draft.as_ref().map(|draft| draft.confidence);
    QueueLine {
        id: record.id.clone(),
        version: record.version,
        number: record.ticket_id.clone(),
        customer: ticket.customer.clone().unwrap_or_default(),
        subject: ticket.subject.clone().unwrap_or_else(|| record.ticket_id.clone()),
        category: category.join(" / "),
        confidence: confidence
            .or_else(|| of_category().map(|decided| decided.confidence))
            .map(Confidence::get),
        age_seconds: now.duration_since(record.received_at).as_secs().try_into().unwrap_or_default(),
        flags: flags(record, viewer.look.language),
        others: shared.open_reviews.others(&record.id, &viewer.caller.key),
        in_batch: is_only_fields(record),
        is_open: record.id == open,
    }
}

/// Why to look closely.
pub(super) fn flags(record: &DecisionRecord, language: Language) -> Vec<Flag> {
    let mut found = Vec::new();
    for rule in &record.decision.rules {
        if rule.person {
            found.push(Flag::Person(rule.name.clone()));
        }
        if rule.verify_identity {
            found.push(Flag::Verify(rule.name.clone()));
        }
        if let Some(from) = &rule.raised_priority_from {
            found.push(Flag::Raised { from: from.clone(), rule: rule.name.clone() });
        }
    }
    let asks = found.iter().any(|flag| matches!(flag, Flag::Verify(_)));
    if !asks && record.draft.as_ref().is_some_and(|draft| draft.verify_identity) {
        found.push(Flag::Verify("identity".to_owned()));
    }
    if let Some(head) = &record.collapsed_into {
        found.push(Flag::Storm(Some(head.clone())));
    }
    if record.decision.tokens_cut > 0 {
        found.push(Flag::Cut(record.decision.tokens_cut));
    }
    if let Some(draft) = &record.draft
        && !draft.language.is_empty()
        && draft.language != language.code()
    {
        found.push(Flag::Language(draft.language.clone()));
    }
    for reason in record.acting.iter().flat_map(|acting| &acting.reasons) {
        found.push(Flag::Returned(reason.clone()));
    }
    found
}

/// The ticket.
pub(super) fn ticket(
    live: &LiveBundle,
    ticket: Option<&Ticket>,
    record: &DecisionRecord,
    all: bool,
) -> TicketView {
    let Some(ticket) = ticket else {
        return TicketView {
            number: record.ticket_id.clone(),
            subject: record.ticket_id.clone(),
            ..TicketView::default()
        };
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let body = text(&ticket.body);
    let short = Ticket { body: Some(head(&body).to_owned()), messages: Vec::new(), ..ticket.clone() };
    let read = live.engine.reader().explain(&short);
    let mut removed: BTreeMap<String, usize> = BTreeMap::new();
    for cut in &read.cut {
        *removed.entry(cut.reason.name().to_owned()).or_default() += 1;
    }
    let is_all = removed.is_empty() && read.text.trim() == body.trim();
    // The start of a name is all that is known of an attachment.
    let names = ticket.extra.get("attachments").and_then(|value| value.as_array());
    let names =
        names.into_iter().flatten().filter_map(|one| one.as_str().or_else(|| one.get("name")?.as_str()));
    TicketView {
        number: record.ticket_id.clone(),
        subject: ticket.subject.clone().unwrap_or_else(|| record.ticket_id.clone()),
        customer: text(&ticket.customer),
        contact: text(&ticket.contact),
        opened: moment(ticket.opened_at.unwrap_or(record.received_at), &live.zone),
        source: text(&ticket.source),
        text: (ticket.body.is_some() || ticket.subject.is_some())
            .then(|| if all { body.clone() } else { read.text }),
        raw: (!is_all && !body.is_empty()).then_some(body),
        removed: removed.into_iter().collect(),
        thread: ticket
            .messages
            .iter()
            .rev()
            .take(MOST_MESSAGES)
            .map(|message| {
                let at = message.at.map(|at| moment(at, &live.zone)).unwrap_or_default();
                (format!("{} {at}", message.from).trim().to_owned(), message.text.clone())
            })
            .collect(),
        attachments: names.map(str::to_owned).collect(),
        all,
    }
}

fn head(text: &str) -> &str {
    let end = text.char_indices().nth(MOST_READ).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// A moment in the desk's zone, with the zone.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// The label that stands in a field: a person's, else what was decided.
pub(super) fn standing_labels(record: &DecisionRecord) -> BTreeMap<Field, String> {
    let decided = record.decision.fields.iter().map(|(field, decided)| (*field, decided.label.clone()));
    let mut labels: BTreeMap<Field, String> = decided.collect();
    for (field, label) in &record.outcome {
        if let Some(stands) = labels.get_mut(field) {
            label.clone_into(stands);
        }
    }
    labels
}

/// The labels of each field, most probable first.
pub(super) fn ranked(record: &DecisionRecord) -> BTreeMap<Field, Vec<String>> {
    let of = |decided: &firstline_ticket::FieldDecision| {
        let next = decided.alternatives.iter().map(|one| one.label.clone());
        std::iter::once(decided.label.clone()).chain(next).collect()
    };
    record.decision.fields.iter().map(|(field, decided)| (*field, of(decided))).collect()
}

/// What was decided, with the choices.
pub(super) fn fields(record: &DecisionRecord, mut choices: Choices, counts: &Counts) -> Vec<FieldView> {
    let stands = standing_labels(record);
    let view = |(field, decided): (&Field, &firstline_ticket::FieldDecision)| {
        let by_person = record.outcome.contains_key(field);
        let kept = match record.decision.kept.get(field) {
            Some(firstline_ticket::Kept::Person) => Some(Kept::Person),
            Some(firstline_ticket::Kept::Standing) => Some(Kept::Standing),
            None => by_person.then_some(Kept::Person),
        };
        let label = stands.get(field).cloned().unwrap_or_default();
        FieldView {
            key: field.name(),
            chosen: choices.chosen.remove(field).unwrap_or_else(|| label.clone()),
            decided: label,
            confidence: decided.confidence.get(),
            counted: counts.get(&(*field, band(decided.confidence.get()))).copied(),
            alternatives: decided
                .alternatives
                .iter()
                .map(|one| (one.label.clone(), one.confidence.get()))
                .collect(),
            kept,
            options: choices.options.remove(field).unwrap_or_default(),
        }
    };
    record.decision.fields.iter().map(view).collect()
}

/// A draft, without its sources' names for those who may not see them.
pub(super) fn draft(draft: &Draft, is_held: bool) -> DraftView {
    let (passed, failed): (Vec<&CheckResult>, Vec<&CheckResult>) =
        draft.verdicts.iter().partition(|one| one.passed);
    DraftView {
        text: draft.text.clone(),
        language: draft.language.clone(),
        origin: origin(draft.origin),
        sentences: sentences(draft, is_held),
        confidence: draft.confidence.get(),
        learnt: draft.basis == firstline_ticket::Basis::Feedback,
        passed: passed.len(),
        failed: failed.into_iter().map(finding).collect(),
        replaced: draft
            .rejected
            .iter()
            .map(|one| (origin(one.origin), one.because.iter().map(finding).collect()))
            .collect(),
    }
}

fn origin(origin: Origin) -> DraftOrigin {
    match origin {
        Origin::Template => DraftOrigin::Template,
        Origin::Retrieved => DraftOrigin::Retrieved,
        Origin::Generated => DraftOrigin::Generated,
        Origin::Acknowledgement => DraftOrigin::Acknowledgement,
    }
}

/// What a check found.
pub(super) fn finding(check: &CheckResult) -> Finding {
    Finding { check: check.check.clone(), found: check.found.clone(), hard: is_hard(check) }
}

/// The draft's text in pieces, each with its source.
fn sentences(draft: &Draft, is_held: bool) -> Vec<(String, SentenceSource)> {
    let source = |id: &str| match (draft.origin, is_held) {
        (Origin::Template, _) => SentenceSource::Template(id.to_owned()),
        (_, true) => SentenceSource::Shared,
        (_, false) => SentenceSource::Ticket(id.to_owned()),
    };
    let mut places: Vec<(usize, usize, SentenceSource)> = Vec::new();
    for one in &draft.sources {
        for sentence in one.sentences.iter().filter(|sentence| !sentence.trim().is_empty()) {
            if let Some(from) = draft.text.find(sentence.as_str()) {
                places.push((from, from + sentence.len(), source(&one.id)));
            }
        }
    }
    places.sort_by_key(|(from, to, _)| (*from, std::cmp::Reverse(*to)));
    let (mut found, mut end) = (Vec::new(), 0);
    let rest = |found: &mut Vec<(String, SentenceSource)>, text: &str| {
        if !text.trim().is_empty() {
            found.push((text.to_owned(), SentenceSource::None));
        }
    };
    for (from, to, source) in places {
        if from < end {
            continue;
        }
        rest(&mut found, &draft.text[end..from]);
        found.push((draft.text[from..to].to_owned(), source));
        end = to;
    }
    rest(&mut found, &draft.text[end..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::{Basis, Source};

    #[test]
    fn a_draft_falls_into_sentences_with_sources() {
        let source = |id: &str, text: &str| Source { id: id.to_owned(), sentences: vec![text.to_owned()] };
        let one = Draft {
            text: "Hello Ann,\n\nPlease restart it. Then call us.\n\nThe desk".to_owned(),
            language: "en".to_owned(),
            origin: Origin::Retrieved,
            sources: vec![
                source("T2", "Then call us."),
                source("T1", "Please restart it."),
                source("T3", "restart"),
            ],
            confidence: Confidence::new(0.5),
            basis: Basis::Prior,
            prior: Confidence::new(0.5),
            verify_identity: false,
            verdicts: Vec::new(),
            rejected: Vec::new(),
            timings_ms: BTreeMap::new(),
        };
        let of = |is_held| -> Vec<SentenceSource> {
            draft(&one, is_held).sentences.into_iter().map(|s| s.1).collect()
        };
        let ticket = |id: &str| SentenceSource::Ticket(id.to_owned());
        assert_eq!(of(false), [SentenceSource::None, ticket("T1"), ticket("T2"), SentenceSource::None]);
        assert_eq!(of(true)[1..3], [SentenceSource::Shared, SentenceSource::Shared], "no id for a held key");
    }
}
