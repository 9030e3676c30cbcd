//! The first response: similar resolved tickets are found, what their replies agree on is taken, greeted, signed and guarded;
//! what does not pass gives way to a lesser draft, down to an acknowledgement.
//!
//! Must never say what neither a technician nor the voice has said, and never show one customer what another wrote.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use firstline_ticket::{Basis, Confidence, Decision, Draft, Field, Origin, Rejected, Result, Source, Ticket};

use crate::consensus::{PastReply, agreement, consensus};
use crate::guard::{Grounds, guard, names_secret, promise};
use crate::index::{Case, Index, Said, Similar, Whose, language_of};
use crate::mask::{customer_key, customer_of};
use crate::reply::{Reach, Slot, fill, slots};
use crate::template::{Template, Templates};
use crate::usual::Usual;
use crate::voice::Voice;
use crate::{Engine, compose};

/// Cases of the ticket's own customer, and of others, that are looked at.
const OWN: usize = 24;
const OTHERS: usize = 48;
/// Of them, those of most say, whose replies are compared with one another.
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
/// An answer is expected to have at least this much of the right one.
const WORTH: f32 = 0.35;
/// An approved template is taken even where so much more speaks for what past replies agree on.
const LEAD: f32 = 0.1;
/// Sentences of a past reply that are compared.
const SENTENCES: usize = 12;
/// A prior confidence is this share of what the sources suggest.
const CAUTION: f64 = 0.8;

/// What makes drafts: an engine, its cases, a voice.
pub struct Drafter<'a> {
    engine: &'a Engine,
    index: &'a Index,
    voice: &'a Voice,
    templates: &'a Templates,
    clock: Option<&'a dyn Fn() -> Duration>,
}

impl fmt::Debug for Drafter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drafter").field("cases", &self.index.len()).finish_non_exhaustive()
    }
}

impl<'a> Drafter<'a> {
    /// Of `engine`, with the cases of `index` and the approved ones of `templates`, in `voice`.
    pub fn new(engine: &'a Engine, index: &'a Index, voice: &'a Voice, templates: &'a Templates) -> Self {
        Self { engine, index, voice, templates, clock: None }
    }

    /// The same, with what each stage took in its drafts, by `clock`: the time since any moment.
    pub fn timed(self, clock: &'a dyn Fn() -> Duration) -> Self {
        Self { clock: Some(clock), ..self }
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
        let start = self.now();
        let features = self.engine.features(tickets)?;
        let embedded = self.now();
        let decisions = self.engine.decide_features(tickets, &features, top)?;
        let each = |ms: f64| ms / tickets.len().max(1) as f64;
        let (embed, decide) = (each(embedded - start), each(self.now() - embedded));
        let d = features.embeddings.len() / tickets.len().max(1);
        let mut drafts = Vec::with_capacity(tickets.len());
        for (i, (ticket, decision)) in tickets.iter().zip(decisions).enumerate() {
            let mut draft = self.one(ticket, &decision, &features.embeddings[i * d..(i + 1) * d])?;
            if let Some(draft) = draft.as_mut().filter(|_| self.clock.is_some()) {
                draft.timings_ms.extend([("embed".to_owned(), embed), ("decide".to_owned(), decide)]);
            }
            drafts.push((decision, draft));
        }
        Ok(drafts)
    }

    fn one(&self, ticket: &Ticket, decision: &Decision, embedding: &[f32]) -> Result<Option<Draft>> {
        let input = compose(ticket);
        if input.is_alert || is_machine(ticket) {
            return Ok(None);
        }
        let mut timings = BTreeMap::new();
        let mut last = self.now();
        let mut lap = |stage: &str| {
            let now = self.now();
            timings.insert(stage.to_owned(), now - last);
            last = now;
        };
        let masker = self.index.masker();
        let slots = slots(ticket, masker);
        let customer = customer_of(ticket);
        let mut found = match customer.as_str() {
            // Nobody knows whose it is: it is shown what everybody may see.
            "" if masker.has_customers() => Vec::new(),
            _ => self.index.similar(ticket, embedding, Whose::Only(&customer), OWN)?,
        };
        found.extend(self.index.similar(ticket, embedding, Whose::Others(&customer), OTHERS)?);
        lap("retrieve");
        let (language, phrases) = self.voice.phrases(&language_of(ticket, &input.text()));
        let whose = (!customer.is_empty() || !masker.has_customers()).then_some(customer.as_str());
        let pool = Pool::new(&found, decision, (whose, language), &slots, self.index.usual());
        let agreed = consensus(&pool.replies);
        let template = self.template(decision, language, &slots, &pool);
        lap("choose");
        let usual = self
            .index
            .usual()
            .opening(language)
            .filter(|o| masker.find_all(o).is_empty() && promise(o).is_none() && !names_secret(o));
        let opening = usual.unwrap_or(&phrases.opening);
        let wanted = decision.rules.iter().any(|r| r.verify_identity);
        // Where technicians say nothing of the matter at first, neither does the draft.
        let nothing = agreed.chosen.is_empty() && agreed.expected >= WORTH;
        let mut attempts = Vec::new();
        if let Some((same, template, filled)) =
            template.filter(|(same, ..)| agreed.chosen.is_empty() || same + LEAD >= agreed.same)
        {
            let sources = vec![Source { id: template.id.clone(), sentences: filled.clone() }];
            attempts.push((Origin::Template, filled, sources, same));
        }
        if !agreed.chosen.is_empty() && agreed.expected >= WORTH {
            let said = agreed.chosen.iter().map(|&(r, s)| pool.replies[r].sentences[s].clone()).collect();
            attempts.push((Origin::Retrieved, said, pool.sources(&agreed.chosen), agreed.same));
        }
        let lesser =
            [&phrases.acknowledgement, &phrases.question].into_iter().take(if nothing { 1 } else { 2 });
        let same = if nothing { agreed.same } else { 0.0 };
        attempts.push((Origin::Acknowledgement, lesser.cloned().collect(), Vec::new(), same));
        let mut rejected = Vec::new();
        let mut made = None;
        for (origin, content, sources, same) in attempts {
            let identity =
                (wanted || content.iter().any(|s| names_secret(s))).then_some(phrases.identity.as_str());
            let said = [opening].into_iter().chain(identity).chain(content.iter().map(String::as_str));
            let parts =
                [phrases.greet(&slots), said.collect::<Vec<_>>().join(" "), self.voice.signature.clone()];
            let text = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n\n");
            let own = [opening, &phrases.acknowledgement, &phrases.question, &phrases.identity];
            let sentences = if origin == Origin::Acknowledgement { &[] } else { content.as_slice() };
            let grounds = Grounds {
                sentences: sentences.iter().map(String::as_str).collect(),
                phrases: own.to_vec(),
                slots: &slots,
                language,
                identity,
                signature: &self.voice.signature,
            };
            let verdicts = guard(&text, &grounds, masker);
            if verdicts.iter().any(|v| !v.passed) {
                let because = verdicts.into_iter().filter(|v| !v.passed).collect();
                rejected.push(Rejected { origin, because });
                continue;
            }
            made = Some(Draft {
                text,
                language: language.to_owned(),
                origin,
                sources,
                confidence: Confidence::new(CAUTION * f64::from(same)),
                basis: Basis::Prior,
                verify_identity: identity.is_some(),
                verdicts,
                rejected: std::mem::take(&mut rejected),
                timings_ms: BTreeMap::new(),
            });
            break;
        }
        lap("guard");
        // Where not even the voice's own phrases pass, a person writes.
        Ok(made.map(|draft| Draft {
            timings_ms: if self.clock.is_some() { timings } else { BTreeMap::new() },
            ..draft
        }))
    }

    /// Of the templates that fit and can be filled, the one that past replies speak for most, and how much they do.
    fn template(
        &self,
        decision: &Decision,
        language: &str,
        slots: &HashMap<Slot, String>,
        pool: &Pool<'_>,
    ) -> Option<(f32, &'a Template, Vec<String>)> {
        let filled = self.templates.fitting(decision, language).into_iter().filter_map(|template| {
            let filled: Option<Vec<String>> = template.sentences.iter().map(|s| fill(s, slots)).collect();
            filled.map(|filled| (agreement(&filled, &pool.replies), template, filled))
        });
        filled.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Milliseconds by the caller's clock; 0 without one.
    fn now(&self) -> f64 {
        self.clock.map_or(0.0, |clock| clock().as_secs_f64() * 1e3)
    }
}

/// Whether a machine opened the ticket, by what the PSA calls its source.
fn is_machine(ticket: &Ticket) -> bool {
    let source = ticket.source.as_deref().unwrap_or_default().to_lowercase();
    ticket.contact.is_none() && ["monitor", "rmm", "alert"].iter().any(|word| source.contains(word))
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
        (customer, language): (Option<&str>, &str),
        slots: &HashMap<Slot, String>,
        usual: &Usual,
    ) -> Self {
        let mut pool: Vec<(&Case, PastReply)> = Vec::new();
        let near = found.iter().filter(|s| {
            let same = s.case.language.is_empty() || s.case.language == language;
            s.cosine >= FAR && same && !s.case.reply.is_empty()
        });
        for Similar { case, score, .. } in near {
            let own = customer.is_some_and(|c| customer_key(&case.customer) == c);
            let mut weight = ((score - 1.0) / TEMPERATURE).exp().min(1.0) * if own { OWN_SAY } else { 1.0 };
            for (field, label) in [Field::Board, Field::Type, Field::Subtype].iter().zip(&case.category) {
                let (Some(decided), Some(label)) = (decision.fields.get(field), label) else { continue };
                let sure = decided.confidence.get() as f32;
                let others = decided.alternatives.iter().find(|c| c.label == *label);
                weight *= match decided.label == *label {
                    true => sure,
                    false => others.map_or((1.0 - sure) / 4.0, |c| c.confidence.get() as f32).max(0.01),
                };
            }
            let of_the_matter: Vec<&Said> =
                case.reply.iter().filter(|said| !usual.has(&said.text)).take(SENTENCES).collect();
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
                    .zip(&of_the_matter)
                    .map(|(s, said)| s.unwrap_or_else(|| said.text.clone()))
                    .collect(),
                weight,
            };
            pool.push((case, reply));
        }
        pool.sort_by(|a, b| b.1.weight.total_cmp(&a.1.weight));
        pool.truncate(POOL);
        let (cases, mut replies): (Vec<&Case>, Vec<PastReply>) = pool.into_iter().unzip();
        // However much they agree, cases that are far away say little of this ticket.
        let best = found.iter().map(|s| s.score).fold(FAR, f32::max);
        let near = ((best - FAR) / (NEAR - FAR)).min(1.0);
        let total: f32 = replies.iter().map(|r| r.weight).sum();
        let share = near / (total + DOUBT * replies.first().map_or(1.0, |r| r.weight)).max(f32::MIN_POSITIVE);
        replies.iter_mut().for_each(|r| r.weight *= share);
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

#[cfg(test)]
mod tests {
    use firstline_ticket::FieldDecision;

    use super::*;

    fn similar(id: &str, customer: &str, score: f32, reply: &[(&str, Reach)]) -> Similar {
        let reply =
            reply.iter().map(|(text, reach)| Said { text: (*text).to_owned(), reach: *reach }).collect();
        let category = [Some("Desk".to_owned()), None, None];
        let case = Case { id: id.into(), customer: customer.into(), category, reply, ..Case::default() };
        Similar { case, cosine: score, score }
    }

    fn usual() -> Usual {
        serde_json::from_str(r#"{"sentences": ["thanks."], "openings": {}}"#).unwrap()
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
        let pool = Pool::new(&found, &Decision::default(), (Some("alder"), "en"), &slots, &usual());
        assert_eq!(pool.replies[0].sentences, ["It is X-1.", "Restart TAM-PC1.", "Open zebrafish."]);
        assert_eq!(pool.replies[0].usable, [false, true, true]);
        assert_eq!(pool.replies[1].usable, [false, true, false]);
        assert!(pool.replies[0].weight > pool.replies[1].weight);
        let pool = Pool::new(&found, &Decision::default(), (None, "en"), &HashMap::new(), &usual());
        assert_eq!(pool.replies[0].usable, [false, false, false]);
    }

    #[test]
    fn cases_far_away_or_of_another_category_have_little_say() {
        let reply = [("Restart it.", Reach::Everybody)];
        let weight = |score: f32, decision: &Decision| {
            let found = [similar("a", "Alder", score, &reply)];
            Pool::new(&found, decision, (None, "en"), &HashMap::new(), &usual()).replies[0].weight
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
            let pool = Pool::new(&found, d, (None, "en"), &HashMap::new(), &usual());
            (pool.cases[0].id.clone(), pool.replies[0].weight / pool.replies[1].weight)
        };
        assert!(matches!(first(&decided("Desk")), (id, ratio) if id == "a" && ratio > 5.0));
        assert!(matches!(first(&decided("Other")), (id, ratio) if id == "b" && ratio > 5.0));
    }
}
