//! Masking: what tells whose ticket a text came from is found before the text may serve anybody else.
//!
//! Four nets. Patterns and known names find mail addresses, telephone numbers, hosts, keys, passwords, people, companies.
//! Words that technicians wrote to fewer than [`SHARED_BY`] customers are private whatever they are, and so are words with
//! digits that name no listed product, and sentences that may tell a secret. What passes all of these is held against whole
//! sentences: one reaches other customers only where technicians sent it to at least [`SHARED_BY`] distinct ones (in the manner
//! of k-anonymity, Samarati and Sweeney 1998). What customers write does not count: nobody can make a sentence common by
//! mailing it. Must never let through what technicians have not written to several customers.

mod known_terms;
mod listed_products;
mod patterns;
mod product_names;
mod secrets;
mod shared_sentences;

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use firstline_fault::{InternalError, Result};

use crate::segmentation::{begins_sentence, words};
pub use known_terms::{KnownTerms, KnownTermsBuilder};
pub(crate) use listed_products::has_unlisted_number;
use product_names::ProductNames;
pub(crate) use secrets::{Secret, secrets};
pub(crate) use shared_sentences::{SharedSentences, sentence_hash};

/// Longest word that may be shown to others, in bytes.
const MAX_WORD: usize = 40;
/// To how many distinct customers technicians must have written a word, and sent a sentence, before others may see it.
pub const SHARED_BY: usize = 3;
/// Customers that are kept for a word or a product: several may turn out to be one.
const KEPT: usize = 8;

/// Kinds of what is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateKind {
    /// A password, code or token that is named as one.
    Secret,
    /// A web address.
    Link,
    /// A mail address.
    Mail,
    /// An IP or hardware address.
    Address,
    /// A licence key.
    Key,
    /// A telephone number.
    Phone,
    /// A computer, share, account or domain.
    Host,
    /// A serial or inventory number.
    Serial,
    /// A company.
    Company,
    /// A person.
    Name,
    /// A word that technicians have written to too few customers.
    Word,
}

impl PrivateKind {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Link => "link",
            Self::Mail => "mail",
            Self::Address => "address",
            Self::Key => "key",
            Self::Phone => "phone",
            Self::Host => "host",
            Self::Serial => "serial",
            Self::Company => "company",
            Self::Name => "name",
            Self::Word => "word",
        }
    }
}

/// Something private in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateSpan {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What.
    pub kind: PrivateKind,
}

/// Finds what is private.
#[derive(Debug, Clone)]
pub struct Masker {
    known: KnownTerms,
    companies: AhoCorasick,
    products: ProductNames,
}

impl Masker {
    /// A masker that goes by these terms.
    ///
    /// # Errors
    /// An internal error when the companies are too many to be looked for.
    pub fn new(known: KnownTerms) -> Result<Self> {
        // They may come from a file, whose order nobody has promised.
        let known = known.sorted();
        let companies = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(known.companies())
            .map_err(|e| InternalError::new(format!("companies to look for: {e}")))?;
        let products = ProductNames::new(known.products(), |word| known.is_shared(word));
        Ok(Self { known, companies, products })
    }

    /// The products (programs, plans) that `text` names, as technicians write them.
    pub fn products(&self, text: &str) -> BTreeSet<&str> {
        self.products.named(text)
    }

    /// Whether technicians write `word`, as it stands here, to everybody.
    pub(crate) fn is_shared(&self, word: &str) -> bool {
        word.len() <= MAX_WORD && self.known.is_shared(word)
    }

    /// What patterns and known names find in `text`: spans in their order; none overlaps another.
    pub fn find(&self, text: &str) -> Vec<PrivateSpan> {
        let mut found = Ranges::default();
        for (range, kind) in patterns::matches(text) {
            found.add(range, kind);
        }
        for hit in self.companies.find_iter(text) {
            if is_word(text, &hit.range()) {
                found.add(hit.range(), PrivateKind::Company);
            }
        }
        for (range, word) in words(text) {
            let capital = text[range.clone()].starts_with(char::is_uppercase);
            // "Will you" begins a sentence with a word, not with a person.
            let plain = begins_sentence(text, range.start) && self.is_shared(&word);
            if capital && !plain && self.known.is_name(&word) {
                found.add(range, PrivateKind::Name);
            }
        }
        found.0
    }

    /// What [`Self::find`] finds, and every word that technicians have written to too few customers.
    pub fn find_all(&self, text: &str) -> Vec<PrivateSpan> {
        let mut found = Ranges(self.find(text));
        let all: Vec<(Range<usize>, String)> = words(text).collect();
        let digits = |i: usize| all.get(i).is_some_and(|(_, w)| w.bytes().all(|b| b.is_ascii_digit()));
        for (i, (range, word)) in all.iter().enumerate() {
            // One or two digits tell nothing, unless they are a part of more.
            let near = |j: usize| digits(j) && gap(range, &all[j].0) <= 3;
            let more = near(i + 1) || (i > 0 && near(i - 1));
            let small = word.len() <= 2 && digits(i) && !more;
            let as_written =
                if begins_sentence(text, range.start) { word.as_str() } else { &text[range.clone()] };
            if !small && !self.is_shared(as_written) {
                found.add(range.clone(), PrivateKind::Word);
            }
        }
        found.0
    }
}

/// Bytes between two ranges.
fn gap(a: &Range<usize>, b: &Range<usize>) -> usize {
    if a.start < b.start { b.start - a.end } else { a.start - b.end }
}

/// Private spans in their order; none overlaps another.
#[derive(Debug, Default)]
struct Ranges(Vec<PrivateSpan>);

impl Ranges {
    /// Adds a span, unless it overlaps one that is there.
    fn add(&mut self, range: Range<usize>, kind: PrivateKind) {
        let at = self.0.partition_point(|f| f.range.end <= range.start);
        let free = self.0.get(at).is_none_or(|f| range.end <= f.range.start);
        if free && !range.is_empty() {
            self.0.insert(at, PrivateSpan { range, kind });
        }
    }
}

/// Whether a hit begins and ends at the borders of words.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    ![before, after].into_iter().flatten().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{Message, Ticket};

    use super::*;
    use crate::text_of;

    fn ticket(customer: &str, contact: &str, reply: &str) -> Ticket {
        let message = Message {
            from: "technician".into(),
            text: reply.into(),
            visible: Some(true),
            ..Message::default()
        };
        Ticket {
            id: "1".into(),
            customer: Some(customer.into()),
            contact: Some(contact.into()),
            body: Some("gorgonzola 4711".into()),
            messages: vec![message],
            ..Ticket::default()
        }
    }

    const COMMON: &str = "so please restart the computer and call us on at with is was your my password code from we sent to \
                          reset account for it now ask see serial mail connect key will you be there on your Outlook or M365";

    fn masker() -> Masker {
        let mut known = KnownTermsBuilder::default();
        for (customer, contact) in [
            ("Alder Clinic", "Maria Xu"),
            ("Birch & Sons", "Tom Ødegård"),
            ("Cedar Foods", "Will Li"),
            ("Dogwood", "Bo Ek"),
        ] {
            let one = ticket(customer, contact, COMMON);
            known.add(&one, &text_of(&one));
        }
        // One customer however it is spelt, and one that nobody can tell.
        for spelt in ["Alder Clinic", "ALDER CLINIC", "Alder  clinic ", ""] {
            let one = ticket(spelt, "Maria Xu", "so zebrafish");
            known.add(&one, &text_of(&one));
        }
        Masker::new(known.finish()).unwrap()
    }

    #[test]
    fn each_kind_is_found() {
        use PrivateKind::*;
        let masker = masker();
        let cases: &[(&str, &[PrivateKind])] = &[
            ("mail maria.xu@alder.example now", &[Mail]),
            ("call us on +44 20 7946 0958", &[Phone]),
            ("call us on (305) 555-0128 ext 235", &[Phone]),
            ("call us on 01 23 45 67 89.", &[Phone]),
            ("call us on 12 34 56 78.", &[Phone]),
            ("the code is 48 21 07", &[Word, Word, Word]),
            ("your password is Xy7!kk9 now", &[Secret]),
            ("see https://portal.alder.example/r?token=abc now", &[Link]),
            ("connect to 10.20.30.40", &[Address]),
            ("connect to 00:1A:2b:3C:4d:5E", &[Address]),
            ("restart TAM-SRV04 now", &[Host]),
            (r"see \\fs01\share now", &[Host]),
            (r"account ALDER\mxu", &[Host]),
            ("connect to fs01.alder.local", &[Host]),
            ("key VK7JG-NPHTM-C97JM-9MPGT-3V66T", &[Key]),
            ("serial 5CG1234XYZ", &[Serial]),
            ("ask Maria Xu at Birch & Sons", &[Name, Name, Company]),
            ("ask Ødegård", &[Name]),
            ("ask Will", &[Name]),
            ("Will you be there", &[]),
            ("the zebrafish", &[Word]),
            ("the gorgonzola", &[Word]),
            ("the Computer", &[Word]),
            ("Please restart the computer 12", &[]),
            ("on M365 or Outlook", &[]),
        ];
        for (text, want) in cases {
            let got: Vec<PrivateKind> = masker.find_all(text).into_iter().map(|f| f.kind).collect();
            assert_eq!(&got, want, "{text}");
        }
    }

    #[test]
    fn dates_codes_and_amounts_are_no_telephone_numbers() {
        for text in [
            "2026-11-26 09:30",
            "26.11.2026",
            "11/26/2026",
            "16.0.17328.20184",
            "0x80070005",
            "KB5034441",
            "1234567",
        ] {
            assert!(masker().find(text).iter().all(|f| f.kind != PrivateKind::Phone), "{text}");
        }
    }

    #[test]
    fn a_text_full_of_addresses_is_searched_in_its_own_time() {
        let text = "a1@b.de ".repeat(100_000);
        assert_eq!(masker().find(&text).len(), 100_000);
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_one_customer_has_passes(secret in "[a-zA-Z]{5,12}[0-9]{0,6}", text in "\\PC{0,80}") {
            let masker = masker();
            proptest::prop_assume!(!words(COMMON).any(|(_, w)| w == secret.to_lowercase()));
            let whole = format!("{text} {secret} {text}");
            let at = text.len() + 1..text.len() + 1 + secret.len();
            let found = masker.find_all(&whole);
            proptest::prop_assert!(found.iter().any(|f| f.range.start < at.end && at.start < f.range.end), "{whole}");
        }
    }
}
