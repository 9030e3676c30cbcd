//! Words with digits, which may name a customer's machine, badge or code: only those of listed products are shown to others.
//!
//! Must never take a word with digits for harmless because it is common.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::folding::folded;
use crate::segmentation::words;

/// Words of a listed name at most.
const MOST_WORDS: usize = 4;
/// A number of so few digits is told by its sentence.
const SMALL: usize = 2;
/// Numbers that stand so near to one another, in bytes, are one.
const NEAR: usize = 3;

static LISTED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        names: HashSet<String>,
    }
    toml::from_str::<Written>(include_str!("products.toml")).expect("tested").names
});

/// Whether a name, folded, is a listed product's.
pub(super) fn is_listed(name: &str) -> bool {
    LISTED.contains(name)
}

/// Whether `text` has a number, or a word with digits, that is neither a small number by itself nor part of a listed product.
pub(crate) fn has_unlisted_number(text: &str) -> bool {
    if !text.contains(char::is_numeric) {
        return false;
    }
    let text = folded(text);
    let (ranges, all): (Vec<_>, Vec<String>) = words(&text).unzip();
    let has_digit = |i: usize| all[i].contains(char::is_numeric);
    let mut i = 0;
    while i < all.len() {
        let longest = (1..=MOST_WORDS.min(all.len() - i)).rev().find(|n| is_listed(&all[i..i + n].join(" ")));
        let near =
            |a: usize, b: usize| has_digit(a) && has_digit(b) && ranges[b].start - ranges[a].end <= NEAR;
        let more = (i > 0 && near(i - 1, i)) || (i + 1 < all.len() && near(i, i + 1));
        let small = all[i].len() <= SMALL && all[i].bytes().all(|b| b.is_ascii_digit()) && !more;
        if longest.is_none() && has_digit(i) && !small {
            return true;
        }
        i += longest.unwrap_or(1);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_products_and_small_numbers_pass() {
        for fine in [
            "Office 365 runs on Windows 11.",
            "Please install M365 and 1Password.",
            "Please wait 10 seconds.",
            "1. Open Outlook",
            "On Windows Server 2022 it works.",
        ] {
            assert!(!has_unlisted_number(fine), "{fine}");
        }
        for odd in [
            "Office 366.",
            "It is in locker K17Q3.",
            "Press 1984.",
            "Call 12 34.",
            "At 10:30.",
            "Room 2.04",
            "The year 2026",
            "Winter2026",
            "Type ⁴²³.",
            "In M366",
        ] {
            assert!(has_unlisted_number(odd), "{odd}");
        }
    }
}
