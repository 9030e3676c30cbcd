//! The pool: past replies to tickets like the one that is asked about, with the say that each has in the answer.
//!
//! Must never offer a sentence that may not be shown to the customer who asks, nor one that this ticket can't fill.

use std::collections::{BTreeSet, HashMap};

use firstline_ticket::{Decision, Field, Source, customer_key};

use crate::consensus::{PastReply, SHARED_WORDS, word_f1};
use crate::fitting::Fitting;
use crate::index::{ReplySentence, ResolvedCase, Similar};
use crate::lexicon::leans_on_previous;
use crate::mask::Masker;
use crate::reply::Reach;
use crate::slots::{Slot, fill};
use crate::stock_sentences::StockSentences;
use crate::writer::MOST_SENTENCES;

/// Of the cases that were found, those of most say, whose replies are compared with one another.
const POOL: usize = 40;
/// How fast a case's say fades with distance: weight `exp((cosine - 1) / TEMPERATURE)`; faster than in the vote on labels,
/// since a reply has to fit more closely.
const TEMPERATURE: f32 = 0.03;
/// Below this cosine a case is about something else.
const FAR: f32 = 0.35;
/// Say of a customer's own cases, beside others'.
const OWN_SAY: f32 = 1.5;
/// From this cosine on the best case is certainly about the same.
const NEAR: f32 = 0.7;
/// Say of the doubt that the right reply is none of those found, in cases like the best.
const DOUBT: f32 = 0.25;
/// Sentences of a past reply that are compared.
const SENTENCES: usize = 12;

/// What a pool is made for.
pub(super) struct PoolRequest<'r> {
    /// What was decided about the ticket.
    pub(super) decision: &'r Decision,
    /// The [key](customer_key) of the customer whose own sentences may be shown; `None` where nobody's may.
    pub(super) customer: Option<&'r str>,
    /// The language to answer in.
    pub(super) language: &'r str,
    /// What slots are filled with.
    pub(super) slots: &'r HashMap<Slot, String>,
    /// The products that the ticket names.
    pub(super) products: BTreeSet<&'r str>,
    pub(super) masker: &'r Masker,
    pub(super) stock: &'r StockSentences,
    /// Which sentences fit the ticket.
    pub(super) fitting: &'r Fitting<'r>,
}

/// Past replies with their say.
pub(super) struct Pool<'a> {
    pub(super) cases: Vec<&'a ResolvedCase>,
    pub(super) replies: Vec<PastReply>,
}

impl<'a> Pool<'a> {
    pub(super) fn new(found: &'a [Similar], request: &PoolRequest<'_>) -> Self {
        let near = found.iter().filter(|s| {
            let same = s.case.language.is_empty() || s.case.language == request.language;
            s.cosine >= FAR && same && !s.case.reply.is_empty()
        });
        let mut pool: Vec<(&ResolvedCase, PastReply)> =
            near.map(|similar| (&similar.case, past_reply(similar, request))).collect();
        pool.sort_by(|a, b| b.1.weight.total_cmp(&a.1.weight));
        pool.truncate(POOL);
        let (cases, mut replies): (Vec<&ResolvedCase>, Vec<PastReply>) = pool.into_iter().unzip();
        // However much they agree, cases that are far away say little of this ticket.
        let best = found.iter().map(|s| s.score).fold(FAR, f32::max);
        let near = ((best - FAR) / (NEAR - FAR)).min(1.0);
        let total: f32 = replies.iter().map(|r| r.weight).sum();
        let share = near / (total + DOUBT * replies.first().map_or(1.0, |r| r.weight)).max(f32::MIN_POSITIVE);
        replies.iter_mut().for_each(|r| r.weight *= share);
        Self { cases, replies }
    }

    /// The sentences of reply `r` that may be used.
    pub(super) fn usable(&self, r: usize) -> impl Iterator<Item = (usize, usize)> {
        let all = self.replies[r].usable.iter().enumerate();
        all.filter(|(_, usable)| **usable).map(move |(s, _)| (r, s))
    }

    /// The sentences at these places.
    pub(super) fn texts(&self, places: &[(usize, usize)]) -> Vec<&str> {
        places.iter().map(|&(r, s)| self.replies[r].sentences[s].as_str()).collect()
    }

    /// The sentences that may be used, those `chosen` first, then by the say of the replies that have them.
    pub(super) fn steps(&self, chosen: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let text = |&(r, s): &(usize, usize)| self.replies[r].sentences[s].as_str();
        let mut steps: Vec<(usize, usize)> = Vec::new();
        let usable = (0..self.replies.len()).flat_map(|r| self.usable(r));
        for place in chosen.iter().copied().chain(usable) {
            let new = |step| word_f1(text(step), text(&place)) < SHARED_WORDS;
            if steps.len() < MOST_SENTENCES && steps.iter().all(new) {
                steps.push(place);
            }
        }
        steps
    }

    /// The cases that these sentences come from.
    pub(super) fn sources(&self, chosen: &[(usize, usize)]) -> Vec<Source> {
        let mut sources: Vec<Source> = Vec::new();
        for &(r, s) in chosen {
            let sentence = self.replies[r].sentences[s].clone();
            let id = &self.cases[r].id;
            match sources.iter_mut().find(|source| source.id == *id) {
                Some(source) => source.sentences.push(sentence),
                None => sources.push(Source { id: id.clone(), sentences: vec![sentence] }),
            }
        }
        sources
    }
}

/// The reply of a case that was found, with the say it has before all says are brought to one scale.
fn past_reply(similar: &Similar, request: &PoolRequest<'_>) -> PastReply {
    let case = &similar.case;
    let own = request.customer.is_some_and(|c| customer_key(&case.customer) == c);
    let of_the_matter: Vec<&ReplySentence> =
        case.reply.iter().filter(|said| !request.stock.contains(&said.text)).take(SENTENCES).collect();
    let shown: Vec<Option<String>> = of_the_matter.iter().map(|said| shown(said, own, request)).collect();
    // What stands on a sentence that may not be used, may not be used either.
    let mut open = true;
    let usable = shown.iter().zip(&of_the_matter).map(|(sentence, said)| {
        open = sentence.is_some() && (open || !leans_on_previous(&said.text));
        open
    });
    PastReply {
        usable: usable.collect(),
        sentences: shown
            .into_iter()
            .zip(&of_the_matter)
            .map(|(sentence, said)| sentence.unwrap_or_else(|| said.text.clone()))
            .collect(),
        weight: weight(similar, own, request.decision),
    }
}

/// A past sentence, filled; `None` where it may not be shown or does not fit the ticket.
fn shown(said: &ReplySentence, own: bool, request: &PoolRequest<'_>) -> Option<String> {
    let may = said.reach == Reach::Everybody || (own && said.reach == Reach::Customer);
    let filled =
        may.then(|| fill(&said.text, request.slots)).flatten().filter(|s| request.fitting.fits(s))?;
    // What answered a ticket about one product is no answer to one about another.
    request.masker.products(&filled).is_subset(&request.products).then_some(filled)
}

/// The say of a case by how near it is, whose it is, and how likely its category is that of the ticket.
fn weight(similar: &Similar, own: bool, decision: &Decision) -> f32 {
    let near = ((similar.score - 1.0) / TEMPERATURE).exp().min(1.0);
    let mut weight = near * if own { OWN_SAY } else { 1.0 };
    for (field, label) in [Field::Board, Field::Type, Field::Subtype].iter().zip(&similar.case.category) {
        let (Some(decided), Some(label)) = (decision.fields.get(field), label) else { continue };
        let sure = decided.confidence.get() as f32;
        let others = decided.alternatives.iter().find(|c| c.label == *label);
        weight *= match decided.label == *label {
            true => sure,
            false => others.map_or((1.0 - sure) / 4.0, |c| c.confidence.get() as f32).max(0.01),
        };
    }
    weight
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{Confidence, FieldDecision};

    use super::*;
    use crate::mask::KnownTerms;

    fn similar(id: &str, customer: &str, score: f32, reply: &[(&str, Reach)]) -> Similar {
        let reply = reply
            .iter()
            .map(|(text, reach)| ReplySentence { text: (*text).to_owned(), reach: *reach, uncounted: false })
            .collect();
        let category = [Some("Desk".to_owned()), None, None];
        let case = ResolvedCase {
            id: id.into(),
            customer: customer.into(),
            category,
            reply,
            ..ResolvedCase::default()
        };
        Similar { case, cosine: score, score }
    }

    fn masker() -> Masker {
        Masker::new(KnownTerms::default()).unwrap()
    }

    fn stock() -> StockSentences {
        serde_json::from_str(r#"{"sentences": ["thanks."], "openings": {}}"#).unwrap()
    }

    fn pool<'a>(
        found: &'a [Similar],
        decision: &Decision,
        customer: Option<&str>,
        slots: &HashMap<Slot, String>,
    ) -> Pool<'a> {
        let (masker, stock) = (masker(), stock());
        let request = PoolRequest {
            decision,
            customer,
            language: "en",
            slots,
            products: BTreeSet::new(),
            masker: &masker,
            stock: &stock,
            fitting: &Fitting::new(["zebrafish"], "en", &masker),
        };
        Pool::new(found, &request)
    }

    #[test]
    fn sentences_are_used_as_far_as_they_may_be_shown_and_filled() {
        use Reach::{Customer, Everybody, Nobody};
        let reply = [
            ("Thanks.", Everybody),
            ("It is X-1.", Nobody),
            ("Restart {host}.", Everybody),
            ("Open zebrafish.", Customer),
        ];
        let found = [similar("a", "Alder", 0.9, &reply), similar("b", "Birch", 0.8, &reply)];
        let slots = HashMap::from([(Slot::Host, "TAM-PC1".to_owned())]);
        let of = |customer, slots| pool(&found, &Decision::default(), customer, slots);
        let pool = of(Some("alder"), &slots);
        assert_eq!(pool.replies[0].sentences, ["It is X-1.", "Restart TAM-PC1.", "Open zebrafish."]);
        assert_eq!(pool.replies[0].usable, [false, true, true]);
        assert_eq!(pool.replies[1].usable, [false, true, false]);
        assert!(pool.replies[0].weight > pool.replies[1].weight);
        assert_eq!(of(None, &HashMap::new()).replies[0].usable, [false, false, false]);
    }

    #[test]
    fn cases_far_away_or_of_another_category_have_little_say() {
        let reply = [("Restart it.", Reach::Everybody)];
        let weight = |score: f32, decision: &Decision| {
            let found = [similar("a", "Alder", score, &reply)];
            pool(&found, decision, None, &HashMap::new()).replies[0].weight
        };
        let none = Decision::default();
        assert!(weight(0.36, &none) < 0.03 && weight(0.9, &none) > 0.7, "{}", weight(0.36, &none));
        let decided = |label: &str| {
            let field = FieldDecision {
                label: label.into(),
                confidence: Confidence::new(0.9),
                alternatives: Vec::new(),
            };
            Decision { fields: [(Field::Board, field)].into(), ..Decision::default() }
        };
        let mut found = [
            similar("a", "Alder", 0.8, &reply),
            similar("b", "Alder", 0.8, &[("Call us.", Reach::Everybody)]),
        ];
        found[1].case.category[0] = Some("Other".into());
        let first = |d: &Decision| {
            let pool = pool(&found, d, None, &HashMap::new());
            (pool.cases[0].id.clone(), pool.replies[0].weight / pool.replies[1].weight)
        };
        assert!(matches!(first(&decided("Desk")), (id, ratio) if id == "a" && ratio > 5.0));
        assert!(matches!(first(&decided("Other")), (id, ratio) if id == "b" && ratio > 5.0));
    }
}
