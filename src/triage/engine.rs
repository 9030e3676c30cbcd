//! The engine: a loaded bundle and its encoders, deciding tickets.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use firstline_fault::Result;
use firstline_nn::Tokens;
use firstline_ticket::{Candidate, Confidence, Decision, Field, FieldDecision, Kind, Ticket};
use rayon::prelude::*;

use crate::answer::{Answer, AnswerReading, Answers};
use crate::bundle::Bundle;
use crate::features::{Encoders, Features, Input, Neighbours, Vocabulary, context_features};
use crate::habits::Habits;
use crate::model::Judgement;
use crate::policy::{Policy, Seen, words_of};
use crate::reader::Reader;
use crate::{settle, storm};

/// A trained engine, ready to decide.
#[derive(Debug)]
pub struct Engine {
    bundle: Bundle,
    encoders: Encoders,
    neighbours: Neighbours,
    policy: Policy,
    reader: Reader,
    answers: Answers,
}

/// A ticket as far as it can be read before others join it in a batch.
#[derive(Debug, Clone)]
pub struct Prepared {
    tokens: Tokens,
    sparse: Vec<(u32, f32)>,
    tokens_cut: usize,
    is_alert: bool,
    kind: Kind,
    /// The words that the policy's rules look for.
    words: Arc<str>,
}

impl Prepared {
    /// Tokens that the encoder will read: what deciding it costs.
    pub fn tokens(&self) -> usize {
        self.tokens.ids.len()
    }

    /// Tokens of its text that are left out.
    pub fn tokens_cut(&self) -> usize {
        self.tokens_cut
    }

    /// Whether its text is a monitoring alert.
    pub fn is_alert(&self) -> bool {
        self.is_alert
    }
}

impl Engine {
    /// Opens the bundle in `dir`, its encoders included, and checks every file against its hash.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it is missing, damaged or of another version.
    pub fn open(dir: &Path) -> Result<Self> {
        let bundle = Bundle::load(dir)?;
        let encoders = bundle.load_encoders(dir)?;
        Self::of(bundle, encoders)
    }

    /// The engine of a bundle that was not published, with the encoders that it was trained with.
    ///
    /// # Errors
    /// When the bundle's history does not consist of these encoders' embeddings.
    pub fn of(bundle: Bundle, encoders: Encoders) -> Result<Self> {
        let neighbours = Neighbours::new(&bundle.history, encoders.dimensions())?;
        let reader = bundle.reader();
        let answers = Answers::new(bundle.answers.clone());
        Ok(Self { bundle, encoders, neighbours, policy: Policy::built_in()?, reader, answers })
    }

    /// The same engine under another policy's rules, and its words where it has some.
    pub fn under(self, policy: Policy) -> Self {
        Self { reader: self.bundle.reader().under(&policy.words), policy, ..self }
    }

    /// The same engine that reads tickets by other habits than its bundle's.
    pub fn with_habits(mut self, habits: Habits) -> Self {
        let habits = Arc::new(habits);
        self.reader = self.reader.with_habits(Arc::clone(&habits));
        self.bundle.habits = Some(habits);
        self
    }

    /// What reads its tickets.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The encoders.
    pub fn encoders(&self) -> &Encoders {
        &self.encoders
    }

    /// What a customer wrote after a reply says of the matter.
    pub fn read_answer(&self, answer: &Answer<'_>) -> AnswerReading {
        self.answers.read(&self.reader, answer)
    }

    /// Reads a ticket: normalises it, makes tokens and n-grams of it.
    ///
    /// # Errors
    /// A fault of the tokenizer.
    pub fn prepare(&self, ticket: &Ticket) -> Result<Prepared> {
        let input = self.reader.compose(ticket);
        let tokens = self.encoders.tokenize(&input.text())?;
        Ok(Prepared {
            tokens_cut: tokens.cut + input.tokens_cut(),
            sparse: sparse_row(&self.bundle.vocabulary, ticket, &input),
            is_alert: input.is_alert,
            kind: self.reader.kind_of(ticket, &input),
            words: words_of(&input).into(),
            tokens,
        })
    }

    /// What the alerts of one storm share; `None` for what a person wrote. An alert that a rule fires on is of another storm than
    /// one that none does.
    pub fn storm_key(&self, ticket: &Ticket, prepared: &Prepared) -> Option<String> {
        // Only what may be of a storm needs to know its rules.
        if !storm::may_be_of_one(ticket, prepared.is_alert) {
            return None;
        }
        let mut fired = Decision::default();
        self.policy.apply_read(&self.seen(ticket, &prepared.words), None, &mut fired);
        storm::key(ticket, prepared.is_alert, &fired.rules)
    }

    /// What the members read, for tickets that this engine has prepared.
    ///
    /// # Errors
    /// A fault of the encoder.
    pub fn gather(&self, prepared: Vec<Prepared>) -> Result<Features> {
        let mut features = Features::default();
        let mut tokens = Vec::with_capacity(prepared.len());
        for ticket in prepared {
            features.sparse.push(&ticket.sparse);
            features.tokens_cut.push(ticket.tokens_cut);
            features.words.push(ticket.words);
            features.kinds.push(ticket.kind);
            tokens.push(ticket.tokens);
        }
        features.embeddings = self.encoders.embed_tokens(&tokens)?;
        Ok(features)
    }

    /// Computes what the members read, for `tickets`.
    ///
    /// # Errors
    /// A fault of the encoder.
    pub fn features(&self, tickets: &[Ticket]) -> Result<Features> {
        self.gather(tickets.par_iter().map(|ticket| self.prepare(ticket)).collect::<Result<_>>()?)
    }

    /// Embeds plain texts: `n x dimensions`, row-major, each of unit length.
    ///
    /// # Errors
    /// A fault of the encoder.
    pub fn embed(&self, texts: &[String]) -> Result<Vec<f32>> {
        Ok(self.encoders.embed(texts)?.data)
    }

    /// The nearest tickets of the history for each ticket of `features`: `(index, cosine)`, nearest first.
    ///
    /// # Errors
    /// A fault of the neighbour search.
    pub fn nearest(&self, features: &Features) -> Result<Vec<Vec<(u32, f32)>>> {
        self.neighbours.nearest(&features.embeddings)
    }

    /// Decides `tickets`, with up to `top - 1` alternatives a field; the policy's rules have the last word.
    ///
    /// # Errors
    /// A fault of the encoder or the neighbour search; a ticket by itself can't fail.
    pub fn decide(&self, tickets: &[Ticket], top: usize) -> Result<Vec<Decision>> {
        self.decide_features(tickets, &self.features(tickets)?, &[], top)
    }

    /// The same, of tickets whose features are there. What people have set of a ticket is `given`, in the tickets' order:
    /// it stands, and the other fields are decided so that they go with it. Empty where nothing is given of any.
    ///
    /// # Errors
    /// A fault of the neighbour search.
    pub fn decide_features(
        &self,
        tickets: &[Ticket],
        features: &Features,
        given: &[BTreeMap<Field, String>],
        top: usize,
    ) -> Result<Vec<Decision>> {
        let nearest = self.nearest(features)?;
        let read = tickets.iter().zip(&features.tokens_cut).enumerate();
        let mut decisions: Vec<Decision> = read
            .map(|(i, (t, &tokens_cut))| {
                let kind = features.kinds.get(i).copied().unwrap_or_else(|| self.reader.kind(t));
                Decision { id: t.id.clone(), kind, tokens_cut, ..Decision::default() }
            })
            .collect();
        for (field, judged) in self.bundle.judge(features, &nearest, given) {
            let labels = self.bundle.fields[&field].space.labels();
            for (decision, judged) in decisions.iter_mut().zip(judged) {
                decision.fields.insert(field, rank(labels, &judged, top.max(1)));
            }
        }
        let priorities = self.bundle.fields.get(&Field::Priority).map(|model| &model.space);
        for (i, (decision, ticket)) in decisions.iter_mut().zip(tickets).enumerate() {
            let given = given.get(i);
            given
                .into_iter()
                .flatten()
                .for_each(|(&field, label)| settle::set_by_person(decision, field, label));
            // No rule raises what a person has set.
            let set =
                decision.kept.get(&Field::Priority).and_then(|_| decision.fields.remove(&Field::Priority));
            let read = || words_of(&self.reader.compose(ticket)).into();
            let words = features.words.get(i).cloned().unwrap_or_else(read);
            self.policy.apply_read(&self.seen(ticket, &words), priorities, decision);
            decision.fields.extend(set.map(|set| (Field::Priority, set)));
        }
        Ok(decisions)
    }

    fn seen<'a>(&'a self, ticket: &'a Ticket, words: &'a str) -> Seen<'a> {
        Seen { ticket, words, reader: &self.reader }
    }
}

/// The sparse row of a ticket.
fn sparse_row(vocabulary: &Vocabulary, ticket: &Ticket, input: &Input) -> Vec<(u32, f32)> {
    vocabulary.row(&input.subject, &input.body, &context_features(ticket, input.is_alert))
}

/// The `top` labels. The first carries the confidence; the others share what it leaves, in proportion to their
/// probabilities.
fn rank(labels: &[String], judged: &Judgement, top: usize) -> FieldDecision {
    let p = &judged.probabilities;
    let left =
        (1.0 - f64::from(judged.confidence)) / (1.0 - f64::from(p[judged.label])).max(f64::MIN_POSITIVE);
    let mut others: Vec<usize> = (0..p.len()).filter(|&i| i != judged.label).collect();
    others.sort_by(|&a, &b| p[b].total_cmp(&p[a]).then(a.cmp(&b)));
    let alternatives = others.into_iter().take(top - 1).map(|i| Candidate {
        label: labels[i].clone(),
        confidence: Confidence::new((left * f64::from(p[i])).min(f64::from(judged.confidence))),
    });
    FieldDecision {
        label: labels[judged.label].clone(),
        confidence: Confidence::new(f64::from(judged.confidence)),
        alternatives: alternatives.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(probabilities: &[f32], label: usize, confidence: f32) -> Judgement {
        Judgement { probabilities: probabilities.to_vec(), label, confidence }
    }

    #[test]
    fn rank_is_by_probability_then_label_order() {
        let labels = ["a", "b", "c"].map(String::from);
        let got = rank(&labels, &judged(&[0.25, 0.5, 0.25], 1, 0.5), 3);
        assert_eq!(got.label, "b");
        assert_eq!(got.alternatives.iter().map(|c| c.label.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert!(rank(&labels, &judged(&[0.2, 0.2, 0.6], 2, 0.6), 1).alternatives.is_empty());
    }

    #[test]
    fn alternatives_share_what_the_confidence_leaves_and_never_pass_it() {
        let labels = ["a", "b", "c"].map(String::from);
        let confidences = |confidence| {
            let got = rank(&labels, &judged(&[0.3, 0.6, 0.1], 1, confidence), 3);
            got.alternatives.iter().map(|c| c.confidence.get()).collect::<Vec<_>>()
        };
        let sure = confidences(0.8);
        assert!((sure[0] - 0.15).abs() < 1e-6 && (sure[1] - 0.05).abs() < 1e-6, "{sure:?}");
        assert!(confidences(0.1).iter().all(|&c| c <= f64::from(0.1_f32)));
        assert!(rank(&labels, &judged(&[0.0, 1.0, 0.0], 1, 1.0), 3).alternatives[0].confidence.get() < 1e-9);
    }
}
