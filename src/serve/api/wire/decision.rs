//! What goes over the wire, apart from what the rooms call it.

use std::collections::BTreeMap;

use firstline_fault::Code;
use firstline_store::{DecisionRecord, DraftState, Route};
use firstline_ticket::{Candidate, Confidence, Decision, Draft, Field, FieldDecision, FiredRule, Kept};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::item::Answer;
use crate::problem::Problem;

/// A ticket in canonical form. Everything is optional but `id` and one of `subject` and `body`; other keys pass through.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TicketSchema {
    /// The ticket's identity in the PSA.
    #[schema(example = "T20261126.0042", max_length = 256)]
    id: String,
    /// When it was opened, RFC 3339.
    #[schema(format = "date-time", example = "2026-11-26T08:15:00Z")]
    opened_at: Option<String>,
    /// Subject line, as received.
    #[schema(example = "Printer on the 2nd floor is offline")]
    subject: Option<String>,
    /// First message, plain text or HTML.
    #[schema(example = "Since this morning nobody can print.")]
    body: Option<String>,
    /// Client company.
    #[schema(example = "Contoso", max_length = 256)]
    customer: Option<String>,
    /// Who wrote.
    contact: Option<String>,
    /// `email`, `phone`, `portal`, `monitoring`.
    source: Option<String>,
}

/// What was decided about one field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldView {
    /// The label.
    label: String,
    /// Probability that it is right.
    #[schema(minimum = 0.0, maximum = 1.0)]
    confidence: f64,
    /// The next labels.
    alternatives: Vec<CandidateView>,
    /// `person` where somebody has set it, `standing` where it stood before and the model is not sure enough to change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'static str>,
}

/// A label and its probability.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CandidateView {
    label: String,
    #[schema(minimum = 0.0, maximum = 1.0)]
    confidence: f64,
}

/// A rule that stands above the models and fired.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    name: String,
    /// The priority that the model had decided, where the rule raised it.
    #[serde(skip_serializing_if = "Option::is_none")]
    raised_priority_from: Option<String>,
    /// Whether a person decides.
    person: bool,
    /// Whether the sender's identity has to be verified before anything is sent.
    verify_identity: bool,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    pub(crate) ticket_id: String,
    pub(crate) decision_id: String,
    /// Which bundle and policy decided.
    bundle: String,
    /// `person`: a rule keeps it with people. `review`: to be proposed. `storm`: one of many alerts, decided as the first.
    #[schema(value_type = String)]
    route: Route,
    /// The first decision of its storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    collapsed_into: Option<String>,
    /// Whether this ticket came before just as it is: then this is what was decided then.
    pub(crate) repeated: bool,
    /// One decision a field: `board`, `type`, `subtype`, `priority`, `technician`, as far as trained.
    #[schema(value_type = BTreeMap<String, FieldView>)]
    fields: BTreeMap<Field, FieldView>,
    rules: Vec<RuleView>,
    /// Tokens of the text that the encoder did not read.
    tokens_cut: usize,
    /// `none`, `writing`, `pending`, `approved`, `edited`, `rejected`, `superseded`.
    #[schema(value_type = String)]
    pub(crate) draft_state: DraftState,
    /// The first response.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) draft: Option<Draft>,
    /// Version of the draft, for `If-Match`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<i64>,
    /// When it was made, RFC 3339.
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// The labels that people ended with, as far as known.
    #[schema(value_type = BTreeMap<String, String>)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outcome: BTreeMap<Field, String>,
}

/// An item's result: a decision, or what is wrong with the item.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ResultView {
    /// It was decided.
    Decision(Box<DecisionView>),
    /// It was not.
    Fault {
        /// The item's place in the call, counted from 0.
        index: usize,
        /// What is wrong.
        error: Problem,
    },
}

impl DecisionView {
    /// Takes out what a key that is held to some customers must not see: which tickets, maybe others', a draft was made from.
    pub(crate) fn hide(&mut self, caller: &Caller) {
        if let Some(draft) = self.draft.as_mut().filter(|_| caller.is_held()) {
            draft.sources.clear();
        }
    }

    /// Leaves `top` labels a field.
    pub(crate) fn cut(&mut self, top: usize) {
        self.fields.values_mut().for_each(|field| field.alternatives.truncate(top.saturating_sub(1)));
    }
}

fn fields(decision: &Decision) -> BTreeMap<Field, FieldView> {
    let candidate = |c: &Candidate| CandidateView { label: c.label.clone(), confidence: c.confidence.get() };
    let view = |(&field, decided): (&Field, &FieldDecision)| {
        let kept = decision.kept.get(&field).map(|kept| match kept {
            Kept::Person => "person",
            Kept::Standing => "standing",
        });
        let alternatives = decided.alternatives.iter().map(candidate).collect();
        let confidence = Confidence::get(decided.confidence);
        (field, FieldView { label: decided.label.clone(), confidence, alternatives, kept })
    };
    decision.fields.iter().map(view).collect()
}

fn rules(rules: &[FiredRule]) -> Vec<RuleView> {
    let view = |rule: &FiredRule| RuleView {
        name: rule.name.clone(),
        raised_priority_from: rule.raised_priority_from.clone(),
        person: rule.person,
        verify_identity: rule.verify_identity,
    };
    rules.iter().map(view).collect()
}

impl From<Answer> for DecisionView {
    fn from(answer: Answer) -> Self {
        Self {
            ticket_id: answer.decision.id.clone(),
            decision_id: answer.decision_id,
            bundle: answer.bundle,
            route: answer.route,
            collapsed_into: answer.collapsed_into,
            repeated: answer.repeated,
            fields: fields(&answer.decision),
            rules: rules(&answer.decision.rules),
            tokens_cut: answer.decision.tokens_cut,
            draft_state: answer.draft_state,
            draft: None,
            version: Some(answer.draft_version),
            at: None,
            outcome: BTreeMap::new(),
        }
    }
}

impl From<DecisionRecord> for DecisionView {
    fn from(record: DecisionRecord) -> Self {
        Self {
            ticket_id: record.ticket_id,
            decision_id: record.id,
            bundle: record.bundle,
            route: record.route,
            collapsed_into: record.collapsed_into,
            repeated: false,
            fields: fields(&record.decision),
            rules: rules(&record.decision.rules),
            tokens_cut: record.decision.tokens_cut,
            draft_state: record.draft_state,
            draft: record.draft,
            version: Some(record.version),
            at: Some(record.at),
            outcome: record.outcome,
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
