//! Which headings mean which field, read from `headings.txt`. Names are compared without case, blanks, punctuation and accents.
//!
//! A preset's section is asked first, since the same word means different things in different desks (HaloPSA's "Ticket Type" is
//! the type, Autotask's is only incident-or-request). No name may stand twice in one section.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use crate::options::Preset;
use crate::slot::Slot;

/// Ranks of generic names come after a preset's own.
const GENERIC_RANK: usize = 1000;

/// What a heading stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Meaning {
    /// A field.
    Field(Slot),
    /// One message of the conversation, as `date;author;text`.
    Message,
}

/// One section.
#[derive(Debug, Default)]
struct Table {
    /// Meaning and rank of each name, 0 the best; `None`: the heading is never taken for any.
    names: HashMap<String, (Option<Meaning>, usize)>,
    signatures: Vec<Vec<String>>,
}

static TABLES: LazyLock<HashMap<&str, Table>> = LazyLock::new(|| {
    let mut tables: HashMap<&str, Table> = HashMap::new();
    let mut section = "";
    for line in include_str!("headings.txt").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some((field, names)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
            tables.entry(section).or_default().add(field, names.split(", ").map(normalise));
        }
    }
    tables
});

impl Table {
    fn add(&mut self, field: &str, names: impl Iterator<Item = String>) {
        let meaning = match field {
            "signature" => return self.signatures.push(names.collect()),
            "messages" => Some(Meaning::Message),
            name => name.parse().ok().map(Meaning::Field),
        };
        for name in names {
            let rank = self.names.len();
            self.names.entry(name).or_insert((meaning, rank));
        }
    }
}

/// A heading in the form in which names are compared: letters and digits only, in lower case and without accents, without the
/// `[required ...]` that Autotask's template puts in front.
pub(crate) fn normalise(header: &str) -> String {
    let header = header.trim_start();
    let marked = header.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("[required"));
    let header = match header.find(']') {
        Some(end) if marked => &header[end + 1..],
        _ => header,
    };
    header.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What a heading stands for and how good the name is (0 is best); `None` when it stands for nothing.
pub(crate) fn look_up(header: &str, preset: Option<Preset>) -> Option<(Meaning, usize)> {
    let name = normalise(header);
    let own = preset.and_then(|preset| find(preset.name(), &name));
    match own {
        Some((meaning, rank)) => meaning.map(|meaning| (meaning, rank)),
        None => {
            let (meaning, rank) = find("generic", &name)?;
            meaning.map(|meaning| (meaning, GENERIC_RANK + rank))
        }
    }
}

fn find(section: &str, name: &str) -> Option<(Option<Meaning>, usize)> {
    TABLES.get(section)?.names.get(name).copied()
}

/// The desk that writes such headings, where they tell.
pub(crate) fn detect<'h>(headers: impl Iterator<Item = &'h str>) -> Option<Preset> {
    let headers: HashSet<String> = headers.map(normalise).collect();
    let has_signature = |preset: &&Preset| {
        let table = TABLES.get(preset.name());
        table.is_some_and(|t| t.signatures.iter().any(|names| names.iter().all(|n| headers.contains(n))))
    };
    Preset::ALL.iter().find(has_signature).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_no_name_stands_twice() {
        let mut seen: HashSet<(String, String)> = HashSet::new();
        let mut section = "";
        for line in include_str!("headings.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
                assert!(name == "generic" || Preset::ALL.iter().any(|p| p.name() == name), "{name}");
                continue;
            }
            let (field, names) = line.split_once(": ").unwrap();
            let known = ["-", "messages", "signature"].contains(&field) || field.parse::<Slot>().is_ok();
            assert!(known, "{line}");
            for name in names.split(", ").map(normalise).filter(|_| field != "signature") {
                assert!(!name.is_empty(), "{line}");
                assert!(seen.insert((section.to_owned(), name.clone())), "{section}: {name}");
            }
        }
        assert!(TABLES.len() == Preset::ALL.len() + 1);
    }

    #[test]
    fn canonical_names_are_always_known_and_the_best() {
        for slot in Slot::ALL {
            let (meaning, rank) = look_up(slot.name(), None).unwrap();
            assert_eq!(meaning, Meaning::Field(*slot));
            let table = &TABLES["generic"];
            assert!(
                table.names.values().all(|(m, r)| *m != Some(meaning) || r + GENERIC_RANK >= rank),
                "{slot}"
            );
        }
    }

    #[test]
    fn headers_are_compared_by_letters_and_digits() {
        for (header, name) in [
            ("Ticket #", "ticket"),
            ("[required if no Queue] Primary Resource", "primaryresource"),
            ("[Required] Title", "title"),
            ("Create Date/Time", "createdatetime"),
            ("Priorität", "prioritat"),
            ("Date d\u{2019}ouverture", "datedouverture"),
            ("[required", "required"),
            ("äääää", "aaaaa"),
        ] {
            assert_eq!(normalise(header), name);
        }
    }

    #[test]
    fn a_preset_decides_what_a_word_means() {
        let slot = |header, preset| look_up(header, preset).map(|(meaning, _)| meaning);
        assert_eq!(slot("Category", None), Some(Meaning::Field(Slot::Type)));
        assert_eq!(slot("Category", Some(Preset::HaloPsa)), Some(Meaning::Field(Slot::Subtype)));
        assert_eq!(slot("Ticket Type", Some(Preset::HaloPsa)), Some(Meaning::Field(Slot::Type)));
        assert_eq!(slot("Ticket Type", Some(Preset::Autotask)), None);
        assert_eq!(slot("Comment", Some(Preset::Jira)), Some(Meaning::Message));
        assert_eq!([slot("Comment", None), slot("Resolution", Some(Preset::Jira))], [None; 2]);
    }
}
