//! What an action that nobody approves asserts: each is certified by itself, and has a threshold of its own.
//!
//! A reply asserts that board and type are right together; a label that is set asserts itself. What is not certified stays with a
//! person, and keeps nothing back that is.

use serde::{Deserialize, Serialize};

use crate::{Confidence, Decision, Field};

/// Something that an action asserts of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assertion {
    /// Board and type are right together: what a reply of the category says of its ticket.
    Reply,
    /// Board, type and subtype are right together: what a reply says whose template is for one subtype.
    SubtypeReply,
    /// The board is right.
    Board,
    /// The type is right.
    Type,
    /// The subtype is right.
    Subtype,
    /// The priority is not less urgent than it should be: technicians themselves agree on the very label too seldom to certify that.
    Priority,
    /// The technician is right.
    Technician,
}

impl Assertion {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Reply,
        Self::SubtypeReply,
        Self::Board,
        Self::Type,
        Self::Subtype,
        Self::Priority,
        Self::Technician,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::SubtypeReply => "subtype_reply",
            Self::Board => "board",
            Self::Type => "type",
            Self::Subtype => "subtype",
            Self::Priority => "priority",
            Self::Technician => "technician",
        }
    }

    /// What setting the label of `field` asserts.
    pub fn of_field(field: Field) -> Self {
        match field {
            Field::Board => Self::Board,
            Field::Type => Self::Type,
            Field::Subtype => Self::Subtype,
            Field::Priority => Self::Priority,
            Field::Technician => Self::Technician,
        }
    }

    /// The fields whose labels it is about.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Reply => &[Field::Board, Field::Type],
            Self::SubtypeReply => &[Field::Board, Field::Type, Field::Subtype],
            Self::Board => &[Field::Board],
            Self::Type => &[Field::Type],
            Self::Subtype => &[Field::Subtype],
            Self::Priority => &[Field::Priority],
            Self::Technician => &[Field::Technician],
        }
    }

    /// The score that its threshold is compared with: the least of its fields' confidences. `None` where the decision lacks one.
    pub fn score(self, decision: &Decision) -> Option<Confidence> {
        let confidences =
            self.fields().iter().map(|field| decision.fields.get(field).map(|one| one.confidence));
        let least = |a: Confidence, b: Confidence| if b < a { b } else { a };
        confidences.collect::<Option<Vec<_>>>()?.into_iter().reduce(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldDecision;

    #[test]
    fn a_reply_is_as_sure_as_the_less_sure_of_board_and_type() {
        let of = |p: f64| FieldDecision {
            label: "x".into(),
            confidence: Confidence::new(p),
            alternatives: Vec::new(),
        };
        let fields = [(Field::Board, of(0.99)), (Field::Type, of(0.93))].into();
        let decision = Decision { fields, ..Decision::default() };
        assert_eq!(Assertion::Reply.score(&decision), Some(Confidence::new(0.93)));
        assert_eq!(Assertion::Board.score(&decision), Some(Confidence::new(0.99)));
        assert_eq!(Assertion::SubtypeReply.score(&decision), None);
    }

    #[test]
    fn names_are_those_on_record() {
        for assertion in Assertion::ALL {
            assert_eq!(serde_json::to_value(assertion).unwrap(), assertion.name());
        }
    }
}
