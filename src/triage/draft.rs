//! The first response: similar resolved tickets are found, what their replies agree on is taken, greeted, signed and guarded;
//! what does not pass gives way to a lesser draft, down to an acknowledgement.
//!
//! Must never say what neither a technician nor the voice has said, and never show one customer what another wrote.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use firstline_ticket::{
    Basis, Confidence, Decision, Draft, Field, Origin, Rejected, Result, Source, Ticket, Verdict,
};

use crate::consensus::{PastReply, agreement, consensus};
use crate::guard::{Grounds, guard};
use crate::index::{Case, Index, Near, Said, Whose, language_of};
use crate::mask::{customer_of, words};
use crate::reply::{Reach, Slot, fill, slots};
use crate::template::Templates;
use crate::usual::Usual;
use crate::voice::Voice;
use crate::{Engine, compose};

/// Cases of the ticket's own customer, and of others, that are looked at.
const OWN: usize = 24;
const OTHERS: usize = 48;
/// Of them, those of most say, whose replies are compared with one another.
const POOL: usize = 40;
/// How fast a case's say fades with distance: weight `exp((cosine - 1) / TEMPERATURE)`, as in the neighbours' vote.
const TEMPERATURE: f32 = 0.05;
/// What sharing words adds to a cosine, for a case with all of the ticket's telling words.
const LEXICAL: f32 = 0.1;
/// Below this cosine a case is about something else.
const FAR: f32 = 0.35;
/// Say of a customer's own cases, beside others'.
const OWN_SAY: f32 = 1.5;
/// Say of the prior, that the right reply is none of those found, in cases at cosine 1.
const DOUBT: f32 = 0.5;
/// An answer is expected to have at least this much of the right one.
const WORTH: f32 = 0.35;
/// A prior confidence is this share of what the sources suggest.
const CAUTION: f64 = 0.8;

/// A case that is like a ticket, and how like.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    /// The case.
    pub case: Case,
    /// Cosine of the texts' embeddings.
    pub cosine: f32,
    /// The same with what shared words add.
    pub score: f32,
}

/// What makes drafts: an engine, its cases, a voice.
#[derive(Debug)]
pub struct Drafter<'a> {
    engine: &'a Engine,
    index: &'a Index,
    voice: &'a Voice,
    templates: &'a Templates,
}

impl<'a> Drafter<'a> {
    /// Of `engine`, with the cases of `index` and the approved ones of `templates`, in `voice`.
    pub fn new(engine: &'a Engine, index: &'a Index, voice: &'a Voice, templates: &'a Templates) -> Self {
        Self { engine, index, voice, templates }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.engine
    }

    /// The cases.
    pub fn index(&self) -> &Index {
        self.index
    }

    /// The voice.
    pub fn voice(&self) -> &Voice {
        self.voice
    }

    /// Decides tickets and drafts a first response to each; none to what no person wrote.
    ///
    /// # Errors
    /// A fault of the engine or the index; a ticket by itself can't fail.
    pub fn draft(&self, tickets: &[Ticket], top: usize) -> Result<Vec<(Decision, Option<Draft>)>> {
        let start = Instant::now();
        let features = self.engine.features(tickets)?;
        let embedded = start.elapsed().as_secs_f64() * 1e3 / tickets.len().max(1) as f64;
        let start = Instant::now();
        let decisions = self.engine.decide_features(tickets, &features, top)?;
        let decided = start.elapsed().as_secs_f64() * 1e3 / tickets.len().max(1) as f64;
        let d = features.embeddings.len() / tickets.len().max(1);
        let mut drafts = Vec::with_capacity(tickets.len());
        for (i, (ticket, decision)) in tickets.iter().zip(decisions).enumerate() {
            let mut draft = self.one(ticket, &decision, &features.embeddings[i * d..(i + 1) * d])?;
            if let Some(draft) = &mut draft {
                draft.timings_ms.extend([("embed".to_owned(), embedded), ("decide".to_owned(), decided)]);
            }
            drafts.push((decision, draft));
        }
        Ok(drafts)
    }

    /// The cases most like a ticket, of those that may be found.
    ///
    /// # Errors
    /// As for [`Self::draft`].
    pub fn similar(
        &self,
        ticket: &Ticket,
        embedding: &[f32],
        whose: Whose<'_>,
        k: usize,
    ) -> Result<Vec<Similar>> {
        let near = self.index.nearest(embedding, whose, k)?;
        let text = compose(ticket).text();
        let cases: Vec<(Near, Case)> =
            near.into_iter().map(|near| Ok((near, self.index.case(near)?))).collect::<Result<_>>()?;
        Ok(lexically(&text, cases))
    }

    fn one(&self, ticket: &Ticket, decision: &Decision, embedding: &[f32]) -> Result<Option<Draft>> {
        let input = compose(ticket);
        if input.is_alert {
            return Ok(None);
        }
        let mut timings = BTreeMap::new();
        let mut clock = Instant::now();
        let mut lap = |stage: &str| {
            timings.insert(stage.to_owned(), clock.elapsed().as_secs_f64() * 1e3);
            clock = Instant::now();
        };
        let masker = self.index.masker();
        let mut slots = slots(ticket, masker);
        if decision.rules.iter().any(|r| r.verify_identity) {
            // A stranger would be called back on the number that the stranger gave.
            slots.remove(&Slot::Phone);
            slots.remove(&Slot::Mail);
        }
        let customer = customer_of(ticket);
        let mut found = match customer {
            // Nobody knows whose it is: it is shown what everybody may see.
            "" => Vec::new(),
            _ => self.similar(ticket, embedding, Whose::Only(customer), OWN)?,
        };
        found.extend(self.similar(ticket, embedding, Whose::Others(customer), OTHERS)?);
        lap("retrieve");
        let (language, phrases) = self.voice.phrases(&language_of(ticket, &input.text()));
        let identity = decision.rules.iter().any(|r| r.verify_identity).then_some(phrases.identity.as_str());
        let pool = Pool::new(&found, decision, (customer, language), &slots, self.index.usual());
        let agreed = consensus(&pool.replies);
        lap("choose");
        let mut draft = Draft {
            text: String::new(),
            language: language.to_owned(),
            origin: Origin::Retrieved,
            sources: Vec::new(),
            confidence: Confidence::new(0.0),
            basis: Basis::Prior,
            verify_identity: identity.is_some(),
            verdicts: Vec::new(),
            rejected: Vec::new(),
            timings_ms: BTreeMap::new(),
        };
        let greeting = phrases.greet(&slots);
        let usual = self.index.usual().opening(language).filter(|o| masker.find_all(o).is_empty());
        let opening = usual.unwrap_or(&phrases.opening);
        let write = |content: &[&str]| {
            let line = [opening].into_iter().chain(identity).chain(content.iter().copied());
            let line = line.collect::<Vec<_>>().join(" ");
            let parts = [greeting.as_str(), &line, self.voice.signature.as_str()];
            parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n\n")
        };
        let said: Vec<&str> =
            agreed.chosen.iter().map(|&(r, s)| pool.replies[r].sentences[s].as_str()).collect();
        let unknown = [phrases.acknowledgement.as_str(), phrases.question.as_str()];
        // Where technicians say nothing of the matter at first, neither does the draft.
        let nothing = agreed.chosen.is_empty() && agreed.expected >= WORTH;
        let lesser = if nothing { &unknown[..1] } else { &unknown[..] };
        let own = [opening, phrases.acknowledgement.as_str(), phrases.question.as_str()];
        // Of several templates the one that past replies speak for most.
        let template = self
            .templates
            .fitting(decision, language)
            .into_iter()
            .filter_map(|t| {
                Some((t, t.sentences.iter().map(|s| fill(s, &slots)).collect::<Option<Vec<String>>>()?))
            })
            .map(|(t, filled)| (agreement(&filled, &pool.replies), t, filled))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let of_template: Vec<&str> =
            template.iter().flat_map(|(_, _, filled)| filled).map(String::as_str).collect();
        let attempts = [
            (Origin::Template, of_template, template.is_some()),
            (Origin::Retrieved, said.clone(), agreed.expected >= WORTH && !said.is_empty()),
            (Origin::Acknowledgement, lesser.to_vec(), true),
        ];
        for (origin, content, worth) in attempts {
            if !worth {
                continue;
            }
            let text = write(&content);
            let grounds = Grounds {
                ticket,
                sentences: content.iter().copied().chain(own).chain(identity).collect(),
                slots: &slots,
                language,
                identity,
                signature: &self.voice.signature,
            };
            let verdicts = guard(&text, &grounds, masker);
            let failed: Vec<Verdict> = verdicts.iter().filter(|v| !v.passed).cloned().collect();
            if !failed.is_empty() {
                draft.rejected.push(Rejected { origin, because: failed });
                if origin != Origin::Acknowledgement {
                    continue;
                }
            }
            (draft.text, draft.origin, draft.verdicts) = (text, origin, verdicts);
            break;
        }
        lap("guard");
        if let (Origin::Template, Some((same, template, filled))) = (draft.origin, template) {
            draft.sources = vec![Source { id: template.id.clone(), sentences: filled }];
            draft.confidence = Confidence::new(CAUTION * f64::from(same));
        } else if draft.origin == Origin::Retrieved || nothing {
            draft.sources = pool.sources(&agreed.chosen);
            draft.confidence = Confidence::new(CAUTION * f64::from(agreed.same));
        }
        draft.timings_ms = timings;
        // Not even the voice's own phrases passed: a person writes.
        Ok(draft.verdicts.iter().all(|v| v.passed).then_some(draft))
    }
}

/// Cases with what shared words add to their cosine, best first: words that all cases have tell nothing.
fn lexically(text: &str, cases: Vec<(Near, Case)>) -> Vec<Similar> {
    let of = |text: &str| words(text).map(|(_, word)| word).collect::<BTreeSet<String>>();
    let wanted = of(text);
    let theirs: Vec<BTreeSet<String>> = cases.iter().map(|(_, case)| of(&case.problem)).collect();
    let weight: BTreeMap<&String, f32> = wanted
        .iter()
        .map(|word| {
            let n = theirs.iter().filter(|words| words.contains(word)).count();
            (word, ((1 + theirs.len()) as f32 / (1 + n) as f32).ln())
        })
        .collect();
    // A word that no case has can't tell them apart.
    let told = |word: &&String| theirs.iter().any(|words| words.contains(*word));
    let all: f32 = wanted.iter().filter(told).map(|word| weight[word]).sum();
    let mut similar: Vec<Similar> = cases
        .into_iter()
        .zip(&theirs)
        .map(|((near, case), words)| {
            let shared: f32 = wanted.intersection(words).map(|word| weight[word]).sum();
            let score = near.cosine + LEXICAL * if all > 0.0 { shared / all } else { 0.0 };
            Similar { case, cosine: near.cosine, score }
        })
        .collect();
    similar.sort_by(|a, b| b.score.total_cmp(&a.score));
    similar
}

/// Past replies with their say.
struct Pool<'a> {
    cases: Vec<&'a Case>,
    replies: Vec<PastReply>,
}

impl<'a> Pool<'a> {
    fn new(
        found: &'a [Similar],
        decision: &Decision,
        (customer, language): (&str, &str),
        slots: &HashMap<Slot, String>,
        usual: &Usual,
    ) -> Self {
        let mut pool: Vec<(&Case, PastReply)> = Vec::new();
        let near = found.iter().filter(|s| {
            let same = s.case.language.is_empty() || s.case.language == language;
            s.cosine >= FAR && same && !s.case.reply.is_empty()
        });
        for Similar { case, score, .. } in near {
            let own = !customer.is_empty() && case.customer == customer;
            let mut weight = ((score - 1.0) / TEMPERATURE).exp() * if own { OWN_SAY } else { 1.0 };
            for (field, label) in [Field::Board, Field::Type, Field::Subtype].iter().zip(&case.category) {
                let (Some(decided), Some(label)) = (decision.fields.get(field), label) else { continue };
                let sure = decided.confidence.get() as f32;
                let others = decided.alternatives.iter().find(|c| c.label == *label);
                weight *= match decided.label == *label {
                    true => sure,
                    false => others.map_or((1.0 - sure) / 4.0, |c| c.confidence.get() as f32).max(0.01),
                };
            }
            let of_the_matter: Vec<&Said> = case.reply.iter().filter(|said| !usual.has(&said.text)).collect();
            let sentences: Vec<Option<String>> = of_the_matter
                .iter()
                .map(|said| {
                    let may = said.reach == Reach::Everybody || (own && said.reach == Reach::Customer);
                    fill(&said.text, slots).filter(|_| may)
                })
                .collect();
            let reply = PastReply {
                usable: sentences.iter().map(Option::is_some).collect(),
                sentences: sentences
                    .into_iter()
                    .zip(&case.reply)
                    .map(|(s, said)| s.unwrap_or(said.text.clone()))
                    .collect(),
                weight,
            };
            pool.push((case, reply));
        }
        pool.sort_by(|a, b| b.1.weight.total_cmp(&a.1.weight));
        pool.truncate(POOL);
        let (cases, mut replies): (Vec<&Case>, Vec<PastReply>) = pool.into_iter().unzip();
        let most = replies.iter().map(|r| r.weight).fold(f32::MIN_POSITIVE, f32::max);
        let total: f32 = replies.iter().map(|r| r.weight).sum::<f32>() + DOUBT * most.min(1.0);
        replies.iter_mut().for_each(|r| r.weight /= total.max(f32::MIN_POSITIVE));
        Self { cases, replies }
    }

    fn sources(&self, chosen: &[(usize, usize)]) -> Vec<Source> {
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
