//! Lines about changes, as Halo's own actions and its audit say them.
//!
//! Their wording is nowhere written down and may change: a line that is not understood is counted and kept as it came, never guessed at.

use firstline_ticket::Changed;

/// Names of values, in lower case, the longer first.
const VALUES: [(&str, Changed); 15] = [
    ("ticket type", Changed::Type),
    ("request type", Changed::Type),
    ("ticket status", Changed::Status),
    ("assigned agent", Changed::Owner),
    ("category 1", Changed::Subtype),
    ("category", Changed::Subtype),
    ("status", Changed::Status),
    ("team", Changed::Board),
    ("section", Changed::Board),
    ("agent", Changed::Owner),
    ("technician", Changed::Owner),
    ("priority", Changed::Priority),
    ("client", Changed::Customer),
    ("customer", Changed::Customer),
    ("type", Changed::Type),
];

/// Values that change and don't count.
const PASSED: [&str; 6] = ["ticket", "summary", "user", "site", "merged", "sla"];

/// What a line or a name of a value says.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// A value that counts.
    Value(Changed),
    /// Something that does not count.
    Nothing,
    /// Something that was not understood.
    Unread,
}

/// A change: the value, what stood there, what stands there now.
pub(super) type Change = (Changed, Option<String>, Option<String>);

/// What a field of the audit is.
pub(super) fn field(name: &str) -> Told {
    let name = name.trim().to_lowercase();
    if PASSED.contains(&name.as_str()) {
        return Told::Nothing;
    }
    let value = VALUES.iter().find(|(known, _)| *known == name);
    value.map_or(Told::Unread, |(_, value)| Told::Value(*value))
}

/// The change that a line tells: "Team changed from A to B". One that can be read in two ways is not read.
pub(super) fn change(line: &str) -> Option<Change> {
    let lower = line.to_ascii_lowercase();
    let from = lower.find(" from ")?;
    let subject = line.get(..from)?.trim().to_lowercase();
    let subject = [" changed", " has been changed", " was changed", " updated"]
        .iter()
        .rev()
        .find_map(|end| subject.strip_suffix(end))
        .unwrap_or(&subject);
    let Told::Value(of) = field(subject) else { return None };
    let start = from + " from ".len();
    let (rest, rest_lower) = (line.get(start..)?, lower.get(start..)?);
    let mut places = rest_lower.match_indices(" to ");
    let (to, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    Some((of, value(rest.get(..to)?), value(rest.get(to + " to ".len()..)?)))
}

/// The ticket that a line says this one was merged into.
pub(super) fn merged_into(line: &str) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let rest = lower.split_once("merged into ")?.1;
    let number: String =
        rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

/// A value as lines have it, without quotes; words for none are none.
pub(super) fn value(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.').trim_matches(['"', '\'', '“', '”']);
    let none = ["", "nothing", "none", "null", "unassigned", "0"].contains(&text.to_lowercase().as_str());
    (!none).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_and_what_can_be_read_in_two_ways_is_not() {
        let told =
            |of, from: Option<&str>, to: Option<&str>| Some((of, from.map(Into::into), to.map(Into::into)));
        for (line, wanted) in [
            ("Team changed from Front to Back", told(Changed::Board, Some("Front"), Some("Back"))),
            ("Agent changed from nothing to Ana Lima", told(Changed::Owner, None, Some("Ana Lima"))),
            (
                "Status was changed from \"Neu\" to \"Offen\".",
                told(Changed::Status, Some("Neu"), Some("Offen")),
            ),
            ("Category changed from Move to site to Other", None),
            ("Prototype changed from a to b", None),
            ("Team is now Back", None),
        ] {
            assert_eq!(change(line), wanted, "{line}");
        }
        assert_eq!(merged_into("Merged into ticket 4711"), Some("4711".to_owned()));
        assert_eq!(field("Summary"), Told::Nothing);
        assert_eq!(field("Flux"), Told::Unread);
    }
}
