//! What customers' replies that confirm look like at a desk, learnt from its conversations, and how far that may be trusted.
//!
//! A reply after a technician's message is an example: the ticket was left as it was then, or it went on. The older half is learnt from,
//! the newer half tests what was learnt: of the replies that the grammar takes for confirmations, how many tickets went on all the same.
//! Must never keep a word of a reply.

use std::collections::BTreeMap;

use firstline_stats::{Scored, upper_bound};
use firstline_ticket::{Message, Ticket};
use firstline_triage::{
    Answer, AnswerCertificate, AnswerModel, Answers, Reader, Said, answer_buckets, answer_scale, answer_words,
};
use jiff::{SignedDuration, Timestamp};

use crate::measure::certify::{Certificate, Outlook, Promise, Refusal, certify};

/// What is promised of a certified classifier: of the tickets that are closed on what it says, at most so many go on at once.
pub const ANSWER_PROMISE: Promise = Promise { error: 0.01, confidence: 0.95, floor: 0.5 };

/// A ticket that a customer comes back to after so long was done, and came back.
const AT_ONCE: SignedDuration = SignedDuration::from_hours(24);
/// Examples, and among them such as went on and such as did not, below which nothing is learnt.
const LEAST: usize = 40;
const LEAST_OF_EACH: usize = 10;
/// Passes over the examples, the length of a step, and how much each pulls weights back.
const PASSES: usize = 20;
const STEP: f64 = 0.3;
const DECAY: f64 = 1e-4;

/// What became of a ticket after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing more was said.
    Stayed,
    /// It was opened again by its customer, a day later or more.
    CameBack,
    /// It went on.
    WentOn,
}

/// A reply and what became of its ticket.
#[derive(Debug, Clone)]
struct Example {
    at: Option<Timestamp>,
    buckets: Vec<u32>,
    /// Whether the grammar takes it for a confirmation.
    confirms: bool,
    after: After,
}

/// Customers' replies of a history, as hashes.
#[derive(Debug, Default)]
pub struct AnswerExamples(Vec<Example>);

impl AnswerExamples {
    /// Adds the replies of a ticket that was resolved.
    pub fn add(&mut self, ticket: &Ticket, reader: &Reader) {
        if ticket.resolved_at.is_none() {
            return;
        }
        let seen: Vec<&Message> = ticket
            .messages
            .iter()
            .filter(|message| message.visible == Some(true) && !is_automatic(message))
            .collect();
        let first = seen.iter().position(|message| message.from == "technician").unwrap_or(seen.len());
        let replies = seen.iter().enumerate().skip(first).filter(|(_, message)| message.from == "customer");
        for (nth, (i, message)) in replies.enumerate() {
            let answer = Answer { text: &message.text, ticket: Some(ticket), ..Answer::default() };
            let Ok(text) = answer_words(reader, &answer) else { continue };
            let confirms = Answers::default().read(reader, &answer).said == Said::Confirmed;
            let after = after(ticket, (message, nth == 0), seen.get(i + 1).copied());
            self.0.push(Example { at: message.at, buckets: answer_buckets(&text), confirms, after });
        }
    }

    /// Learns from the older half and tests with the newer; `None` where there are too few to learn from.
    pub fn learn(mut self) -> Option<AnswerModel> {
        self.0.sort_by_key(|example| example.at);
        let (older, newer) = self.0.split_at(self.0.len() / 2);
        let went_on = older.iter().filter(|example| example.after == After::WentOn).count();
        if older.len() < LEAST || went_on < LEAST_OF_EACH || older.len() - went_on < LEAST_OF_EACH {
            return None;
        }
        let model = fit(older);
        let certificate = tested(&model, newer, older.len());
        Some(AnswerModel { certificate, ..model })
    }
}

/// Whether a mail program wrote a message, as its sender said.
fn is_automatic(message: &Message) -> bool {
    message.extra.keys().any(|key| key.eq_ignore_ascii_case("auto-submitted") || key == "automatic")
}

fn after(ticket: &Ticket, (reply, is_first): (&Message, bool), next: Option<&Message>) -> After {
    let Some(next) = next else {
        // Opened again without a word that is on record, as after a call: nobody knows when, so it counts against the reply.
        return if ticket.reopened == Some(true) && is_first { After::WentOn } else { After::Stayed };
    };
    let later = reply.at.zip(next.at).is_some_and(|(reply, next)| next.duration_since(reply) >= AT_ONCE);
    match later && next.from == "customer" && ticket.reopened == Some(true) {
        true => After::CameBack,
        false => After::WentOn,
    }
}

/// A logistic regression by stochastic steps that shorten with what a bucket has been stepped already (AdaGrad), in the order of time.
fn fit(examples: &[Example]) -> AnswerModel {
    let mut weights: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let mut bias = (0.0, 1e-6);
    let step = |(weight, squares): &mut (f64, f64), slope: f64| {
        *squares += slope * slope;
        *weight -= STEP * slope / squares.sqrt();
    };
    for _ in 0..PASSES {
        for example in examples {
            let scale = answer_scale(example.buckets.len());
            let sum: f64 =
                example.buckets.iter().filter_map(|bucket| weights.get(bucket)).map(|(w, _)| w).sum();
            let wanted = f64::from(u8::from(example.after != After::WentOn));
            let error = 1.0 / (1.0 + (-(bias.0 + scale * sum)).exp()) - wanted;
            step(&mut bias, error);
            for bucket in &example.buckets {
                let weight = weights.entry(*bucket).or_insert((0.0, 1e-6));
                let slope = scale * error + DECAY * weight.0;
                step(weight, slope);
            }
        }
    }
    let weights = weights.into_iter().map(|(bucket, (weight, _))| (bucket, weight as f32));
    AnswerModel {
        weights: weights.filter(|(_, weight)| weight.abs() > 1e-3).collect(),
        bias: bias.0 as f32,
        certificate: AnswerCertificate::default(),
    }
}

/// What the replies that the grammar takes for confirmations say of the model.
fn tested(model: &AnswerModel, newer: &[Example], learnt: usize) -> AnswerCertificate {
    let confirming: Vec<(f64, After)> = newer
        .iter()
        .filter(|example| example.confirms)
        .map(|example| (model.confidence_in(&example.buckets), example.after))
        .collect();
    let scored: Vec<Scored> = confirming
        .iter()
        .map(|&(confidence, after)| Scored { confidence, correct: after != After::WentOn })
        .collect();
    let came_back = |threshold: f64| {
        confirming
            .iter()
            .filter(|(confidence, after)| *confidence >= threshold && *after == After::CameBack)
            .count()
    };
    let none = AnswerCertificate { learnt, tested: scored.len(), ..AnswerCertificate::default() };
    match certify(&scored, ANSWER_PROMISE) {
        Ok(Certificate { threshold, accepted, errors, bound, .. }) => AnswerCertificate {
            threshold: Some(threshold),
            accepted,
            errors,
            came_back: came_back(threshold),
            bound: Some(bound),
            ..none
        },
        Err(Refusal { accepted, errors, outlook }) => {
            let missing = match outlook {
                Outlook::Needs(needed) => Some(needed.saturating_sub(accepted)),
                Outlook::Unclear | Outlook::Hopeless => None,
            };
            let bound = (accepted > 0).then(|| upper_bound(errors, accepted, ANSWER_PROMISE.confidence));
            AnswerCertificate { accepted, errors, came_back: came_back(0.0), bound, missing, ..none }
        }
    }
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Ticket;
    use jiff::ToSpan;

    use super::*;

    /// What is said in a ticket: by whom, and how many hours after it was opened.
    fn ticket(n: usize, said: &[(&str, i64, &str)], reopened: bool) -> Ticket {
        let opened = Timestamp::from_second(1_700_000_000 + 3_600 * n as i64).unwrap();
        let message = |&(from, hours, text): &(&str, i64, &str)| Message {
            at: Some(opened + hours.hours()),
            from: from.to_owned(),
            text: text.to_owned(),
            visible: Some(true),
            ..Message::default()
        };
        Ticket {
            id: n.to_string(),
            subject: Some("Printer offline".to_owned()),
            opened_at: Some(opened),
            resolved_at: Some(opened + 100.hours()),
            reopened: Some(reopened),
            messages: said.iter().map(message).collect(),
            ..Ticket::default()
        }
    }

    const YES: [&str; 4] = [
        "It works again, thank you.",
        "Funktioniert wieder, danke.",
        "All good now, thanks!",
        "You can close the ticket.",
    ];
    const NO: [&str; 4] = [
        "Still not working.",
        "Geht immer noch nicht.",
        "Yes, please call me.",
        "It is the one in the hall, thanks",
    ];

    fn history(n: usize, odd: impl Fn(usize) -> bool) -> AnswerExamples {
        let mut all = AnswerExamples::default();
        for i in 0..n {
            let (yes, no) = (YES[i / 2 % 4], NO[i / 2 % 4]);
            let done = ("technician", 1, "This should work again.");
            let said = match i % 2 {
                0 if odd(i) => vec![done, ("customer", 2, yes), ("technician", 3, "Which one do you mean?")],
                0 => vec![done, ("customer", 2, yes)],
                _ => vec![done, ("customer", 2, no), ("technician", 3, "Looking at it again.")],
            };
            all.add(&ticket(i, &said, false), &Reader::default());
        }
        all
    }

    #[test]
    fn clean_confirmations_are_certified_once_there_are_enough() {
        let model = history(1_400, |_| false).learn().unwrap();
        let found = &model.certificate;
        assert_eq!((found.learnt, found.tested, found.errors), (700, 350, 0));
        assert!(found.threshold.is_some() && found.bound.unwrap() <= 0.01, "{found:?}");
        assert!(model.confidence("It works again, thank you.") > 0.9);
        assert!(model.confidence("Geht immer noch nicht.") < 0.1);
        let again = history(1_400, |_| false).learn().unwrap();
        assert_eq!(again, model, "the same history teaches the same");
    }

    #[test]
    fn without_enough_or_with_wrong_ones_nothing_is_certified_and_it_says_what_is_missing() {
        let few = history(600, |_| false).learn().unwrap().certificate;
        assert_eq!((few.threshold, few.tested, few.missing), (None, 150, Some(149)));
        let wrong = history(1_400, |i| i / 2 % 7 == 0).learn().unwrap().certificate;
        assert!(wrong.threshold.is_none() && wrong.errors > 0, "{wrong:?}");
        assert!(history(60, |_| false).learn().is_none());
        assert!(AnswerExamples::default().learn().is_none());
    }

    #[test]
    fn a_reply_is_judged_by_what_came_next() {
        let done = ("technician", 1, "This should work again.");
        let yes = ("customer", 2, YES[0]);
        let of = |said: &[(&str, i64, &str)], reopened: bool| -> Vec<After> {
            let mut all = AnswerExamples::default();
            all.add(&ticket(1, said, reopened), &Reader::default());
            all.0.into_iter().map(|example| example.after).collect()
        };
        assert_eq!(of(&[done, yes], false), [After::Stayed]);
        assert_eq!(of(&[done, yes], true), [After::WentOn]);
        assert_eq!(of(&[done, yes, ("technician", 9, "Thanks!")], false), [After::WentOn]);
        let back = ("customer", 40, "Sorry, the same again today.");
        assert_eq!(of(&[done, yes, back], true), [After::CameBack, After::Stayed]);
        assert_eq!(of(&[done, yes, back], false), [After::WentOn, After::Stayed]);
        assert_eq!(of(&[done, yes, ("customer", 3, "Oh wait, it does not.")], true)[0], After::WentOn);
        // What a customer wrote before anybody answered is no reply.
        assert_eq!(of(&[("customer", 0, YES[0]), done], false), []);
        let mut open = ticket(1, &[done, yes], false);
        open.resolved_at = None;
        let mut all = AnswerExamples::default();
        all.add(&open, &Reader::default());
        assert!(all.0.is_empty(), "nobody knows yet what becomes of it");
    }
}
