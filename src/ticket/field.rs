//! The fields Firstline decides, and the values each may take.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use firstline_fault::{Code, UserError};

/// A field that is predicted for each ticket, in the order in which a desk decides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// Board, queue or team.
    Board,
    /// Type within the board.
    Type,
    /// Subtype within the type.
    Subtype,
    /// Priority label.
    Priority,
    /// Owner of the ticket.
    Technician,
}

impl Field {
    /// All fields, in deciding order.
    pub const ALL: [Field; 5] =
        [Field::Board, Field::Type, Field::Subtype, Field::Priority, Field::Technician];

    /// The field's key in the canonical JSON.
    pub fn name(self) -> &'static str {
        match self {
            Field::Board => "board",
            Field::Type => "type",
            Field::Subtype => "subtype",
            Field::Priority => "priority",
            Field::Technician => "technician",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Field {
    type Err = UserError;

    fn from_str(s: &str) -> Result<Self, UserError> {
        let wanted = s.trim().to_ascii_lowercase();
        Field::ALL.into_iter().find(|f| f.name() == wanted).ok_or_else(|| {
            UserError::new(
                Code::Field,
                "--fields",
                format!("no field {s:?}"),
                "Use board, type, subtype, priority, technician",
            )
        })
    }
}

/// The closed set of values a field may take. Labels are sorted, so that an index means the same label
/// wherever the space is rebuilt from the same history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct LabelSpace {
    labels: Vec<String>,
}

impl From<Vec<String>> for LabelSpace {
    fn from(labels: Vec<String>) -> Self {
        Self::new(labels)
    }
}

impl From<LabelSpace> for Vec<String> {
    fn from(space: LabelSpace) -> Self {
        space.labels
    }
}

impl LabelSpace {
    /// Builds the space from any labels; duplicates are merged.
    pub fn new(labels: impl IntoIterator<Item = String>) -> Self {
        let mut labels: Vec<String> = labels.into_iter().collect();
        labels.sort_unstable();
        labels.dedup();
        Self { labels }
    }

    /// The labels, sorted.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The label's index, `None` when it is not of this space.
    pub fn index(&self, label: &str) -> Option<usize> {
        self.labels.binary_search_by(|l| l.as_str().cmp(label)).ok()
    }

    /// The label at `index`.
    ///
    /// # Panics
    /// When `index` is not below [`LabelSpace::len`].
    pub fn label(&self, index: usize) -> &str {
        &self.labels[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_space_is_sorted_and_closed() {
        let space = LabelSpace::new(["b", "a", "b"].map(String::from));
        assert_eq!(space.labels(), ["a", "b"]);
        assert_eq!(space.index("b"), Some(1));
        assert_eq!(space.index("c"), None);
    }

    #[test]
    fn fields_parse_by_their_json_key() {
        for field in Field::ALL {
            assert_eq!(field.name().to_uppercase().parse::<Field>().unwrap(), field);
        }
        assert!("queue".parse::<Field>().is_err());
    }
}
