//! What a customer wrote after the desk's reply says of the matter: that it is done, that it is not, thanks, or something else.
//!
//! *Confirmed* takes two that agree: a grammar of the language, in which every word of the reply has to have its place, and a classifier
//! that was taught on the desk's own history, where there is one. All that is not understood wholly is [`Said::Other`]: a person reads it.
//! Must never guess: a ticket may be closed on what is said here.

mod grammar;
mod languages;
mod model;
mod pattern;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use firstline_ticket::{Kind, Ticket};

use crate::features::compose;
use crate::reader::Reader;
use grammar::Parse;
use languages::LANGUAGES;
pub use model::{AnswerCertificate, AnswerModel, answer_buckets, answer_scale};
use tokens::Tokens;

/// Longest reply that may confirm, in words.
const MOST_WORDS: usize = 25;

/// What a customer wrote after a reply, and what is known of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer<'a> {
    /// The message as it came: a mail, with what it quotes.
    pub text: &'a str,
    /// Its subject, where it has one.
    pub subject: Option<&'a str>,
    /// Who wrote it, as the PSA names them.
    pub sender: Option<&'a str>,
    /// The ticket as it stands: its contact, its customer, how its mail was sent.
    pub ticket: Option<&'a Ticket>,
    /// Whether something is attached to it.
    pub attached: bool,
    /// Whether its sender's program says that nobody wrote it.
    pub automatic: bool,
}

/// What a message says of the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It is done, and may be closed.
    Confirmed,
    /// It is not done, or not any more.
    Contradicted,
    /// Thanks, and nothing of the matter: closes nothing and opens nothing again.
    Thanks,
    /// Anything else: a question, a condition, another matter, an automatic note, an unknown language.
    Other,
}

/// How a message was read.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerReading {
    /// What it says.
    pub said: Said,
    /// Its language, ISO 639-1, where a grammar knows its words.
    pub language: Option<&'static str>,
    /// The words that say so, or why nothing is said; folded, and no more than a sentence.
    pub evidence: String,
    /// How sure the classifier is that it confirms; `None` without one.
    pub confidence: Option<f64>,
    /// Whether a ticket may be closed on it: it confirms, and the classifier is certified for it.
    pub certified: bool,
}

impl AnswerReading {
    fn other(why: &str) -> Self {
        let evidence = why.to_owned();
        Self { said: Said::Other, language: None, evidence, confidence: None, certified: false }
    }
}

/// Reads what customers write after a reply.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    model: Option<Arc<AnswerModel>>,
}

impl Answers {
    /// With what was taught on a desk's history; without it nothing may be closed.
    pub fn new(model: Option<Arc<AnswerModel>>) -> Self {
        Self { model }
    }

    /// What `answer` says, as `reader` reads it.
    pub fn read(&self, reader: &Reader, answer: &Answer<'_>) -> AnswerReading {
        let text = match answer_words(reader, answer) {
            Ok(text) => text,
            Err(why) => return AnswerReading::other(why),
        };
        let read = self.judge(&text, &names(answer));
        match read.said {
            Said::Confirmed if answer.attached => AnswerReading::other("something is attached"),
            // Nothing is closed on the word of somebody nobody knows.
            Said::Confirmed if !is_known(answer) => AnswerReading { certified: false, ..read },
            _ => read,
        }
    }

    /// What the words of a message say, once all that is not its sender's has been cut.
    fn judge(&self, text: &str, names: &[String]) -> AnswerReading {
        let tokens = Tokens::new(text);
        if tokens.is_empty() {
            let thumbs = text.chars().any(|c| "👍👌🙏✅😊🙂".contains(c)) && !tokens.doubts();
            let said = if thumbs { Said::Thanks } else { Said::Other };
            return AnswerReading { said, ..AnswerReading::other("no words") };
        }
        let parsed =
            LANGUAGES.iter().find_map(|grammar| Some((grammar.language, grammar.parse(&tokens, names)?)));
        if let Some((language, parse)) = parsed {
            let language = Some(language);
            return match parse {
                Parse::Thanks => {
                    AnswerReading { said: Said::Thanks, language, ..AnswerReading::other("thanks") }
                }
                Parse::Done(evidence) => self.confirmed(text, language, evidence),
            };
        }
        let denied = LANGUAGES.iter().find_map(|grammar| Some((grammar.language, grammar.denies(&tokens)?)));
        match denied {
            Some((language, evidence)) => AnswerReading {
                said: Said::Contradicted,
                language: Some(language),
                evidence,
                ..AnswerReading::other("")
            },
            None => AnswerReading::other("not understood as a whole"),
        }
    }

    fn confirmed(&self, text: &str, language: Option<&'static str>, evidence: String) -> AnswerReading {
        let Some(model) = &self.model else {
            return AnswerReading { said: Said::Confirmed, language, evidence, ..AnswerReading::other("") };
        };
        let confidence = model.confidence(text);
        let (said, certified) = model.judge(confidence);
        let evidence = if said == Said::Confirmed {
            evidence
        } else {
            "the desk's own history speaks against it".to_owned()
        };
        AnswerReading { said, language, evidence, confidence: Some(confidence), certified }
    }
}

/// Whether it is known who wrote it, and who the ticket's contact is.
fn is_known(answer: &Answer<'_>) -> bool {
    answer.sender.is_some() && answer.ticket.is_some_and(|ticket| ticket.contact.is_some())
}

/// Whether the sender is the ticket's contact, as far as both are known.
fn is_by_contact(answer: &Answer<'_>) -> bool {
    let contact = answer.ticket.and_then(|ticket| ticket.contact.as_deref());
    let folded = |name: &str| tokens::folded(name);
    match (answer.sender, contact) {
        (Some(sender), Some(contact)) => folded(sender) == folded(contact),
        _ => true,
    }
}

/// The message as a ticket of its own, so that it is read as any mail is.
fn as_ticket(answer: &Answer<'_>) -> Ticket {
    let of = answer.ticket;
    let subject =
        answer.subject.or_else(|| of.and_then(|ticket| ticket.subject.as_deref())).unwrap_or("ticket");
    let is_answer = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    Ticket {
        id: "answer".to_owned(),
        subject: Some(if is_answer || answer.subject.is_some() {
            subject.to_owned()
        } else {
            format!("Re: {subject}")
        }),
        body: Some(answer.text.to_owned()),
        contact: answer.sender.map(str::to_owned).or_else(|| of.and_then(|ticket| ticket.contact.clone())),
        customer: of.and_then(|ticket| ticket.customer.clone()),
        source: Some("email".to_owned()),
        messages: of.map(|ticket| ticket.messages.clone()).unwrap_or_default(),
        ..Ticket::default()
    }
}

/// What the sender of a message wrote in it, without what is quoted, signed or added by programs.
///
/// # Errors
/// Why nobody's words are to be read: a program wrote it, or somebody else than the ticket's contact.
pub fn answer_words(reader: &Reader, answer: &Answer<'_>) -> Result<String, &'static str> {
    if answer.automatic {
        return Err("nobody wrote it");
    }
    if !is_by_contact(answer) {
        return Err("somebody else than the contact wrote it");
    }
    let ticket = as_ticket(answer);
    let read = reader.read(&ticket);
    match reader.kind_of(&ticket, &compose(&read)) {
        Kind::Person | Kind::Thanks => Ok(read.body.text),
        kind => Err(kind.name()),
    }
}

/// Names that may stand in a greeting: those of the ticket's people.
fn names(answer: &Answer<'_>) -> Vec<String> {
    let ticket = answer.ticket;
    let people = ticket
        .map(|t| [t.contact.as_deref(), t.technician.as_deref(), t.customer.as_deref()])
        .unwrap_or_default();
    let all = people.into_iter().chain([answer.sender]).flatten();
    all.flat_map(|name| Tokens::new(name).words()).filter(|name| name.chars().count() > 1).collect()
}
