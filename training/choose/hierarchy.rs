//! What all fields decide together: which combinations of board, type and subtype there are, how much each field's
//! word weighs, and how sure a decision is.
//!
//! Fitted on the calibrate window, to what heads said that had not learnt from it and calibrators that were fitted
//! without the ticket; the mixture's few weights alone had seen it. Must never read the final heads' own word on that
//! window: they have learnt it.

use std::collections::BTreeMap;

use firstline_ticket::Field;
use firstline_triage::{Evidence, HIERARCHY, Hierarchy, Opinion, decide_together};
use rayon::prelude::*;

use super::field::LearntField;
use crate::fit::{SignedDecision, fit_correctness};
use crate::prepare::{Material, label_column};

/// What a field's weight is multiplied by when better ones are sought.
const STEPS: [f64; 4] = [0.5, 2.0, 0.8, 1.25];
/// Bounds of a weight: no field rules, none is silent.
const BOUNDS: (f64, f64) = (0.1, 4.0);

/// Fits the hierarchy and each field's correctness model, which is put into the field's model.
pub(crate) fn conclude(m: Material<'_>, fields: &mut BTreeMap<Field, LearntField>) -> Option<Hierarchy> {
    let hierarchy = hierarchy(m, fields);
    let opinions: Vec<BTreeMap<Field, Opinion>> = (0..m.calibrate.len())
        .map(|i| fields.iter().map(|(&field, learnt)| (field, learnt.opinions[i].clone())).collect())
        .collect();
    let decided: Vec<_> = opinions.par_iter().map(|o| decide_together(hierarchy.as_ref(), o)).collect();
    for (&field, learnt) in fields.iter_mut() {
        let truth = label_column(m, m.calibrate, field, &learnt.model.space);
        let decision = |i: usize| {
            let opinion = &learnt.opinions[i];
            let (label, probabilities) = match decided[i].get(&field) {
                Some((label, marginals)) => (*label, marginals),
                None => (learnt.model.choose(&opinion.probabilities), &opinion.probabilities),
            };
            let evidence = Evidence {
                label,
                probabilities,
                members: &opinion.members,
                nearest: &m.nearest[i],
                history_labels: &learnt.train_labels,
                prior: &learnt.prior,
                features: m.sparse.row(m.calibrate[i]).index.len(),
            };
            SignedDecision {
                signs: evidence.signs(),
                probability: f64::from(probabilities[label]),
                right: label == truth[i] as usize,
            }
        };
        let decisions: Vec<_> =
            (0..m.calibrate.len()).into_par_iter().filter(|&i| truth[i] != u32::MAX).map(decision).collect();
        learnt.model.correctness = fit_correctness(&decisions, m.seed);
    }
    hierarchy
}

/// The hierarchy of the fields that are learnt, its weights such that the marginals' log loss, summed over the fields,
/// is least.
fn hierarchy(m: Material<'_>, fields: &BTreeMap<Field, LearntField>) -> Option<Hierarchy> {
    let together: Vec<(Field, &LearntField)> =
        HIERARCHY.iter().filter_map(|f| Some((*f, fields.get(f)?))).collect();
    let sizes: Vec<usize> = together.iter().map(|(_, learnt)| learnt.model.space.len()).collect();
    let history = together.first()?.1.model.history_labels.len();
    let label = |l: u32| (l != u32::MAX).then_some(l);
    let tickets = (0..history)
        .map(|i| together.iter().map(|(_, learnt)| label(learnt.model.history_labels[i])).collect());
    let mut best = Hierarchy::new(&sizes, tickets)?;
    let truth: Vec<Vec<u32>> = together
        .iter()
        .map(|(field, learnt)| label_column(m, m.calibrate, *field, &learnt.model.space))
        .collect();
    let loss = |hierarchy: &Hierarchy| {
        let of = |i: usize| {
            let probabilities: Vec<&[f32]> =
                together.iter().map(|(_, learnt)| learnt.opinions[i].probabilities.as_slice()).collect();
            let decoded = hierarchy.decode(&probabilities);
            let p = decoded
                .marginals
                .iter()
                .zip(&truth)
                .filter_map(|(p, truth)| label(truth[i]).map(|l| p[l as usize]));
            p.map(|p| -f64::from(p.max(1e-6)).ln()).sum::<f64>()
        };
        let losses: Vec<f64> = (0..m.calibrate.len()).into_par_iter().map(of).collect();
        losses.iter().sum::<f64>()
    };
    let mut least = loss(&best);
    for step in STEPS {
        for f in 0..sizes.len() {
            loop {
                let mut other = best.clone();
                other.weights[f] = (other.weights[f] * step).clamp(BOUNDS.0, BOUNDS.1);
                let found = loss(&other);
                if found >= least - 1e-6 {
                    break;
                }
                (least, best) = (found, other);
            }
        }
    }
    Some(best)
}
