//! The first response: similar resolved tickets are found, what their replies agree on is taken, greeted, signed and guarded;
//! what does not pass gives way to a lesser draft, down to an acknowledgement.
//!
//! Must never say what neither a technician nor the voice has said, and never show one customer what another wrote.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Duration;

use firstline_fault::Result;
use firstline_nn::Message;
use firstline_ticket::{
    Basis, CheckResult, Confidence, Decision, Draft, Field, Origin, Rejected, Source, Ticket, customer_key,
};
use regex::Regex;

use crate::consensus::{
    Consensus, PastReply, SHARED_WORDS, agreement, agreement_of_others, consensus, word_f1,
};
use crate::guard::{Grounds, claim, guard, names_secret, promise};
use crate::index::{Case, Index, Said, Similar, Whose, language_of};
use crate::mask::Masker;
use crate::reply::{Reach, Slot, fill, first_reply, sentences, slots};
use crate::reviews::Reviews;
use crate::template::{Template, Templates};
use crate::usual::Usual;
use crate::voice::{Phrases, Voice};
use crate::writer::{MOST_SENTENCES, Writer, prompt};
use firstline_triage::{Bundle, Engine, compose, is_machine};

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
/// Replies that are compared as a whole.
const WHOLE: usize = 12;
/// Sentences of a past reply that are compared.
const SENTENCES: usize = 12;

/// What makes drafts: an engine, its cases, a voice.
#[derive(Clone)]
pub struct Drafter<'a> {
    engine: &'a Engine,
    index: &'a Index,
    voice: &'a Voice,
    templates: &'a Templates,
    clock: Option<&'a dyn Fn() -> Duration>,
    reviews: Option<&'a Reviews>,
    writer: Option<(&'a Writer, &'a dyn Fn() -> ControlFlow<()>)>,
}

/// What a model can learn from a ticket that a technician has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// What the model is asked.
    pub prompt: Vec<Message>,
    /// What the technician said of the matter.
    pub answer: String,
}

impl fmt::Debug for Drafter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drafter").field("cases", &self.index.len()).finish_non_exhaustive()
    }
}

impl<'a> Drafter<'a> {
    /// Of `engine`, with the cases of `index` and the approved ones of `templates`, in `voice`.
    pub fn new(engine: &'a Engine, index: &'a Index, voice: &'a Voice, templates: &'a Templates) -> Self {
        Self { engine, index, voice, templates, clock: None, reviews: None, writer: None }
    }

    /// The same, with what each stage took in its drafts, by `clock`: the time since any moment.
    pub fn timed(self, clock: &'a dyn Fn() -> Duration) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// The same, with confidences by what people did with drafts before.
    pub fn trusting(self, reviews: &'a Reviews) -> Self {
        Self { reviews: Some(reviews), ..self }
    }

    /// The same, with drafts written by `writer`, for as long as `go_on` does not say `Break`: a draft that is not ready by
    /// then, and those after it, are made of past sentences as they are.
    pub fn written_by(self, writer: &'a Writer, go_on: &'a dyn Fn() -> ControlFlow<()>) -> Self {
        Self { writer: Some((writer, go_on)), ..self }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.engine
    }

    /// The cases.
    pub fn index(&self) -> &Index {
        self.index
    }

    /// The templates.
    pub fn templates(&self) -> &Templates {
        self.templates
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
        let decisions = self.engine.decide_features(tickets, &features, &[], top)?;
        let each = |ms: f64| ms / tickets.len().max(1) as f64;
        let spent = [("embed", each(embedded - start)), ("decide", each(self.now() - embedded))];
        let d = features.embeddings.len() / tickets.len().max(1);
        let mut drafts = Vec::with_capacity(tickets.len());
        for (i, (ticket, decision)) in tickets.iter().zip(decisions).enumerate() {
            let draft = self.one(ticket, &decision, &features.embeddings[i * d..(i + 1) * d], &spent)?;
            drafts.push((decision, draft));
        }
        Ok(drafts)
    }

    /// Drafts a first response to a ticket that was decided before; none to what no person wrote.
    ///
    /// # Errors
    /// As for [`Self::draft`].
    pub fn draft_decided(&self, ticket: &Ticket, decision: &Decision) -> Result<Option<Draft>> {
        let start = self.now();
        let features = self.engine.features(std::slice::from_ref(ticket))?;
        self.one(ticket, decision, &features.embeddings, &[("embed", self.now() - start)])
    }

    /// What the local model can learn from `tickets` and what technicians sent in answer to them; `None` where nothing can be
    /// learnt: nobody answered, nothing like it is in the index, or the answer says what no sentence found does. Nothing of
    /// a customer's own is in a lesson's answer.
    ///
    /// # Errors
    /// As for [`Self::draft`].
    pub fn lessons(&self, tickets: &[Ticket]) -> Result<Vec<Option<Lesson>>> {
        let features = self.engine.features(tickets)?;
        let decisions = self.engine.decide_features(tickets, &features, &[], 1)?;
        let d = features.embeddings.len() / tickets.len().max(1);
        let lesson = |(i, (ticket, decision)): (usize, (&Ticket, &Decision))| {
            let Some(reply) = first_reply(ticket) else { return Ok(None) };
            let found = self.found(ticket, &features.embeddings[i * d..(i + 1) * d])?;
            // Nothing that this ticket alone has is filled in: weights keep what they learn.
            let matter = self.matter(ticket, decision, &found, (None, HashMap::new()));
            let Some(past) = self.past(&matter)? else { return Ok(None) };
            let steps = matter.pool.texts(&matter.pool.steps(&past.chosen));
            let sent = sentences(reply, ticket, self.index.endings());
            let sent: Vec<&String> = sent.iter().filter(|s| !self.index.usual().has(s)).collect();
            let same = |s: &String| steps.iter().find(|step| word_f1(s, step) >= SHARED_WORDS).copied();
            let answer: Option<Vec<&str>> = sent.into_iter().map(same).collect();
            let answer = answer.map(|steps| steps.join(" ")).filter(|answer| !answer.is_empty());
            let prompt = prompt(&matter.text, matter.language, self.voice.told(&matter.customer), &steps);
            Ok(answer.map(|answer| Lesson { prompt, answer }))
        };
        tickets.iter().zip(&decisions).enumerate().map(lesson).collect()
    }

    /// The cases that may be looked at for `ticket`: never its own.
    fn found(&self, ticket: &Ticket, embedding: &[f32]) -> Result<Vec<Similar>> {
        let customer = ticket.customer_key();
        let mut found = match customer.as_str() {
            // Nobody knows whose it is: it is shown what everybody may see.
            "" if self.index.masker().has_customers() => Vec::new(),
            _ => self.index.similar(ticket, embedding, Whose::Only(&customer), OWN)?,
        };
        found.extend(self.index.similar(ticket, embedding, Whose::Others(&customer), OTHERS)?);
        let hash = Bundle::ticket_hash(ticket);
        found.retain(|Similar { case, .. }| case.hash != hash || customer_key(&case.customer) != customer);
        Ok(found)
    }

    /// What is known of the matter of `ticket` by the cases that were `found`, as far as `whose` may see it.
    fn matter<'f>(
        &self,
        ticket: &Ticket,
        decision: &Decision,
        found: &'f [Similar],
        (whose, slots): (Option<&str>, HashMap<Slot, String>),
    ) -> Matter<'f>
    where
        'a: 'f,
    {
        let text = compose(ticket).text();
        let (language, phrases) = self.voice.phrases(&language_of(ticket, &text));
        let pool = Pool::new(
            found,
            decision,
            (whose, language),
            &slots,
            (&text, self.index.masker(), self.index.usual()),
        );
        let agreed = consensus(&pool.replies);
        Matter { text, customer: ticket.customer_key(), slots, language, phrases, pool, agreed }
    }

    /// The draft of a ticket; `spent` are milliseconds that went into it before.
    fn one(
        &self,
        ticket: &Ticket,
        decision: &Decision,
        embedding: &[f32],
        spent: &[(&str, f64)],
    ) -> Result<Option<Draft>> {
        if compose(ticket).is_alert || is_machine(ticket) {
            return Ok(None);
        }
        let mut timings: BTreeMap<String, f64> =
            spent.iter().map(|(stage, ms)| ((*stage).to_owned(), *ms)).collect();
        let mut last = self.now();
        let mut lap = |stage: &str| {
            let now = self.now();
            *timings.entry(stage.to_owned()).or_default() += now - last;
            last = now;
        };
        let masker = self.index.masker();
        let found = self.found(ticket, embedding)?;
        lap("retrieve");
        let customer = ticket.customer_key();
        let whose = (!customer.is_empty() || !masker.has_customers()).then_some(customer.as_str());
        let slots = slots(ticket, masker);
        let matter = self.matter(ticket, decision, &found, (whose, slots));
        let Matter { slots, language, phrases, pool, .. } = &matter;
        let template = self.template(decision, language, slots, pool);
        lap("choose");
        let usual = self.index.usual().opening(language).filter(|o| {
            masker.find_all(o).is_empty() && promise(o).is_none() && claim(o).is_none() && !names_secret(o)
        });
        let opening = usual.unwrap_or(&phrases.opening);
        let closing = self.voice.closing(&customer);
        // In whatever language it is asked for, what is decided to be about a credential is.
        let about = |field: &Field| decision.fields.get(field).is_some_and(|d| names_secret(&d.label));
        let wanted = decision.rules.iter().any(|r| r.verify_identity)
            || [Field::Type, Field::Subtype].iter().any(about);
        let mut rejected = Vec::new();
        let (mut made, mut past) = (None, None);
        for origin in [Origin::Template, Origin::Generated, Origin::Retrieved, Origin::Acknowledgement] {
            let attempt = match origin {
                Origin::Template => template.as_ref().and_then(|t| matter.filled(t)),
                Origin::Generated => {
                    past = self.past(&matter)?;
                    lap("choose");
                    match past.as_ref().map_or(Ok(Ok(None)), |past| self.generated(&matter, past))? {
                        Ok(attempt) => attempt,
                        Err(because) => {
                            rejected.push(Rejected { origin, because: vec![because] });
                            None
                        }
                    }
                }
                Origin::Retrieved => past.take(),
                Origin::Acknowledgement => Some(matter.acknowledged()),
            };
            if origin == Origin::Generated && self.writer.is_some() {
                lap("write");
            }
            let Some(Attempt { content, sources, same, .. }) = attempt else { continue };
            let identity =
                (wanted || content.iter().any(|s| names_secret(s))).then_some(phrases.identity.as_str());
            let said = [opening].into_iter().chain(identity).chain(content.iter().map(String::as_str));
            let said = said.chain((!closing.is_empty()).then_some(closing));
            let parts = [phrases.greet(slots), joined(said), self.voice.signature.clone()];
            let text = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n\n");
            let own = [opening, &phrases.acknowledgement, &phrases.question, &phrases.identity, closing];
            let grounds = Grounds {
                sentences: sources.iter().flat_map(|s| &s.sentences).map(String::as_str).collect(),
                phrases: own.to_vec(),
                slots,
                things: masker.things(&matter.text),
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
            let prior = Confidence::new(f64::from(same));
            let (confidence, basis) =
                self.reviews.map_or((prior, Basis::Prior), |r| r.confidence(origin, prior));
            made = Some(Draft {
                text,
                language: (*language).to_owned(),
                origin,
                sources,
                confidence,
                basis,
                prior,
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
        let decided = |field| decision.fields.get(&field).map(|d| d.label.as_str());
        let filled = self.templates.fitting(decided, language).into_iter().filter_map(|template| {
            let filled: Option<Vec<String>> = template.sentences.iter().map(|s| fill(s, slots)).collect();
            filled.map(|filled| (agreement(&filled, &pool.replies), template, filled))
        });
        filled.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// What past replies say, as it stands in them.
    fn past(&self, matter: &Matter<'_>) -> Result<Option<Attempt>> {
        matter.retrieved().map_or_else(|| self.whole(matter), |attempt| Ok(Some(attempt)))
    }

    /// What the model makes of the sentences that were found, those of `past` first; or why nothing, where it was to.
    fn generated(
        &self,
        matter: &Matter<'_>,
        past: &Attempt,
    ) -> Result<std::result::Result<Option<Attempt>, CheckResult>> {
        let Some((writer, go_on)) = self.writer else { return Ok(Ok(None)) };
        let steps = matter.pool.steps(&past.chosen);
        let (texts, told) = (matter.pool.texts(&steps), self.voice.told(&matter.customer));
        let chosen = match writer.choose(&matter.text, matter.language, told, &texts, &mut || go_on())? {
            Ok(chosen) => chosen,
            Err(why) => {
                return Ok(Err(CheckResult {
                    check: "language model".into(),
                    passed: false,
                    found: why.into(),
                }));
            }
        };
        let attempt = matter.of_past(chosen.into_iter().map(|step| steps[step]).collect());
        // As for a template: not if past replies speak for something else.
        Ok(Ok(Some(attempt).filter(|attempt| attempt.same + LEAD >= past.same)))
    }

    /// Where replies are worded anew each time, so that no sentences are agreed on: the one reply that is most like all of
    /// them, in words and meaning, less what may not be shown of it.
    fn whole(&self, matter: &Matter<'_>) -> Result<Option<Attempt>> {
        if matter.is_silent() {
            return Ok(None);
        }
        let pool = &matter.pool;
        let said = (0..pool.replies.len()).filter(|&r| !pool.replies[r].sentences.is_empty());
        // Each with its sentences that may be used.
        let replies: Vec<(usize, Vec<(usize, usize)>)> =
            said.take(WHOLE).map(|r| (r, pool.usable(r).collect())).collect();
        let texts: Vec<[String; 2]> = replies
            .iter()
            .map(|(r, usable)| [pool.texts(usable).join(" "), pool.replies[*r].sentences.join(" ")])
            .collect();
        let embeddings = self.engine.embed(texts.as_flattened())?;
        let d = embeddings.len() / (2 * texts.len()).max(1);
        let vector = |i: usize| &embeddings[i * d..(i + 1) * d];
        let cosine = |a: usize, b: usize| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
        // Flatter than elsewhere: no single one of them is likely to be said again.
        let weights: Vec<f32> = replies.iter().map(|(r, _)| pool.replies[*r].weight.sqrt()).collect();
        let total = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        // That one of them is right at all.
        let any: f32 = pool.replies.iter().map(|r| r.weight).sum();
        let expected = |c: usize| -> f32 {
            let like = |o: usize| (cosine(2 * c, 2 * o + 1) + word_f1(&texts[c][0], &texts[o][1])) / 2.0;
            any * weights.iter().enumerate().map(|(o, weight)| weight * like(o)).sum::<f32>() / total
        };
        let sound = |c: &usize| 2 * replies[*c].1.len() > pool.replies[replies[*c].0].sentences.len();
        let best =
            (0..replies.len()).filter(sound).map(|c| (expected(c), c)).max_by(|a, b| a.0.total_cmp(&b.0));
        let best = best.filter(|(expected, _)| *expected >= WORTH);
        Ok(best.map(|(_, c)| matter.of_past(replies[c].1.clone())))
    }

    /// Milliseconds by the caller's clock; 0 without one.
    fn now(&self) -> f64 {
        self.clock.map_or(0.0, |clock| clock().as_secs_f64() * 1e3)
    }
}

/// What is known of a ticket's matter before anything is written.
struct Matter<'f> {
    text: String,
    customer: String,
    slots: HashMap<Slot, String>,
    language: &'f str,
    phrases: &'f Phrases,
    pool: Pool<'f>,
    agreed: Consensus,
}

/// What a draft is to say of the matter.
struct Attempt {
    content: Vec<String>,
    sources: Vec<Source>,
    /// The sentences of the pool that it consists of.
    chosen: Vec<(usize, usize)>,
    /// The share of the past replies, by weight, that say the same, but for one that it is taken from: a prior on the low
    /// side of its being sent unchanged.
    same: f32,
}

impl Matter<'_> {
    /// Whether past replies agree on something.
    fn has_answer(&self) -> bool {
        self.agreed.firm && !self.agreed.chosen.is_empty() && self.agreed.expected >= WORTH
    }

    /// A template, unless past replies agree on something else.
    fn filled(&self, (same, template, filled): &(f32, &Template, Vec<String>)) -> Option<Attempt> {
        let sources = vec![Source { id: template.id.clone(), sentences: filled.clone() }];
        let agreed = self.of_past(self.agreed.chosen.clone());
        (agreed.chosen.is_empty() || same + LEAD >= agreed.same).then(|| Attempt {
            content: filled.clone(),
            sources,
            chosen: Vec::new(),
            same: *same,
        })
    }

    /// What past replies agree on, as it stands in them.
    fn retrieved(&self) -> Option<Attempt> {
        self.has_answer().then(|| self.of_past(self.agreed.chosen.clone()))
    }

    /// A draft of these sentences of past replies.
    fn of_past(&self, chosen: Vec<(usize, usize)>) -> Attempt {
        let content: Vec<String> = self.pool.texts(&chosen).into_iter().map(str::to_owned).collect();
        let same = agreement_of_others(&content, &self.pool.replies);
        Attempt { content, sources: self.pool.sources(&chosen), chosen, same }
    }

    /// Whether technicians say nothing of such a matter at first.
    fn is_silent(&self) -> bool {
        self.agreed.chosen.is_empty() && self.agreed.expected >= WORTH
    }

    /// That the ticket was received, and a question, but for where technicians say nothing of the matter at first.
    fn acknowledged(&self) -> Attempt {
        let nothing = self.is_silent();
        let content = [&self.phrases.acknowledgement, &self.phrases.question].into_iter().take(if nothing {
            1
        } else {
            2
        });
        Attempt {
            content: content.cloned().collect(),
            sources: Vec::new(),
            chosen: Vec::new(),
            same: if nothing { agreement_of_others(&[], &self.pool.replies) } else { 0.0 },
        }
    }
}

/// Sentences as a text: a line of its own for what is a step of a list, and behind what has no end of its own.
fn joined<'s>(sentences: impl Iterator<Item = &'s str>) -> String {
    let mut text = String::new();
    for sentence in sentences.filter(|s| !s.is_empty()) {
        let digits = sentence.len() - sentence.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let step = sentence.starts_with(['-', '*', '•'])
            || (digits > 0 && sentence[digits..].starts_with(['.', ')']));
        if !text.is_empty() {
            text.push(if step || !text.ends_with(['.', '!', '?', ',', '…', '"', ')']) {
                '\n'
            } else {
                ' '
            });
        }
        text += sentence;
    }
    text
}

/// Whether a sentence goes on with the one before it.
fn leans(sentence: &str) -> bool {
    static LEANS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*(?:then|after (?:that|this)|afterwards|next|it|this|that|these|those|they|and|also|otherwise|if (?:that|this|it|not)|dann|danach|anschließend|dies(?:e[srmn]?)?|das|sonst|falls nicht|wenn (?:das|nicht)|und|ensuite|puis|sinon|cela|ceci|et|luego|después|si no|esto|y|[2-9]\d?[.)])\b").expect("tested")
    });
    LEANS.is_match(sentence)
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
        (text, masker, usual): (&str, &Masker, &Usual),
    ) -> Self {
        let things = masker.things(text);
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
                    let filled = fill(&said.text, slots).filter(|_| may)?;
                    // What answered a ticket about one product is no answer to one about another.
                    masker.things(&filled).is_subset(&things).then_some(filled)
                })
                .collect();
            // What stands on a sentence that may not be used, may not be used either.
            let mut open = true;
            let usable = sentences.iter().zip(&of_the_matter).map(|(sentence, said)| {
                open = sentence.is_some() && (open || !leans(&said.text));
                open
            });
            let reply = PastReply {
                usable: usable.collect(),
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

    /// The sentences of reply `r` that may be used.
    fn usable(&self, r: usize) -> impl Iterator<Item = (usize, usize)> {
        let all = self.replies[r].usable.iter().enumerate();
        all.filter(|(_, usable)| **usable).map(move |(s, _)| (r, s))
    }

    /// What stands there.
    fn texts(&self, places: &[(usize, usize)]) -> Vec<&str> {
        places.iter().map(|&(r, s)| self.replies[r].sentences[s].as_str()).collect()
    }

    /// The sentences that may be used, those `chosen` first, then by the say of the replies that have them.
    fn steps(&self, chosen: &[(usize, usize)]) -> Vec<(usize, usize)> {
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
    use crate::mask::Known;

    fn similar(id: &str, customer: &str, score: f32, reply: &[(&str, Reach)]) -> Similar {
        let reply =
            reply.iter().map(|(text, reach)| Said { text: (*text).to_owned(), reach: *reach }).collect();
        let category = [Some("Desk".to_owned()), None, None];
        let case = Case { id: id.into(), customer: customer.into(), category, reply, ..Case::default() };
        Similar { case, cosine: score, score }
    }

    fn masker() -> Masker {
        Masker::new(Known::default()).unwrap()
    }

    fn usual() -> Usual {
        serde_json::from_str(r#"{"sentences": ["thanks."], "openings": {}}"#).unwrap()
    }

    #[test]
    fn steps_stand_on_lines_of_their_own() {
        let text = joined(
            ["Thanks.", "Please try this:", "1. Open Outlook", "2. Close it.", "Does it work?"].into_iter(),
        );
        assert_eq!(text, "Thanks. Please try this:\n1. Open Outlook\n2. Close it. Does it work?");
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
        let pool =
            Pool::new(&found, &Decision::default(), (Some("alder"), "en"), &slots, ("", &masker(), &usual()));
        assert_eq!(pool.replies[0].sentences, ["It is X-1.", "Restart TAM-PC1.", "Open zebrafish."]);
        assert_eq!(pool.replies[0].usable, [false, true, true]);
        assert_eq!(pool.replies[1].usable, [false, true, false]);
        assert!(pool.replies[0].weight > pool.replies[1].weight);
        let pool =
            Pool::new(&found, &Decision::default(), (None, "en"), &HashMap::new(), ("", &masker(), &usual()));
        assert_eq!(pool.replies[0].usable, [false, false, false]);
    }

    #[test]
    fn cases_far_away_or_of_another_category_have_little_say() {
        let reply = [("Restart it.", Reach::Everybody)];
        let weight = |score: f32, decision: &Decision| {
            let found = [similar("a", "Alder", score, &reply)];
            Pool::new(&found, decision, (None, "en"), &HashMap::new(), ("", &masker(), &usual())).replies[0]
                .weight
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
            let pool = Pool::new(&found, d, (None, "en"), &HashMap::new(), ("", &masker(), &usual()));
            (pool.cases[0].id.clone(), pool.replies[0].weight / pool.replies[1].weight)
        };
        assert!(matches!(first(&decided("Desk")), (id, ratio) if id == "a" && ratio > 5.0));
        assert!(matches!(first(&decided("Other")), (id, ratio) if id == "b" && ratio > 5.0));
    }
}
