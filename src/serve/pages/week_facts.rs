//! What the week's page counts from tickets: coverage and precision by category, what was mistaken for what, rules beside the model.
//!
//! Counts alone: no ticket, customer or person stands in it. Agreement is counted where nobody saw the decision.

use std::collections::BTreeMap;

use firstline_pages::manage::FigureView;
use firstline_pages::manage::week::{CategoryLine, ConfusionLine, RulesView};
use firstline_rollout::{Routed, Share, rules_beside};
use firstline_store::{GrantRecord, TicketRow};
use firstline_ticket::{Assertion, Field, JudgedTicket, Verdict};

use super::told::share;

/// Categories that are shown,
const CATEGORIES: usize = 30;
/// and pairs.
const PAIRS: usize = 15;
/// Labels of a field that are told apart: no desk has more.
const MOST_PAIRS: usize = 20_000;

/// Counts of a category.
#[derive(Debug, Default)]
struct Category {
    tickets: u64,
    sure: u64,
    judged: u64,
    right: u64,
}

/// The counts.
#[derive(Debug)]
pub(super) struct WeekFacts {
    /// The certified thresholds of replies, by board and type.
    thresholds: BTreeMap<(String, String), f64>,
    /// The one of all others.
    floor: f64,
    categories: BTreeMap<(String, String), Category>,
    pairs: BTreeMap<(Field, String, String), u64>,
    /// Board that stood before any person touched the ticket, the model's, and the one at closing.
    routed: Vec<[String; 3]>,
}

impl WeekFacts {
    /// Nothing yet; certified thresholds are those of the `grants`, below which `floor` holds.
    pub(super) fn new(grants: &[GrantRecord], floor: f64) -> Self {
        let of = |grant: &GrantRecord| {
            let category = (grant.scope.board.clone()?, grant.scope.ticket_type.clone()?);
            Some((category, grant.thresholds.get(&Assertion::Reply).copied()?.max(floor)))
        };
        Self {
            thresholds: grants.iter().filter_map(of).collect(),
            floor,
            categories: BTreeMap::new(),
            pairs: BTreeMap::new(),
            routed: Vec::new(),
        }
    }

    /// Counts a ticket.
    pub(super) fn add(&mut self, row: &TicketRow) {
        let judged = &row.judged;
        let of = JudgedTicket::from(judged);
        let verdicts: BTreeMap<Field, Verdict<'_>> = Field::ALL.into_iter().zip(of.verdicts).collect();
        let decided = |field| judged.decision.fields.get(&field).map(|one| one.label.clone());
        for field in [Field::Board, Field::Type] {
            if let (Some(Verdict::Other(ended)), Some(decided)) = (verdicts.get(&field), decided(field))
                && self.pairs.len() < MOST_PAIRS
            {
                *self.pairs.entry((field, decided, (*ended).to_owned())).or_default() += 1;
            }
        }
        let labels = &judged.outcome.labels;
        let initial = judged.outcome.initial_labels.as_ref().and_then(|labels| labels.get(&Field::Board));
        if let (Some(initial), Some(model), Some(closing)) =
            (initial, decided(Field::Board), labels.get(&Field::Board))
        {
            self.routed.push([initial.clone(), model, closing.clone()]);
        }
        let (Some(board), Some(kind)) = (decided(Field::Board), decided(Field::Type)) else { return };
        let key = (board, kind);
        let threshold = self.thresholds.get(&key).copied().unwrap_or(self.floor);
        let is_sure = Assertion::Reply.score(&judged.decision).is_some_and(|score| score.get() >= threshold);
        let both = [Field::Board, Field::Type].map(|field| verdicts.get(&field).copied().unwrap_or_default());
        let is_judged = both.iter().all(|one| matches!(one, Verdict::Same | Verdict::Other(_)));
        let unseen = of.seen == Some(false) && row.review.is_none();
        let counts = self.categories.entry(key).or_default();
        counts.tickets += 1;
        counts.sure += u64::from(is_sure);
        if is_sure && is_judged && unseen {
            counts.judged += 1;
            counts.right += u64::from(both == [Verdict::Same; 2]);
        }
    }

    /// Categories, the largest first.
    pub(super) fn categories(&self) -> Vec<CategoryLine> {
        let line = |((board, kind), of): (&(String, String), &Category)| {
            let certified = self.thresholds.get(&(board.clone(), kind.clone()));
            CategoryLine {
                category: format!("{board} > {kind}"),
                tickets: of.tickets,
                threshold: certified.copied().unwrap_or(self.floor),
                certified: certified.is_some(),
                coverage: share(&Share::new(of.sure, of.tickets)),
                precision: share(&Share::new(of.right, of.judged)),
            }
        };
        let mut lines: Vec<CategoryLine> = self.categories.iter().map(line).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.tickets));
        lines.truncate(CATEGORIES);
        lines
    }

    /// Pairs, the most frequent first.
    pub(super) fn confusions(&self) -> Vec<ConfusionLine> {
        let line = |((field, decided, ended), n): (&(Field, String, String), &u64)| ConfusionLine {
            field: field.name().to_owned(),
            decided: decided.clone(),
            ended: ended.clone(),
            n: *n,
        };
        let mut lines: Vec<ConfusionLine> = self.pairs.iter().map(line).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.n));
        lines.truncate(PAIRS);
        lines
    }

    /// Rules beside the model, on tickets whose board stood before any person touched them; `None` where there is none.
    pub(super) fn rules(&self) -> Option<RulesView> {
        let routed = self.routed.iter().map(|[initial, model, closing]| Routed {
            initial: Some(initial),
            replayed: None,
            model: Some(model),
            closing,
        });
        let found = rules_beside(routed);
        let [rules, model]: [FigureView; 2] = [share(&found.rules), share(&found.model)];
        (rules.n > 0).then_some(RulesView { rules, model })
    }
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{Confidence, Decision, FieldDecision, JudgedDecision, Outcome, Phase};
    use jiff::Timestamp;

    use super::*;

    fn row(board: (&str, f64), ended: Option<&str>, phase: Phase) -> TicketRow {
        let at: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let field = |label: &str, confidence| FieldDecision {
            label: label.to_owned(),
            confidence: Confidence::new(confidence),
            alternatives: Vec::new(),
        };
        let decision = Decision {
            fields: [(Field::Board, field(board.0, board.1)), (Field::Type, field("Mail", 0.99))].into(),
            ..Decision::default()
        };
        let label = |board: &str| -> BTreeMap<Field, String> {
            [(Field::Board, board.to_owned()), (Field::Type, "Mail".to_owned())].into()
        };
        let outcome = Outcome {
            labels: ended.map(label).unwrap_or_default(),
            initial_labels: ended.map(|_| label("Inbox")),
            ..Outcome::default()
        };
        TicketRow {
            judged: JudgedDecision { decision, outcome, ..judged(at, phase) },
            first_received_at: at,
            source: None,
            decided_at: at,
            bundle: "b".to_owned(),
            storm: None,
            reported_at: None,
            review: None,
            events: Vec::new(),
        }
    }

    fn judged(at: Timestamp, phase: Phase) -> JudgedDecision {
        JudgedDecision {
            decision_id: "d".to_owned(),
            ticket_id: "t".to_owned(),
            customer: "c".to_owned(),
            received_at: at,
            opened_at: Some(at),
            route: firstline_ticket::Route::Review,
            decision: Decision::default(),
            outcome: Outcome::default(),
            draft_due: false,
            drafted_at: None,
            draft_state: firstline_ticket::DraftState::None,
            draft_confidence: None,
            reported: true,
            phase: Some(phase),
            blind: false,
        }
    }

    #[test]
    fn precision_is_of_the_sure_that_nobody_saw_and_coverage_of_all() {
        let mut facts = WeekFacts::new(&[], 0.9);
        facts.add(&row(("Desk", 0.95), Some("Desk"), Phase::Shadow));
        facts.add(&row(("Desk", 0.95), Some("Network"), Phase::Shadow));
        facts.add(&row(("Desk", 0.80), Some("Network"), Phase::Shadow));
        facts.add(&row(("Desk", 0.95), Some("Desk"), Phase::Assist));
        facts.add(&row(("Desk", 0.95), None, Phase::Shadow));
        let lines = facts.categories();
        let found = |of: &FigureView| (of.count.unwrap(), of.n);
        assert_eq!((lines[0].category.as_str(), lines[0].tickets), ("Desk > Mail", 5));
        assert_eq!((found(&lines[0].coverage), found(&lines[0].precision)), ((4, 5), (1, 2)));
        let pairs = facts.confusions();
        assert_eq!((pairs.len(), pairs[0].ended.as_str(), pairs[0].n), (1, "Network", 2));
        let rules = facts.rules().unwrap();
        assert_eq!((found(&rules.rules), found(&rules.model)), ((0, 4), (2, 4)));
    }

    #[test]
    fn without_a_board_of_before_nobody_knows_how_the_rules_did() {
        let mut facts = WeekFacts::new(&[], 0.9);
        facts.add(&row(("Desk", 0.95), None, Phase::Shadow));
        assert!(facts.rules().is_none() && facts.confusions().is_empty());
    }
}
