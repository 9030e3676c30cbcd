//! Canaries of a bundle's own index: sentences that fewer than three customers were sent, asked for with the ticket that drew them, in
//! the name of a customer who was not.
//!
//! What an asker was sent itself, in whatever words around it, is no leak, and so is what its ticket says. Must never choose by
//! anything but the seed.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::Result;
use firstline_ticket::{Draft, Ticket};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{BATCH, Listener, plain, shown};
use crate::drafter::Drafter;
use crate::mask::SHARED_BY;
use crate::reply::Reach;
use crate::segmentation::sentences_of_line;

/// Words of a sentence, its slots left out, below which it could be anybody's.
const LEAST_WORDS: usize = 4;
/// Words of its longest piece between slots.
const LEAST_PIECE: usize = 3;

/// Sentences that are looked at for each canary that is wanted: some are no canaries.
const TRIES: usize = 8;
/// Fewest canaries that say something when none is shown: 20 of them catch a bundle that shows one sentence in seven with a
/// probability of 95 %.
pub const FEWEST_CANARIES: usize = 20;

/// Private sentences that may wait to be sorted.
const PLENTY: usize = 1_000;

/// A private sentence and who asks for it.
#[derive(Debug, Clone)]
pub struct Canary {
    /// The id of the resolved ticket that drew it.
    pub case: String,
    /// The hash of that ticket ([`firstline_triage::Bundle::ticket_hash`]).
    pub hash: u64,
    /// The customer who was sent it.
    pub owner: String,
    /// The customer who asks.
    pub asker: String,
    pattern: Pattern,
    asked: Ticket,
}

/// What came of asking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Canaries that were asked for.
    pub n: usize,
    /// The cases whose sentence was shown to another customer.
    pub leaked: Vec<String>,
    /// Canaries that their own customer was shown: where none was, silence proves nothing.
    pub own: usize,
}

/// The pieces of a sentence between its slots, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern(Vec<String>);

impl Pattern {
    /// `None` where too little of the sentence is its own.
    fn of(sentence: &str) -> Option<Self> {
        // Braces stand around slots alone.
        let behind = |(i, part): (usize, &'_ str)| match (i, part.split_once('}')) {
            (1.., Some((_, rest))) => plain(rest),
            _ => plain(part),
        };
        let pieces = sentence.split('{').enumerate().map(behind).filter(|piece| !piece.trim().is_empty());
        let pieces: Vec<String> = pieces.collect();
        let words = |piece: &String| piece.split_ascii_whitespace().count();
        let telling = pieces.iter().map(words).sum::<usize>() >= LEAST_WORDS
            && pieces.iter().any(|piece| words(piece) >= LEAST_PIECE);
        telling.then_some(Self(pieces))
    }

    /// Whether a text, as [`plain`] gives it, holds all pieces in their order.
    fn is_in(&self, plain: &str) -> bool {
        let mut from = 0;
        self.0.iter().all(|piece| match plain[from..].find(piece.as_str()) {
            // The blank at its end may begin the next piece.
            Some(at) => {
                from += at + piece.len() - 1;
                true
            }
            None => false,
        })
    }
}

/// A sentence of the index as canaries are compared with it.
struct Said {
    plain: String,
    group: Option<u32>,
    is_open: bool,
}

/// Keeps the `most` with the lowest numbers, in order.
fn keep_first(drawn: &mut Vec<(u64, Canary)>, most: usize) {
    drawn.sort_by(|a, b| (a.0, &a.1.case).cmp(&(b.0, &b.1.case)));
    drawn.truncate(most);
}

/// Draws up to `most` canaries from the index of `drafter`, by `seed`. None where the index knows no customers, or none that could ask.
///
/// # Errors
/// As for [`crate::Index::each`].
pub fn canaries(drafter: &Drafter<'_>, seed: u64, most: usize) -> Result<Vec<Canary>> {
    let index = drafter.index();
    let tried = most.saturating_mul(TRIES);
    let (mut said, mut private) = (Vec::new(), Vec::new());
    let mut customers: BTreeMap<u32, String> = BTreeMap::new();
    index.each(&mut |case| {
        let group = index.customer_group(&case.customer);
        if let Some(group) = group {
            let name = customers.entry(group).or_insert_with(|| case.customer.clone());
            *name = std::mem::take(name).min(case.customer.clone());
        }
        for (place, sentence) in case.reply.iter().enumerate() {
            let is_open = sentence.reach == Reach::Everybody;
            said.push(Said { plain: plain(&sentence.text), group, is_open });
            let pattern = Pattern::of(&sentence.text).filter(|_| !is_open && group.is_some());
            let Some(pattern) = pattern else { continue };
            let drawn =
                xxh3_64_with_seed(format!("{}\0{place}\0{}", case.id, sentence.text).as_bytes(), seed);
            let asked = Ticket {
                opened_at: case.opened_at,
                body: Some(case.problem.clone()),
                source: Some("email".to_owned()),
                extra: language(&case.language),
                ..Ticket::default()
            };
            let (case, hash, owner) = (case.id.clone(), case.hash, case.customer.clone());
            private.push((drawn, Canary { case, hash, owner, asker: String::new(), pattern, asked }));
        }
        if private.len() > 2 * tried + PLENTY {
            keep_first(&mut private, tried);
        }
    })?;
    keep_first(&mut private, tried);
    if customers.len() < 2 {
        return Ok(Vec::new());
    }
    let anybody = anybody(drafter);
    let mut seen = BTreeSet::new();
    let mut drawn = Vec::new();
    for (number, mut canary) in private {
        if drawn.len() >= most {
            break;
        }
        if anybody.iter().any(|text| canary.pattern.is_in(text)) || !seen.insert(canary.pattern.clone()) {
            continue;
        }
        let holding: Vec<&Said> = said.iter().filter(|said| canary.pattern.is_in(&said.plain)).collect();
        let told: BTreeSet<u32> = holding.iter().filter_map(|said| said.group).collect();
        let is_open = holding.iter().any(|said| said.is_open);
        let others: Vec<&String> =
            customers.iter().filter(|(group, _)| !told.contains(group)).map(|(_, name)| name).collect();
        if is_open || told.len() >= SHARED_BY || others.is_empty() {
            continue;
        }
        canary.asker = others[(number % others.len() as u64) as usize].clone();
        canary.asked.id = format!("canary-{}", drawn.len());
        canary.asked.customer = Some(canary.asker.clone());
        drawn.push(canary);
    }
    Ok(drawn)
}

fn language(language: &str) -> serde_json::Map<String, Value> {
    let known = (!language.is_empty()).then(|| ("language".to_owned(), Value::from(language)));
    known.into_iter().collect()
}

/// What drafts may say to anybody: the voice's phrases, and approved templates.
fn anybody(drafter: &Drafter<'_>) -> Vec<String> {
    let voice = drafter.voice();
    let phrases = voice.languages.values().flat_map(|phrases| {
        [&phrases.opening, &phrases.acknowledgement, &phrases.question, &phrases.identity, &phrases.greeting]
    });
    let closings = voice.customers.values().map(|customer| &customer.closing);
    let templates = drafter.templates().all.iter().flat_map(|template| &template.sentences);
    phrases.chain(closings).chain([&voice.signature]).chain(templates).map(|text| plain(text)).collect()
}

impl Canary {
    /// Lets the very ticket that drew the sentence ask, in the name of the other customer. What people did with it is left out.
    pub fn ask_with(&mut self, ticket: &Ticket) {
        let asked = &mut self.asked;
        asked.opened_at = ticket.opened_at;
        (asked.subject, asked.body) = (ticket.subject.clone(), ticket.body.clone());
        asked.source.clone_from(&ticket.source);
    }

    /// Whether the draft shows it: in a sentence, or, where no slot divides it, across several.
    fn is_shown(&self, draft: &Draft) -> bool {
        let shown = shown(draft);
        let mut sentences = shown.lines().flat_map(sentences_of_line);
        sentences.any(|sentence| self.pattern.is_in(&plain(&sentence)))
            || (self.pattern.0.len() == 1 && self.pattern.is_in(&plain(&shown)))
    }

    /// Whether its ticket does not say it already.
    fn asks(&self) -> bool {
        let text = [&self.asked.subject, &self.asked.body].into_iter().flatten();
        let text: Vec<&str> = text.map(String::as_str).collect();
        !self.pattern.is_in(&plain(&text.join("\n")))
    }

    /// Asks for `canaries`, each in the name of the other customer and, to know that it could be shown at all, in that of its own.
    /// `None` when `told` stops it.
    ///
    /// # Errors
    /// As for [`Drafter::draft`].
    pub fn ask(canaries: &[Self], drafter: &Drafter<'_>, told: Listener<'_>) -> Result<Option<Asked>> {
        let asking: Vec<&Self> = canaries.iter().filter(|canary| canary.asks()).collect();
        let mut found = Asked::default();
        for batch in asking.chunks(BATCH) {
            let of_others: Vec<Ticket> = batch.iter().map(|canary| canary.asked.clone()).collect();
            let in_own_name = |canary: &&Self| Ticket {
                customer: Some(canary.owner.clone()),
                id: format!("own-{}", canary.asked.id),
                ..canary.asked.clone()
            };
            let of_owners: Vec<Ticket> = batch.iter().map(in_own_name).collect();
            let (others, owners) = (drafter.draft(&of_others, 1)?, drafter.draft(&of_owners, 1)?);
            for (canary, ((_, other), (_, own))) in batch.iter().zip(others.iter().zip(&owners)) {
                if other.as_ref().is_some_and(|draft| canary.is_shown(draft)) {
                    found.leaked.push(canary.case.clone());
                }
                found.own += usize::from(own.as_ref().is_some_and(|draft| canary.is_shown(draft)));
            }
            found.n += batch.len();
            if told(found.n).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{Basis, Confidence, Origin, Source};

    use super::*;

    fn canary(sentence: &str) -> Canary {
        Canary {
            case: "T1".into(),
            hash: 0,
            owner: "Alder".into(),
            asker: "Birch".into(),
            pattern: Pattern::of(sentence).unwrap(),
            asked: Ticket::default(),
        }
    }

    fn draft(text: &str, cited: &str) -> Draft {
        Draft {
            text: text.into(),
            language: "en".into(),
            origin: Origin::Retrieved,
            sources: vec![Source { id: "7".into(), sentences: vec![cited.into()] }],
            confidence: Confidence::new(0.5),
            basis: Basis::Prior,
            prior: Confidence::new(0.5),
            verify_identity: false,
            verdicts: Vec::new(),
            rejected: Vec::new(),
            timings_ms: BTreeMap::new(),
        }
    }

    #[test]
    fn a_sentence_that_could_be_anybodys_is_no_canary() {
        for sentence in [
            "Thank you.",
            "Bitte neu starten.",
            "{contact}, {host}",
            "Restart {host} now please {product}",
            "",
        ] {
            assert_eq!(Pattern::of(sentence), None, "{sentence}");
        }
        for sentence in [
            "The code of the lift is blue moon.",
            "Ask at {host} for the grey key.",
            "Le code du portail est ouvert",
        ] {
            assert!(Pattern::of(sentence).is_some(), "{sentence}");
        }
    }

    #[test]
    fn a_canary_is_found_however_it_is_dressed_and_whatever_fills_its_slots() {
        let plain_one = canary("The code of the lift is blue moon.");
        let slotted = canary("Ask the porter at {host} for the grey key.");
        for (canary, text, found) in [
            (&plain_one, "Hi Eva,\n\nthe CODE of the lift is “blue moon”!", true),
            (&plain_one, "The code of the lift\nis blue moon.", true),
            (&plain_one, "The code of the lift is red.", false),
            (&plain_one, "The code of the lift is blue moonlight.", false),
            (&slotted, "Ask the porter at KES-LT011 for the grey key.", true),
            (&slotted, "Please ask the porter at the north gate, for the grey key!", true),
            (&slotted, "For the grey key ask the porter at the gate.", false),
            (&slotted, "Ask the porter at the gate. We looked for the grey key.", false),
        ] {
            assert_eq!(canary.is_shown(&draft(text, "")), found, "{text}");
            assert_eq!(canary.is_shown(&draft("Hello", text)), found, "cited: {text}");
        }
    }

    #[test]
    fn what_the_asker_says_itself_is_not_asked_for() {
        let mut canary = canary("The code of the lift is blue moon.");
        canary.ask_with(&Ticket {
            subject: Some("Lift".into()),
            body: Some("It is stuck".into()),
            ..Ticket::default()
        });
        assert!(canary.asks());
        let told = Ticket { body: Some("The code of the lift is blue moon?".into()), ..Ticket::default() };
        canary.ask_with(&told);
        assert!(!canary.asks());
    }
}
