//! What a bundle's field models decide about tickets, given their features and their nearest tickets of the history. It must
//! never let one ticket tell on another: each is judged by itself.

use std::collections::BTreeMap;

use firstline_ticket::Field;
use rayon::prelude::*;

use super::Bundle;
use crate::features::Features;
use crate::model::{Evidence, FieldModel, Judgement, Member, Opinion, argmax, decide_together};

impl Bundle {
    /// What each member of each field's mixture takes for the most probable label, by the member's name: what the
    /// mixture is to beat. Members without weight say nothing.
    pub fn members_alone(
        &self,
        features: &Features,
        nearest: &[Vec<(u32, f32)>],
    ) -> BTreeMap<Field, BTreeMap<&'static str, Vec<u32>>> {
        let of = |(&field, model): (&Field, &FieldModel)| {
            let alone = |(m, member): (usize, &Member)| {
                let label = |i: usize| {
                    let near = nearest.get(i).map_or(&[][..], Vec::as_slice);
                    argmax(&model.log_probabilities(&model.members[m], features, near, i)) as u32
                };
                (member.name(), (0..features.sparse.len()).into_par_iter().map(label).collect())
            };
            let weighed = model.members.iter().enumerate().filter(|&(m, _)| model.mixture.weights[m] > 0.0);
            (field, weighed.map(alone).collect())
        };
        self.fields.iter().map(of).collect()
    }

    /// Judges each ticket of `features`, whose nearest tickets of the history are `nearest`. What people have set of a ticket
    /// is `given`, in the tickets' order; empty where nothing is given of any.
    pub fn judge(
        &self,
        features: &Features,
        nearest: &[Vec<(u32, f32)>],
        given: &[BTreeMap<Field, String>],
    ) -> BTreeMap<Field, Vec<Judgement>> {
        let judge = |i: usize| {
            let near = nearest.get(i).map_or(&[][..], Vec::as_slice);
            let mut opinions = self.opinions(features, near, i);
            given
                .get(i)
                .into_iter()
                .flatten()
                .for_each(|(&field, label)| self.give(&mut opinions, field, label));
            self.conclude(opinions, near, features.sparse.row(i).index.len())
        };
        let tickets: Vec<Vec<(Field, Judgement)>> =
            (0..features.sparse.len()).into_par_iter().map(judge).collect();
        let mut fields: BTreeMap<Field, Vec<Judgement>> = BTreeMap::new();
        for (field, judgement) in tickets.into_iter().flatten() {
            fields.entry(field).or_default().push(judgement);
        }
        fields
    }

    /// What each field's members say of ticket `i` of `features`.
    fn opinions(&self, features: &Features, near: &[(u32, f32)], i: usize) -> BTreeMap<Field, Opinion> {
        self.fields.iter().map(|(&field, model)| (field, model.opinion(features, near, i))).collect()
    }

    /// Makes `label`, which a person has set, the only one of its field that is possible; one that the model does not know
    /// leaves the field as it is.
    fn give(&self, opinions: &mut BTreeMap<Field, Opinion>, field: Field, label: &str) {
        let label = self.fields.get(&field).and_then(|model| model.space.index(label));
        if let (Some(label), Some(opinion)) = (label, opinions.get_mut(&field)) {
            opinion.probabilities.fill(0.0);
            opinion.probabilities[label] = 1.0;
        }
    }

    /// The label of each field and how sure it is, for a ticket with this many `features`.
    fn conclude(
        &self,
        opinions: BTreeMap<Field, Opinion>,
        near: &[(u32, f32)],
        features: usize,
    ) -> Vec<(Field, Judgement)> {
        let mut decided = decide_together(self.hierarchy.as_ref(), &opinions);
        let judge = |(field, opinion): (Field, Opinion)| {
            let model = &self.fields[&field];
            let (label, probabilities) = decided
                .remove(&field)
                .unwrap_or_else(|| (model.choose(&opinion.probabilities), opinion.probabilities));
            let evidence = Evidence {
                label,
                probabilities: &probabilities,
                members: &opinion.members,
                nearest: near,
                history_labels: &model.history_labels,
                prior: &model.prior,
                features,
            };
            let confidence = match &model.correctness {
                Some(model) => model.probability(&evidence.signs()) as f32,
                None => probabilities[label],
            };
            (field, Judgement { label, confidence, probabilities })
        };
        opinions.into_iter().map(judge).collect()
    }
}
