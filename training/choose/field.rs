//! One field's model: its heads' regularisation and the mixture chosen on the calibrate window, then the
//! heads fitted again on train and calibrate together.
//!
//! The mixture and its temperature come from heads that had not seen the calibrate window, so they are a
//! little too humble for the final heads, which have seen more: the error is on the safe side. Must never look at a
//! ticket that is kept for certifying.

use std::collections::HashMap;

use firstline_fault::Result;
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::{Calibrator, FieldModel, Member, Mixture, Neighbours, Opinion, retire};
use rayon::prelude::*;

use super::members::{Candidate, Decays, HeadKind, Task, fit_head, kinds};
use crate::Progress;
use crate::fit::{PoolData, fit_calibrator, fit_mixture};
use crate::prepare::{Labelled, Material, label_column, labelled, prior, rare, retired};

/// A field's model as far as the field alone decides it.
pub(crate) struct LearntField {
    /// The model, its confidence still to be fitted.
    pub(crate) model: FieldModel,
    /// What the mixture said of each calibrate ticket before it had learnt from it.
    pub(crate) opinions: Vec<Opinion>,
    /// The labels of the tickets that it had learnt from by then.
    pub(crate) train_labels: Vec<u32>,
    /// Their shares.
    pub(crate) prior: Vec<f32>,
    /// The decays of its heads.
    pub(crate) decays: Decays,
}

/// Learns `field`, its heads with the `decays` that were chosen before, where they were. Progress counts epochs of all fits, up to
/// [`epochs`](super::epochs).
///
/// # Errors
/// [`Code::Interrupted`](firstline_fault::Code::Interrupted) when `progress` asks to stop.
pub(crate) fn learn_field(
    m: Material<'_>,
    field: Field,
    space: LabelSpace,
    decays: Option<&Decays>,
    progress: &mut dyn Progress,
) -> Result<LearntField> {
    let task = Task::new(m, field, &space);
    let mut epochs = 0;
    let mut on_epoch = || {
        epochs += 1;
        progress.done(epochs)
    };
    let candidate = |(i, &kind): (usize, &HeadKind)| {
        let chosen = decays.and_then(|decays| decays.get(i).copied());
        Candidate::choose(m, kind, &task, chosen, &mut on_epoch)
    };
    let mut candidates = kinds(m).iter().enumerate().map(candidate).collect::<Result<Vec<_>>>()?;
    let train_labels = label_column(m, m.train, field, &space);
    let prior = prior(&task.train.labels, task.classes);
    let mut log_p: Vec<Vec<Vec<f32>>> = candidates.iter_mut().map(|c| std::mem::take(&mut c.log_p)).collect();
    log_p.push(m.nearest.iter().map(|nearest| Neighbours::vote(nearest, &train_labels, &prior)).collect());
    let pool = Pool::fit(m, &task.calibrate, &log_p, &prior);
    let history: Vec<usize> = m.train.iter().chain(m.calibrate).copied().collect();
    let retired = match field {
        Field::Technician => retired(m.tickets, &history, field, &space),
        _ => Vec::new(),
    };
    let opinions = pool.opinions(&log_p, &prior, &retired);

    let all = labelled(m.tickets, &history, field, &space);
    let mut members = Vec::new();
    for (Candidate { kind, options, .. }, &weight) in candidates.iter().zip(&pool.mixture.weights) {
        // The n-gram head stays whatever its weight: it is the baseline that reports name.
        if weight > 0.0 || *kind == HeadKind::Ngram {
            let head = fit_head(m, &all, task.classes, *options, &mut on_epoch)?;
            members.push((kind.member(head), weight));
        }
    }
    members.extend(pool.mixture.weights.last().filter(|&&w| w > 0.0).map(|&w| (Member::Neighbours, w)));
    let (members, weights) = members.into_iter().unzip();
    let model = FieldModel {
        prior: self::prior(&all.labels, task.classes),
        history_labels: label_column(m, &history, field, &space),
        space,
        members,
        mixture: Mixture { weights, ..pool.mixture },
        calibrator: pool.calibrator,
        ordinal: None,
        retired,
        correctness: None,
        rare: rare(m.tickets, &history, field),
    };
    let decays = candidates.iter().map(|candidate| candidate.decay).collect();
    Ok(LearntField { model, opinions, train_labels, prior, decays })
}

/// How a field's members are pooled, fitted on the calibrate window.
struct Pool {
    mixture: Mixture,
    calibrator: Calibrator,
    /// Of each calibrate ticket that has a label, what a calibrator says that has not seen it.
    crossed: HashMap<usize, Vec<f32>>,
}

impl Pool {
    /// Fits a mixture, then its calibrator, to the calibrate tickets that carry a label. `log_p[m][i]` are member `m`'s
    /// log-probabilities of calibrate ticket `i`.
    fn fit(m: Material<'_>, calibrate: &Labelled, log_p: &[Vec<Vec<f32>>], prior: &[f32]) -> Self {
        let has_label: Vec<usize> = (0..m.calibrate.len())
            .filter(|&i| calibrate.rows.binary_search(&m.calibrate[i]).is_ok())
            .collect();
        let of_labelled =
            |log_p: &Vec<Vec<f32>>| has_label.iter().map(|&i| log_p[i].clone()).collect::<Vec<_>>();
        let members: Vec<Vec<Vec<f32>>> = log_p.iter().map(of_labelled).collect();
        let members: Vec<&[Vec<f32>]> = members.iter().map(Vec::as_slice).collect();
        let mixture = fit_mixture(PoolData { members: &members, labels: &calibrate.labels, prior });
        let pooled = |i: usize| {
            let of: Vec<Vec<f32>> = log_p.iter().map(|member| member[i].clone()).collect();
            mixture.pool(&of, prior)
        };
        let told: Vec<Vec<f32>> = has_label.par_iter().map(|&i| pooled(i)).collect();
        let told: Vec<&[f32]> = told.iter().map(Vec::as_slice).collect();
        let (calibrator, crossed) = fit_calibrator(&told, &calibrate.labels, m.seed);
        Self { mixture, calibrator, crossed: has_label.into_iter().zip(crossed).collect() }
    }

    /// What the pool says of each calibrate ticket; where the calibrator has seen the label, the word of one that
    /// has not.
    fn opinions(&self, log_p: &[Vec<Vec<f32>>], prior: &[f32], retired: &[u32]) -> Vec<Opinion> {
        let opinion = |i: usize| {
            let weighed = log_p.iter().zip(&self.mixture.weights);
            let members: Vec<Vec<f32>> =
                weighed.map(|(log_p, &w)| if w > 0.0 { log_p[i].clone() } else { Vec::new() }).collect();
            let mut probabilities = match self.crossed.get(&i) {
                Some(crossed) => crossed.clone(),
                None => {
                    let mut pooled = self.mixture.pool(&members, prior);
                    self.calibrator.apply(&mut pooled);
                    pooled
                }
            };
            retire(&mut probabilities, retired);
            Opinion { probabilities, members }
        };
        let tickets = log_p.first().map_or(0, Vec::len);
        (0..tickets).into_par_iter().map(opinion).collect()
    }
}
