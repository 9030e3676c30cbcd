//! The first response: similar resolved tickets are found, what their replies agree on is taken, greeted, signed and guarded;
//! what does not pass gives way to a lesser draft, down to an acknowledgement.
//!
//! Must never say what neither a technician nor the voice has said, and never show one customer what another wrote.

mod attempts;
mod compose;
mod lessons;
mod matter;
mod pool;
mod stopwatch;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use firstline_fault::Result;
use firstline_ticket::{Decision, Draft, Field, Origin, Rejected, Ticket, customer_key};

use crate::consensus::consensus;
use crate::drafting_id::drafting_id;
use crate::fitting::Fitting;
use crate::index::{CustomerFilter, Index, Similar};
use crate::language::language_of;
use crate::lexicon::{claim, knows, names_secret, promise};
use crate::reviews::Reviews;
use crate::template::Templates;
use crate::voice::{Phrases, Voice};
use crate::writer::Writer;
use compose::Frame;
use firstline_triage::{Bundle, Engine};
use matter::{Matter, Viewer};
use pool::{Pool, PoolRequest};
use stopwatch::{Clock, Stopwatch, now};

pub use lessons::Lesson;

/// Cases of the ticket's own customer, and of others, that are looked at.
const OWN: usize = 24;
const OTHERS: usize = 48;
/// The ways to make a draft, the first that passes the guard is taken.
const WAYS: [Origin; 4] = [Origin::Template, Origin::Generated, Origin::Retrieved, Origin::Acknowledgement];

/// What makes drafts: an engine, its cases, a voice.
#[derive(Clone)]
pub struct Drafter<'a> {
    engine: &'a Engine,
    index: &'a Index,
    voice: &'a Voice,
    templates: &'a Templates,
    clock: Option<Clock<'a>>,
    reviews: Option<&'a Reviews>,
    writer: Option<(&'a Writer, &'a dyn Fn() -> ControlFlow<()>)>,
}

impl fmt::Debug for Drafter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drafter").field("cases", &self.index.len()).finish_non_exhaustive()
    }
}

impl<'a> Drafter<'a> {
    /// A drafter of `engine`, with the cases of `index` and the approved ones of `templates`, in `voice`.
    pub fn new(engine: &'a Engine, index: &'a Index, voice: &'a Voice, templates: &'a Templates) -> Self {
        Self { engine, index, voice, templates, clock: None, reviews: None, writer: None }
    }

    /// Notes in each draft what every stage took, by `clock`: the time since any fixed moment.
    pub fn timed(self, clock: &'a dyn Fn() -> Duration) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Goes by what people did with earlier drafts where it states confidences.
    pub fn trusting(self, reviews: &'a Reviews) -> Self {
        Self { reviews: Some(reviews), ..self }
    }

    /// Lets `writer` write drafts, for as long as `go_on` does not say `Break`: a draft that is not ready by then, and those
    /// after it, are made of past sentences as they are.
    pub fn written_by(self, writer: &'a Writer, go_on: &'a dyn Fn() -> ControlFlow<()>) -> Self {
        Self { writer: Some((writer, go_on)), ..self }
    }

    /// Names all that shapes this drafter's drafts beside the bundle that decides: [`drafting_id`].
    ///
    /// # Errors
    /// As for [`drafting_id`].
    pub fn drafting_id(&self) -> Result<String> {
        let reviews = self.reviews.cloned().unwrap_or_default();
        drafting_id(self.index, self.voice, self.templates, &reviews, self.writer.map(|(writer, _)| writer))
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

    /// The cases that may be looked at for `ticket`: never its own.
    fn found(&self, ticket: &Ticket, text: &str, embedding: &[f32]) -> Result<Vec<Similar>> {
        let customer = ticket.customer_key();
        let mut found = match customer.as_str() {
            // Nobody knows whose it is: it is shown what everybody may see.
            "" if self.index.has_customers() => Vec::new(),
            _ => self.index.similar(text, embedding, CustomerFilter::Only(&customer), OWN)?,
        };
        found.extend(self.index.similar(text, embedding, CustomerFilter::Except(&customer), OTHERS)?);
        let hash = Bundle::ticket_hash(ticket);
        found.retain(|Similar { case, .. }| case.hash != hash || customer_key(&case.customer) != customer);
        Ok(found)
    }

    /// What is known of the matter of `ticket` by the cases that were `found`, as far as the viewer may see it.
    fn matter<'f>(
        &self,
        ticket: &Ticket,
        decision: &Decision,
        found: &'f [Similar],
        viewer: Viewer,
    ) -> Matter<'f>
    where
        'a: 'f,
    {
        let text = self.text(ticket);
        let language = self.language(ticket, &text);
        let phrases = self.voice.phrases(&language).unwrap_or(Phrases::NONE);
        let masker = self.index.masker();
        let of: Vec<&str> =
            [&ticket.contact, &ticket.customer].into_iter().flatten().map(String::as_str).collect();
        let known = format!("{text}\n{}", of.join("\n"));
        let fitting = Fitting::new([known.as_str()], &language, masker);
        let request = PoolRequest {
            decision,
            customer: viewer.customer.as_deref(),
            language: &language,
            slots: &viewer.slots,
            products: masker.products(&text),
            masker,
            stock: self.index.stock_sentences(),
            fitting: &fitting,
        };
        let pool = Pool::new(found, &request);
        let agreed = consensus(&pool.replies);
        let customer = ticket.customer_key();
        Matter { text, customer, slots: viewer.slots, known, language, phrases, pool, agreed }
    }

    /// The language to answer `ticket` in: its own; where it is too short to tell, that of its contact's, then its customer's,
    /// earlier tickets; else the desk's.
    fn language(&self, ticket: &Ticket, text: &str) -> String {
        let told = language_of(ticket, text);
        let usual = || self.index.languages().of(ticket).unwrap_or(&self.voice.default).to_owned();
        if told.is_empty() { usual() } else { told }
    }

    /// What stands around each draft to the ticket.
    fn frame<'m>(&'m self, decision: &Decision, matter: &'m Matter<'m>) -> Frame<'m> {
        let masker = self.index.masker();
        let fitting = Fitting::new([matter.known.as_str()], &matter.language, masker);
        let fit = |o: &&str| {
            (self.index.is_shared(o) || !self.index.has_customers())
                && masker.find_all(o).is_empty()
                && promise(o).is_none()
                && claim(o).is_none()
                && !names_secret(o)
                && fitting.fits(o)
        };
        // Without word lists nobody could tell what the desk's usual opening promises either.
        let may = matter.has_voice() && knows(&matter.language);
        let usual = self.index.stock_sentences().opening(&matter.language).filter(|o| may && fit(o));
        // In whatever language it is asked for, what is decided to be about a credential is.
        let about = |field: &Field| decision.fields.get(field).is_some_and(|d| names_secret(&d.label));
        Frame {
            matter,
            opening: usual.unwrap_or(&matter.phrases.opening),
            closing: self.voice.closing(&matter.customer),
            signature: &self.voice.signature,
            verify_identity: decision.rules.iter().any(|r| r.verify_identity)
                || [Field::Type, Field::Subtype].iter().any(about),
            masker,
        }
    }

    /// The draft of a ticket; `spent` are milliseconds that went into it before.
    fn one(
        &self,
        ticket: &Ticket,
        decision: &Decision,
        embedding: &[f32],
        spent: &[(&str, f64)],
    ) -> Result<Option<Draft>> {
        let input = self.engine.reader().compose(ticket);
        if !self.engine.reader().kind_of(ticket, &input).wants_answer() {
            return Ok(None);
        }
        let text = input.text();
        let mut watch = Stopwatch::new(self.clock, spent);
        let found = self.found(ticket, &text, embedding)?;
        watch.lap("retrieve");
        let matter = self.matter(ticket, decision, &found, Viewer::of(ticket, &text, self.index));
        let template = self.template(decision, &matter);
        watch.lap("choose");
        let frame = self.frame(decision, &matter);
        let (mut made, mut past, mut rejected) = (None, None, Vec::new());
        for origin in WAYS {
            let attempt = match origin {
                Origin::Template => template.as_ref().and_then(|filled| matter.template_attempt(filled)),
                _ if !matter.has_voice() => None,
                // Without word lists nobody could tell what past sentences promise.
                Origin::Generated | Origin::Retrieved if !knows(&matter.language) => None,
                Origin::Generated => {
                    past = self.past(&matter)?;
                    watch.lap("choose");
                    let generated =
                        past.as_ref().map_or(Ok(Ok(None)), |past| self.generated(&matter, past))?;
                    if self.writer.is_some() {
                        watch.lap("write");
                    }
                    generated.unwrap_or_else(|because| {
                        rejected.push(Rejected { origin, because: vec![because] });
                        None
                    })
                }
                Origin::Retrieved => past.take(),
                Origin::Acknowledgement => Some(matter.acknowledged()),
            };
            match attempt.map(|attempt| frame.draft(origin, attempt, self.reviews)) {
                None => {}
                Some(Err(because)) => rejected.push(Rejected { origin, because }),
                Some(Ok(draft)) => {
                    made = Some(draft);
                    break;
                }
            }
        }
        watch.lap("guard");
        // Where not even the voice's own phrases pass, a person writes.
        Ok(made.map(|draft| Draft { rejected, timings_ms: watch.finish(), ..draft }))
    }

    /// What the models read of `ticket`.
    fn text(&self, ticket: &Ticket) -> String {
        self.engine.reader().compose(ticket).text()
    }

    /// Milliseconds by the caller's clock; 0 without one.
    fn now(&self) -> f64 {
        now(self.clock)
    }
}
