//! A decision, and what stands in its place where there is none.

use std::collections::BTreeMap;

use firstline_fault::Code;
use firstline_store::{ActingRecord, DecisionRecord};
use firstline_ticket::Field;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Draft, DraftState, FieldName, KeptBy, Kind, Phase, Reading, Route};

use crate::auth::Caller;
use crate::item::Answer;
use crate::problem::Problem;

/// What was decided about one field.
#[derive(Debug, Serialize, ToSchema)]
struct FieldDecision {
    /// The label.
    label: String,
    /// Probability that it is right.
    #[schema(minimum = 0.0, maximum = 1.0)]
    confidence: f64,
    /// The next labels.
    alternatives: Vec<Candidate>,
    /// Why it keeps this label, where that is not the model's newest word.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<KeptBy>,
}

/// A label and its probability.
#[derive(Debug, Serialize, ToSchema)]
struct Candidate {
    label: String,
    #[schema(minimum = 0.0, maximum = 1.0)]
    confidence: f64,
}

/// A rule that stands above the models and fired.
#[derive(Debug, Serialize, ToSchema)]
struct FiredRule {
    name: String,
    /// The priority that the model had decided, where the rule raised it.
    #[serde(skip_serializing_if = "Option::is_none")]
    raised_priority_from: Option<String>,
    /// Whether a person decides.
    person: bool,
    /// Whether the sender's identity has to be verified before anything is sent.
    verify_identity: bool,
}

/// What is done without a person.
#[derive(Debug, Serialize, ToSchema)]
struct Acting {
    /// Whether the draft is sent.
    reply: bool,
    /// The fields whose labels are set.
    fields: Vec<FieldName>,
    /// Why the rest waits for a person.
    reasons: Vec<String>,
}

impl From<ActingRecord> for Acting {
    fn from(ActingRecord { reply, fields, reasons }: ActingRecord) -> Self {
        Self { reply, fields: fields.into_iter().map(Into::into).collect(), reasons }
    }
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Decision {
    pub(crate) ticket_id: String,
    pub(crate) decision_id: String,
    /// The id of the bundle and policy that decided.
    bundle: String,
    /// The id of everything that shapes its draft: resolved tickets, templates, reviews, voice, writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    drafting: Option<String>,
    route: Route,
    /// Who or what wrote the ticket.
    kind: Kind,
    /// The first decision of its storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    collapsed_into: Option<String>,
    /// Whether this ticket came before just as it is: then this is what was decided then.
    pub(crate) repeated: bool,
    /// How far Firstline might go with it when it was decided: in `shadow` nobody is to see it, from `assist` on it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<Phase>,
    /// Whether it belongs to the blind sample: neither pre-set, drafted nor shown until the ticket is closed, so that agreement can
    /// be measured. Until then `fields` is empty, and there is no draft.
    blind: bool,
    /// One decision a field: `board`, `type`, `subtype`, `priority`, `technician`, as far as trained; none while it is not to be
    /// shown.
    fields: BTreeMap<FieldName, FieldDecision>,
    rules: Vec<FiredRule>,
    /// Tokens of the text that the encoder did not read.
    tokens_cut: usize,
    pub(crate) draft_state: DraftState,
    /// The first response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) draft: Option<Draft>,
    /// The id of the bundle and policy in service when the draft was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    drafted_bundle: Option<String>,
    /// The id of everything that shaped the draft when it was written, as in `drafting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    drafted_by: Option<String>,
    /// Version of the draft, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i64>,
    /// When it was made, RFC 3339.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// The labels that people ended with, as far as known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    outcome: BTreeMap<FieldName, String>,
    /// What is done about it without a person, and why the rest waits for one; only where a grant allows to act alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    acting: Option<Acting>,
    /// What the model reads of the ticket, where `explain` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reading: Option<Reading>,
}

/// What is wrong with one item of a call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemFault {
    /// The item's place in the call, counted from 0.
    pub(crate) index: usize,
    /// What is wrong.
    pub(crate) error: Problem,
}

impl Decision {
    /// Takes out what a key that is held to some customers must not see: which tickets, maybe others', a draft was made from.
    pub(crate) fn hide(&mut self, caller: &Caller) {
        if let Some(draft) = self.draft.as_mut().filter(|_| caller.is_held()) {
            draft.hide_sources();
        }
    }

    /// Leaves `top` labels a field.
    pub(crate) fn cut(&mut self, top: usize) {
        self.fields.values_mut().for_each(|field| field.alternatives.truncate(top.saturating_sub(1)));
    }
}

fn fields(decision: &firstline_ticket::Decision) -> BTreeMap<FieldName, FieldDecision> {
    let candidate = |c: &firstline_ticket::Candidate| Candidate {
        label: c.label.clone(),
        confidence: c.confidence.get(),
    };
    let view = |(field, decided): (&Field, &firstline_ticket::FieldDecision)| {
        let view = FieldDecision {
            label: decided.label.clone(),
            confidence: decided.confidence.get(),
            alternatives: decided.alternatives.iter().map(candidate).collect(),
            kept: decision.kept.get(field).copied().map(Into::into),
        };
        ((*field).into(), view)
    };
    decision.fields.iter().map(view).collect()
}

impl From<&firstline_ticket::FiredRule> for FiredRule {
    fn from(rule: &firstline_ticket::FiredRule) -> Self {
        let firstline_ticket::FiredRule { name, raised_priority_from, person, verify_identity } = rule;
        Self {
            name: name.clone(),
            raised_priority_from: raised_priority_from.clone(),
            person: *person,
            verify_identity: *verify_identity,
        }
    }
}

/// What nobody is to see yet, taken out.
fn unseen(decision: &mut firstline_ticket::Decision) {
    decision.fields.clear();
    decision.kept.clear();
    decision.rules.clear();
}

impl From<Answer> for Decision {
    fn from(mut answer: Answer) -> Self {
        // Whether its ticket is closed by now, `GET /v1/decisions/{id}` knows.
        if answer.blind {
            unseen(&mut answer.decision);
        }
        Self {
            ticket_id: answer.decision.id.clone(),
            decision_id: answer.decision_id,
            bundle: answer.bundle,
            drafting: answer.drafting,
            route: answer.route.into(),
            kind: answer.decision.kind.into(),
            collapsed_into: answer.collapsed_into,
            repeated: answer.repeated,
            phase: answer.phase.map(Into::into),
            blind: answer.blind,
            fields: fields(&answer.decision),
            rules: answer.decision.rules.iter().map(Into::into).collect(),
            tokens_cut: answer.decision.tokens_cut,
            draft_state: answer.draft_state.into(),
            draft: None,
            drafted_bundle: None,
            drafted_by: None,
            version: Some(answer.draft_version),
            at: None,
            outcome: BTreeMap::new(),
            acting: None,
            reading: None,
        }
    }
}

impl From<DecisionRecord> for Decision {
    fn from(mut record: DecisionRecord) -> Self {
        if record.is_hidden() {
            unseen(&mut record.decision);
            (record.draft, record.drafted_bundle, record.drafted_by) = (None, None, None);
            record.acting = None;
        }
        Self {
            drafting: record.drafting,
            ticket_id: record.ticket_id,
            decision_id: record.id,
            bundle: record.bundle,
            route: record.route.into(),
            kind: record.decision.kind.into(),
            collapsed_into: record.collapsed_into,
            repeated: false,
            phase: record.phase.map(Into::into),
            blind: record.blind,
            fields: fields(&record.decision),
            rules: record.decision.rules.iter().map(Into::into).collect(),
            tokens_cut: record.decision.tokens_cut,
            draft_state: record.draft_state.into(),
            draft: record.draft.map(Into::into),
            drafted_bundle: record.drafted_bundle,
            drafted_by: record.drafted_by,
            version: Some(record.version),
            at: Some(record.at),
            outcome: record.outcome.into_iter().map(|(field, label)| (field.into(), label)).collect(),
            acting: record.acting.map(Into::into),
            reading: None,
        }
    }
}

/// Labels by field name, as people set them.
pub(crate) fn labels(
    named: &BTreeMap<String, String>,
    place: &str,
) -> Result<BTreeMap<Field, String>, Problem> {
    let label = |(name, label): (&String, &String)| {
        let field: Field = name.parse().map_err(|_| {
            let problem = format!("no field {name:?}");
            Problem::new(Code::Field, place, problem, "Use board, type, subtype, priority, technician")
        })?;
        if label.trim().is_empty() || label.len() > 256 {
            let problem = format!("the label of {name} is empty or longer than 256 bytes");
            return Err(Problem::new(Code::Request, place, problem, "Send it as the PSA has it"));
        }
        Ok((field, label.trim().to_owned()))
    };
    named.iter().map(label).collect()
}
