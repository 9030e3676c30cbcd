//! Slots: the places of a reply that each ticket fills with its own contact, company, machine or product.
//!
//! Whoever writes a ticket chooses these words, so only what looks like a name, a company, a machine or a known product is
//! ever put into a reply. Must never fill a slot with an address, a number or a link.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use firstline_ticket::Ticket;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::mask::{Masker, PrivateKind};
use crate::names::greeting_name;

/// Longest company that is put into a reply, in bytes.
const LONGEST_COMPANY: usize = 80;

/// What a ticket fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The contact's first name.
    Contact,
    /// The company.
    Customer,
    /// The machine that the ticket names. Never an address or a number: an impostor would be written or called back on
    /// what they gave.
    Host,
    /// The one program, plan or product that the ticket names, of those that technicians write about.
    Product,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Contact, Self::Customer, Self::Host, Self::Product];

    /// How it stands in a text.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Contact => "{contact}",
            Self::Customer => "{customer}",
            Self::Host => "{host}",
            Self::Product => "{product}",
        }
    }
}

/// What a ticket, of which the models read `text`, can fill slots with. A ticket that names two machines, or two products, fills in none.
pub fn slots(ticket: &Ticket, text: &str, masker: &Masker) -> HashMap<Slot, String> {
    let values = [
        (Slot::Contact, greeting_name(ticket, masker)),
        (Slot::Customer, customer(ticket, masker)),
        (Slot::Host, only(machines(text, masker))),
        (Slot::Product, only(masker.products(text))),
    ];
    values.into_iter().filter_map(|(slot, value)| Some((slot, value?.to_owned()))).collect()
}

fn customer<'t>(ticket: &'t Ticket, masker: &Masker) -> Option<&'t str> {
    let company = ticket.customer.as_deref()?.trim();
    let plain = |c: char| c.is_alphanumeric() || " &.,'’-".contains(c);
    let is_name = (3..=LONGEST_COMPANY).contains(&company.len())
        && company.chars().all(plain)
        && !has_host(company)
        && masker.find(company).iter().all(|f| matches!(f.kind, PrivateKind::Company | PrivateKind::Name));
    is_name.then_some(company)
}

/// Whether a dot stands within a word, as in a web address and not in "St. Mary's" or "A.B. Smith".
fn has_host(company: &str) -> bool {
    company.split_whitespace().any(|word| {
        let mut pieces = word.trim_matches('.').split('.');
        pieces.clone().count() > 1 && pieces.any(|piece| piece.chars().count() > 2)
    })
}

fn machines<'t>(text: &'t str, masker: &Masker) -> BTreeSet<&'t str> {
    static MACHINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[A-Z][A-Z0-9]{1,9}(?:-[A-Z0-9]{1,8}){0,2}-[A-Z]{0,6}\d{1,6}$").expect("tested")
    });
    let hosts = masker.find(text).into_iter().filter(|f| f.kind == PrivateKind::Host);
    hosts.map(|f| &text[f.range]).filter(|host| MACHINE.is_match(host)).collect()
}

/// The one value, where there is one.
fn only(values: BTreeSet<&str>) -> Option<&str> {
    if values.len() == 1 { values.into_iter().next() } else { None }
}

/// `text` with the values of `slots` replaced by their marks, wherever they stand as whole words.
pub(crate) fn mark(text: &str, slots: &HashMap<Slot, String>) -> String {
    let values = Slot::ALL.iter().filter_map(|slot| Some((slot.mark(), slots.get(slot)?)));
    values.fold(text.to_owned(), |text, (mark, value)| replace_words(&text, value, mark))
}

/// `text` with `replacement` for each slot's mark.
pub(crate) fn without_marks(text: &str, replacement: &str) -> String {
    Slot::ALL.iter().fold(text.to_owned(), |text, slot| text.replace(slot.mark(), replacement))
}

/// `text` with `value` as `mark`, wherever it stands as whole words.
fn replace_words(text: &str, value: &str, mark: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(value) {
        let (before, after) = (
            rest[..at].chars().next_back().or(out.chars().next_back()),
            rest[at + value.len()..].chars().next(),
        );
        let whole = ![before, after].into_iter().flatten().any(char::is_alphanumeric);
        out += &rest[..at];
        out += if whole { mark } else { value };
        rest = &rest[at + value.len()..];
    }
    out + rest
}

/// `text` with its slots filled; `None` where the ticket has no value for one.
pub fn fill(text: &str, slots: &HashMap<Slot, String>) -> Option<String> {
    let mut out = text.to_owned();
    for slot in Slot::ALL {
        if out.contains(slot.mark()) {
            out = out.replace(slot.mark(), slots.get(&slot)?);
        }
    }
    Some(out)
}
