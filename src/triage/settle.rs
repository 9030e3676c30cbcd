//! A new decision about a ticket that has one already, or that a person has decided in part.
//!
//! A label that stands takes more certainty to change than it took to set, so that a decision does not waver with each mail in
//! a thread; what a person has set is never changed. Must never hold back what a rule has raised.

use firstline_ticket::{Candidate, Confidence, Decision, Field, FieldDecision, Kept};

use crate::model::HIERARCHY;

/// Below this probability, by what the model says now, a label that stands is given up even for one that does not reach the bar.
const DOUBTED: f64 = 0.2;

/// Sets the label of `field` as a person did.
pub(crate) fn set_by_person(decision: &mut Decision, field: Field, label: &str) {
    // As sure as a person: nobody asks the model.
    let decided = decision.fields.entry(field).or_insert_with(|| FieldDecision {
        label: String::new(),
        confidence: Confidence::new(1.0),
        alternatives: Vec::new(),
    });
    label.clone_into(&mut decided.label);
    decided.confidence = Confidence::new(1.0);
    decided.alternatives.retain(|candidate| candidate.label != label);
    decision.kept.insert(field, Kept::Person);
}

/// Holds a new decision about a ticket against the one that stands: what differs takes a confidence of `bar` to change. Board,
/// type and subtype change together or not at all, since only some of their combinations are valid.
pub fn settle(decision: &mut Decision, standing: &Decision, bar: f64) {
    let units: [&[Field]; 3] = [&HIERARCHY, &[Field::Priority], &[Field::Technician]];
    for unit in units {
        let changes = |field: &&Field| match (decision.fields.get(field), standing.fields.get(field)) {
            (Some(new), Some(old)) => new.label != old.label,
            _ => false,
        };
        // A rule asks for a person or raises the priority: what is said now counts, not what stood.
        let by_rule = unit == [Field::Priority]
            && decision.rules.iter().any(|r| r.person || r.raised_priority_from.is_some());
        let by_person = |field: &&Field| decision.kept.get(field) == Some(&Kept::Person);
        let sure = |field: &&Field| {
            let new = &decision.fields[*field];
            new.confidence.get() >= bar || now(new, &standing.fields[*field].label).get() < DOUBTED
        };
        let changing: Vec<&Field> = unit.iter().filter(changes).collect();
        if by_rule || changing.iter().any(by_person) || changing.iter().copied().all(|field| sure(&field)) {
            continue;
        }
        for field in unit.iter().filter(|field| standing.fields.contains_key(field)) {
            keep(decision, *field, &standing.fields[field].label);
        }
    }
}

/// The probability of a label, by what the model says now: one that is not even among the alternatives has less than the least
/// of them.
fn now(decided: &FieldDecision, label: &str) -> Confidence {
    let known = decided.alternatives.iter().find(|candidate| candidate.label == label);
    let least = decided.alternatives.last();
    known.or(least).map_or(Confidence::new(0.0), |candidate| candidate.confidence)
}

/// Keeps a label that stands, with the confidence that the model has in it now.
fn keep(decision: &mut Decision, field: Field, label: &str) {
    let Some(new) = decision.fields.get_mut(&field).filter(|new| new.label != label) else { return };
    let confidence = now(new, label);
    new.alternatives.retain(|candidate| candidate.label != label);
    let proposed = Candidate {
        label: std::mem::replace(&mut new.label, label.to_owned()),
        confidence: std::mem::replace(&mut new.confidence, confidence),
    };
    new.alternatives.insert(0, proposed);
    decision.kept.insert(field, Kept::Standing);
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::FiredRule;

    fn decision(labels: &[(Field, &str, f64)]) -> Decision {
        let field = |&(field, label, confidence): &(Field, &str, f64)| {
            let alternatives = [("a", 0.3), ("b", 0.1)].map(|(label, confidence)| Candidate {
                label: label.to_owned(),
                confidence: Confidence::new(confidence),
            });
            let alternatives = alternatives.into_iter().filter(|c| c.label != label).collect();
            let confidence = Confidence::new(confidence);
            (field, FieldDecision { label: label.to_owned(), confidence, alternatives })
        };
        Decision { id: "1".to_owned(), fields: labels.iter().map(field).collect(), ..Decision::default() }
    }

    fn labels(decision: &Decision) -> Vec<&str> {
        decision.fields.values().map(|f| f.label.as_str()).collect()
    }

    #[test]
    fn what_stands_is_changed_only_where_the_model_is_sure() {
        let standing = decision(&[(Field::Priority, "a", 0.5)]);
        let mut unsure = decision(&[(Field::Priority, "b", 0.6)]);
        settle(&mut unsure, &standing, 0.85);
        let kept = &unsure.fields[&Field::Priority];
        assert_eq!((kept.label.as_str(), kept.confidence.get()), ("a", 0.3));
        assert_eq!((kept.alternatives[0].label.as_str(), kept.alternatives[0].confidence.get()), ("b", 0.6));
        assert_eq!(unsure.kept[&Field::Priority], Kept::Standing);
        let mut sure = decision(&[(Field::Priority, "b", 0.9)]);
        settle(&mut sure, &standing, 0.85);
        assert_eq!((labels(&sure), sure.kept.len()), (vec!["b"], 0));
    }

    #[test]
    fn a_category_changes_whole_or_not_at_all() {
        let standing = decision(&[(Field::Board, "x", 0.9), (Field::Type, "y", 0.9)]);
        let mut half = decision(&[(Field::Board, "x", 0.95), (Field::Type, "b", 0.5)]);
        half.fields.get_mut(&Field::Type).unwrap().alternatives[0].label = "y".to_owned();
        settle(&mut half, &standing, 0.85);
        assert_eq!(labels(&half), ["x", "y"]);
        let mut both = decision(&[(Field::Board, "a", 0.95), (Field::Type, "b", 0.9)]);
        settle(&mut both, &standing, 0.85);
        assert_eq!(labels(&both), ["a", "b"]);
    }

    #[test]
    fn what_the_model_no_longer_believes_does_not_stand() {
        let standing = decision(&[(Field::Technician, "c", 0.6)]);
        let mut new = decision(&[(Field::Technician, "a", 0.4)]);
        settle(&mut new, &standing, 0.85);
        assert_eq!((labels(&new), new.kept.len()), (vec!["a"], 0));
    }

    #[test]
    fn a_rule_and_a_person_are_not_held_back() {
        let standing = decision(&[(Field::Priority, "a", 0.9)]);
        let mut raised = decision(&[(Field::Priority, "b", 0.1)]);
        raised.rules.push(FiredRule {
            name: "outage".to_owned(),
            raised_priority_from: Some("a".to_owned()),
            person: true,
            verify_identity: false,
        });
        settle(&mut raised, &standing, 0.85);
        assert_eq!(labels(&raised), ["b"]);
        let mut set = decision(&[(Field::Priority, "a", 0.1)]);
        set_by_person(&mut set, Field::Priority, "c");
        settle(&mut set, &standing, 0.85);
        assert_eq!((labels(&set), set.kept[&Field::Priority]), (vec!["c"], Kept::Person));
    }
}
