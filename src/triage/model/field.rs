//! The model of one field: its labels, the members that are pooled, and how their probabilities become a label.
//!
//! It must never know how a head was fitted, nor where it is stored.

use std::collections::BTreeMap;

use firstline_ticket::LabelSpace;
use rayon::prelude::*;

use super::probability::{argmax, log_softmax, retire, softmax};
use super::{Calibrator, Correctness, Head, Mixture, Ordinal};
use crate::features::{Features, Neighbours};

/// The model of one field.
#[derive(Debug, Clone)]
pub struct FieldModel {
    /// The labels it can predict.
    pub space: LabelSpace,
    /// Share of each label in the history, `k`.
    pub prior: Vec<f32>,
    /// The members that are pooled.
    pub members: Vec<Member>,
    /// How they are pooled.
    pub mixture: Mixture,
    /// How the mixture's probabilities are corrected.
    pub calibrator: Calibrator,
    /// Label index of each ticket of the history, `u32::MAX` where it has none.
    pub history_labels: Vec<u32>,
    /// The order of the labels, where they are priorities with one.
    pub ordinal: Option<Ordinal>,
    /// Labels that are never decided, ascending: technicians who have left.
    pub retired: Vec<u32>,
    /// How sure a decision is; the mixture's own probability where there is none.
    pub correctness: Option<Correctness>,
    /// Labels with too few tickets, and how many: learnt with doubt, or not at all.
    pub rare: BTreeMap<String, usize>,
}

/// What a field's members and their mixture say of one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// The members' log-probabilities, each `k`; one without weight is empty.
    pub members: Vec<Vec<f32>>,
    /// The mixture's probabilities, `k`.
    pub probabilities: Vec<f32>,
}

/// What is decided about one field of one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Calibrated probability of each label, `k`.
    pub probabilities: Vec<f32>,
    /// The label: the most probable one, but where that would not go with the other fields', or is a priority that
    /// would cost more if it were wrong.
    pub label: usize,
    /// Probability that it is right.
    pub confidence: f32,
}

/// One member of a field's mixture.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// A head over n-grams only: the baseline that every report names.
    Ngram(Head),
    /// A head over the embedding only.
    Embedding(Head),
    /// A head over embedding, n-grams and context.
    Joint(Head),
    /// The same, but of the embedding that half alone which fine-tuning left as it was: where the encoder has been
    /// tuned on the very tickets that heads learn from, this one is not misled by how well it knows them.
    Original(Head),
    /// The vote of the nearest tickets of the history.
    Neighbours,
}

impl Member {
    /// The member's name, as stored and reported.
    pub fn name(&self) -> &'static str {
        match self {
            Member::Ngram(_) => "ngram",
            Member::Embedding(_) => "embedding",
            Member::Joint(_) => "joint",
            Member::Original(_) => "original",
            Member::Neighbours => "neighbours",
        }
    }

    /// Its head; the neighbours have none.
    pub(crate) fn head(&self) -> Option<&Head> {
        match self {
            Member::Ngram(h) | Member::Embedding(h) | Member::Joint(h) | Member::Original(h) => Some(h),
            Member::Neighbours => None,
        }
    }

    /// The member of that name; `None` where there is no such, or it should have a head and has none.
    pub(crate) fn from_name(name: &str, head: Option<Head>) -> Option<Self> {
        match (name, head) {
            ("ngram", Some(h)) => Some(Member::Ngram(h)),
            ("embedding", Some(h)) => Some(Member::Embedding(h)),
            ("joint", Some(h)) => Some(Member::Joint(h)),
            ("original", Some(h)) => Some(Member::Original(h)),
            ("neighbours", None) => Some(Member::Neighbours),
            _ => None,
        }
    }
}

impl FieldModel {
    /// The label to decide by itself: of least expected cost where labels have an order, else the most probable.
    pub fn choose(&self, probabilities: &[f32]) -> usize {
        match &self.ordinal {
            Some(ordinal) => ordinal.decide(probabilities),
            None => argmax(probabilities),
        }
    }

    /// What the members and their mixture say of ticket `i` of `features`.
    pub(crate) fn opinion(&self, features: &Features, nearest: &[(u32, f32)], i: usize) -> Opinion {
        let log_p = |(member, &weight): (&Member, &f64)| match weight > 0.0 {
            true => self.log_probabilities(member, features, nearest, i),
            false => Vec::new(),
        };
        let members: Vec<Vec<f32>> = self.members.iter().zip(&self.mixture.weights).map(log_p).collect();
        let mut probabilities = self.mixture.pool(&members, &self.prior);
        self.calibrator.apply(&mut probabilities);
        retire(&mut probabilities, &self.retired);
        Opinion { probabilities, members }
    }

    /// The n-gram baseline's probabilities for each ticket, `k` a ticket; `None` in a bundle without it.
    pub fn ngram_probabilities(&self, features: &Features) -> Option<Vec<Vec<f32>>> {
        let head = self.members.iter().find_map(|m| match m {
            Member::Ngram(head) => Some(head),
            _ => None,
        })?;
        let row = |i: usize| {
            let mut logits = head.logits(features.sparse.row(i), &[]);
            softmax(&mut logits);
            logits
        };
        Some((0..features.sparse.len()).into_par_iter().map(row).collect())
    }

    /// What `member` alone says of ticket `i` of `features`, as log-probabilities.
    pub(crate) fn log_probabilities(
        &self,
        member: &Member,
        features: &Features,
        nearest: &[(u32, f32)],
        i: usize,
    ) -> Vec<f32> {
        match member.head() {
            Some(head) => {
                let d = features.embeddings.len() / features.sparse.len();
                log_softmax(&head.logits(features.sparse.row(i), &features.embeddings[i * d..(i + 1) * d]))
            }
            None => Neighbours::vote(nearest, &self.history_labels, &self.prior),
        }
    }

    /// What does not fit in a model that was read from a file, with `history` tickets in its history; `None` where all does.
    pub(crate) fn unfit(&self, history: usize) -> Option<&'static str> {
        let k = self.space.len();
        if self.retired.len() >= k || self.retired.iter().any(|&l| l as usize >= k) {
            return Some("the retired labels do not fit");
        }
        if !self.ordinal.as_ref().is_none_or(|o| o.is_sound(k)) {
            return Some("the order of the labels does not fit");
        }
        let sound =
            self.calibrator.is_sound(k) && self.correctness.as_ref().is_none_or(Correctness::is_sound);
        if !sound {
            return Some("calibrator or correctness model do not fit");
        }
        let fits = k >= 2
            && self.mixture.is_sound(self.members.len())
            && self.prior.len() == k
            && self.prior.iter().all(|p| (0.0..=1.0).contains(p))
            && self.history_labels.len() == history;
        (!fits).then_some("prior, history or mixture do not fit")
    }
}
