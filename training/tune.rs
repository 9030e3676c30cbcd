//! One field's model: its heads' regularisation and the mixture chosen on the calibrate window, then the
//! heads fitted again on train and calibrate together.
//!
//! The mixture and its temperature come from heads that had not seen the calibrate window, so they are a
//! little too humble for the final heads, which have seen more: the error is on the safe side.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::{
    FieldModel, Head, Member, Mixture, Neighbours, Opinion, Reserve, SparseRows, log_softmax, retire,
};
use rayon::prelude::*;

use crate::calibrate::fit_calibrator;
use crate::progress::interrupted;
use crate::shuffle::shuffled;
use crate::train::{gather, nearest_of};
use crate::{Examples, FitOptions, PoolData, Prepared, Progress, Step, fit, fit_mixture};

/// A label needs this many tickets to be learnt at all.
const LEAST_TICKETS: usize = 2;
/// Labels with fewer tickets than this are named as rare.
const RARE: usize = 10;
/// Tickets on which regularisation is chosen; more would cost time and hardly change the choice.
const TUNE_TICKETS: usize = 8_000;
/// The weight decays that are tried, on sparse and on embedding weights, per epoch.
const DECAYS: [(f32, f32); 3] = [(0.0, 0.003), (0.01, 0.03), (0.05, 0.1)];

/// Passes over the examples for each head.
const EPOCHS: usize = 12;
/// Fewest labelled tickets that a pool, its temperature and its floor can be chosen on.
const LEAST_CALIBRATE: usize = 20;
/// A technician without a ticket for so long is taken to be gone.
const ACTIVE_DAYS: i64 = 60;
/// Exponent of class balancing. A quarter lifts macro-F1 of skewed fields and costs no accuracy (measured on
/// support mails with ten boards: .243 to .276, accuracy .388 to .394, log loss lower too).
const BALANCE: f32 = 0.25;

/// What all fields learn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Material<'a> {
    pub(crate) tickets: &'a [Prepared],
    pub(crate) sparse: &'a SparseRows,
    pub(crate) dense: &'a [f32],
    pub(crate) dimensions: usize,
    /// Of those, the leading ones that are of the encoder as it was: all where nothing is fine-tuned.
    pub(crate) original: usize,
    /// N-gram features, then all sparse features.
    pub(crate) ngrams: usize,
    pub(crate) features: usize,
    pub(crate) train: &'a [usize],
    pub(crate) calibrate: &'a [usize],
    /// Nearest train tickets of each calibrate ticket, as positions in `train`.
    pub(crate) nearest: &'a [Vec<(u32, f32)>],
    pub(crate) seed: u64,
}

/// Tickets of one window that carry a label, and their label indices.
pub(crate) struct Labelled {
    pub(crate) rows: Vec<usize>,
    pub(crate) labels: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Ngram,
    Embedding,
    Joint,
    Original,
}

/// The heads that are fitted on `m`.
fn kinds(m: Material<'_>) -> &'static [Kind] {
    const ALL: [Kind; 4] = [Kind::Ngram, Kind::Embedding, Kind::Joint, Kind::Original];
    if m.original < m.dimensions { &ALL } else { &ALL[..3] }
}

impl Kind {
    fn member(self, head: Head) -> Member {
        match self {
            Kind::Ngram => Member::Ngram(head),
            Kind::Embedding => Member::Embedding(head),
            Kind::Joint => Member::Joint(head),
            Kind::Original => Member::Original(head),
        }
    }
}

/// A field's model as far as the field alone decides it.
pub(crate) struct Learnt {
    /// The model, its confidence still to be fitted.
    pub(crate) model: FieldModel,
    /// What the mixture said of each calibrate ticket before it had learnt from it.
    pub(crate) opinions: Vec<Opinion>,
    /// The labels, and their shares, of the tickets that it had learnt from by then.
    pub(crate) train_labels: Vec<u32>,
    pub(crate) prior: Vec<f32>,
}

/// Learns `field`. Progress counts epochs of all fits, up to [`epochs`].
pub(crate) fn learn_field(
    m: Material<'_>,
    field: Field,
    space: LabelSpace,
    progress: &mut dyn Progress,
) -> Result<Learnt> {
    let train = labelled(m.tickets, m.train, field, &space);
    let calibrate = labelled(m.tickets, m.calibrate, field, &space);
    let k = space.len();
    let mut epochs = 0;
    let mut on_epoch = || {
        epochs += 1;
        progress.done(epochs)
    };
    let mut chosen = Vec::new();
    let mut log_p = Vec::new();
    for &kind in kinds(m) {
        let (options, head) = choose(m, kind, &train, &calibrate, k, &mut on_epoch)?;
        log_p.push(log_probabilities(m, &head, m.calibrate));
        chosen.push((kind, options));
    }
    let train_labels = label_column(m, m.train, field, &space);
    let prior = prior(&train.labels, k);
    log_p.push(m.nearest.iter().map(|nearest| Neighbours::vote(nearest, &train_labels, &prior)).collect());
    let is_labelled: Vec<usize> =
        (0..m.calibrate.len()).filter(|&i| calibrate.rows.binary_search(&m.calibrate[i]).is_ok()).collect();
    let of_labelled =
        |log_p: &Vec<Vec<f32>>| is_labelled.iter().map(|&i| log_p[i].clone()).collect::<Vec<_>>();
    let members: Vec<Vec<Vec<f32>>> = log_p.iter().map(of_labelled).collect();
    let members: Vec<&[Vec<f32>]> = members.iter().map(Vec::as_slice).collect();
    let mixture = fit_mixture(PoolData { members: &members, labels: &calibrate.labels, prior: &prior });
    let pooled = |i: usize| {
        let of: Vec<Vec<f32>> = log_p.iter().map(|member| member[i].clone()).collect();
        mixture.pool(&of, &prior)
    };
    let told: Vec<Vec<f32>> = is_labelled.par_iter().map(|&i| pooled(i)).collect();
    let told: Vec<&[f32]> = told.iter().map(Vec::as_slice).collect();
    let (calibrator, crossed) = fit_calibrator(&told, &calibrate.labels, m.seed);
    let mut crossed: HashMap<usize, Vec<f32>> = is_labelled.iter().copied().zip(crossed).collect();
    let history: Vec<usize> = m.train.iter().chain(m.calibrate).copied().collect();
    let retired = match field {
        Field::Technician => retired(m.tickets, &history, field, &space),
        _ => Vec::new(),
    };
    let opinion = |i: usize| {
        let weighed = log_p.iter().zip(&mixture.weights);
        let members: Vec<Vec<f32>> =
            weighed.map(|(log_p, &w)| if w > 0.0 { log_p[i].clone() } else { Vec::new() }).collect();
        let mut probabilities = mixture.pool(&members, &prior);
        calibrator.apply(&mut probabilities);
        Opinion { probabilities, members }
    };
    let mut opinions: Vec<Opinion> = (0..m.calibrate.len()).into_par_iter().map(opinion).collect();
    for (i, opinion) in opinions.iter_mut().enumerate() {
        // Where the calibrator has seen the label, the word of one that has not.
        if let Some(probabilities) = crossed.remove(&i) {
            opinion.probabilities = probabilities;
        }
        retire(&mut opinion.probabilities, &retired);
    }

    let all = labelled(m.tickets, &history, field, &space);
    let mut members = Vec::new();
    for ((kind, options), &weight) in chosen.into_iter().zip(&mixture.weights) {
        // The n-gram head stays whatever its weight: it is the baseline that reports name.
        if weight > 0.0 || kind == Kind::Ngram {
            let head = fit_head(m, &all, k, options, &mut on_epoch)?;
            members.push((kind.member(head), weight));
        }
    }
    members.extend(mixture.weights.last().filter(|&&w| w > 0.0).map(|&w| (Member::Neighbours, w)));
    let (members, weights) = members.into_iter().unzip();
    let mixture = Mixture { weights, ..mixture };
    let history_labels = label_column(m, &history, field, &space);
    let rare = rare(m.tickets, &history, field);
    let model = FieldModel {
        prior: self::prior(&all.labels, k),
        space,
        members,
        mixture,
        calibrator,
        history_labels,
        ordinal: None,
        retired,
        correctness: None,
        reserve: Reserve::default(),
        rare,
    };
    Ok(Learnt { model, opinions, train_labels, prior })
}

/// A joint head fitted on `of` with a middling decay, for judging tickets that are not among them.
pub(crate) fn cross_head(
    m: Material<'_>,
    of: &Labelled,
    classes: usize,
    on_epoch: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Head> {
    fit_head(m, of, classes, options(m, Kind::Joint, DECAYS[1]), on_epoch)
}

/// The log loss on `m.calibrate` of a mixture of all members, each fitted once with a middling decay: what `m.dense` is
/// worth for `field`. Progress counts epochs, up to [`probe_epochs`].
pub(crate) fn probe(
    m: Material<'_>,
    field: Field,
    space: &LabelSpace,
    progress: &mut dyn Progress,
) -> Result<f64> {
    let [train, calibrate] = [m.train, m.calibrate].map(|rows| labelled(m.tickets, rows, field, space));
    // A fold may lack a field whose few labels are all of one family: nothing speaks for or against an encoder then.
    if train.rows.is_empty() || calibrate.rows.is_empty() {
        return Ok(0.0);
    }
    let mut epochs = 0;
    let mut on_epoch = || {
        epochs += 1;
        progress.done(epochs)
    };
    let prior = prior(&train.labels, space.len());
    let mut members = Vec::new();
    for &kind in kinds(m) {
        let head = fit_head(m, &train, space.len(), options(m, kind, DECAYS[1]), &mut on_epoch)?;
        members.push(log_probabilities(m, &head, &calibrate.rows));
    }
    let past = gather(m.dense, m.dimensions, &train.rows);
    let nearest = nearest_of(&past, m.dense, m.dimensions, &calibrate.rows)?;
    members.push(nearest.iter().map(|nearest| Neighbours::vote(nearest, &train.labels, &prior)).collect());
    let members: Vec<&[Vec<f32>]> = members.iter().map(Vec::as_slice).collect();
    let data = PoolData { members: &members, labels: &calibrate.labels, prior: &prior };
    Ok(data.loss(&fit_mixture(data)))
}

/// How many epochs [`probe`] runs.
pub(crate) fn probe_epochs(m: Material<'_>) -> u64 {
    (kinds(m).len() * EPOCHS) as u64
}

/// How many epochs [`learn_field`] runs: each kind of head is fitted once a decay, on train, and on all.
pub(crate) fn epochs(m: Material<'_>) -> u64 {
    (kinds(m).len() * (DECAYS.len() + 2) * EPOCHS) as u64
}

fn options(m: Material<'_>, kind: Kind, (sparse_decay, embedding_decay): (f32, f32)) -> FitOptions {
    FitOptions {
        sparse_features: match kind {
            Kind::Ngram => m.ngrams,
            Kind::Embedding => 0,
            Kind::Joint | Kind::Original => m.features,
        },
        embedding: match kind {
            Kind::Ngram => 0,
            Kind::Embedding | Kind::Joint => m.dimensions,
            Kind::Original => m.original,
        },
        embedding_scale: match kind {
            // That half is as much shorter as it has less of the dimensions.
            Kind::Original => 5.0 * (m.dimensions as f32 / m.original as f32).sqrt(),
            _ => 5.0,
        },
        sparse_step: Step { rate: 1.0, damping: 10.0, decay: sparse_decay },
        embedding_step: Step { rate: 0.05, damping: 1e-3, decay: embedding_decay },
        epochs: EPOCHS,
        balance: BALANCE,
        seed: m.seed,
    }
}

/// Picks the decay by log loss on the calibrate window, at each head's own best temperature, and fits with it
/// on the whole train window.
fn choose(
    m: Material<'_>,
    kind: Kind,
    train: &Labelled,
    calibrate: &Labelled,
    k: usize,
    on_fit: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<(FitOptions, Head)> {
    let sample = sample(train, m.seed);
    let prior = prior(&train.labels, k);
    let mut best: Option<(f64, FitOptions)> = None;
    for decays in DECAYS {
        let options = options(m, kind, decays);
        let head = fit_head(m, &sample, k, options, on_fit)?;
        let log_p = log_probabilities(m, &head, &calibrate.rows);
        let data = PoolData { members: &[&log_p], labels: &calibrate.labels, prior: &prior };
        let loss = data.loss(&fit_mixture(data));
        if best.is_none_or(|(least, _)| loss < least) {
            best = Some((loss, options));
        }
    }
    let (_, options) = best.unwrap_or((0.0, options(m, kind, DECAYS[0])));
    Ok((options, fit_head(m, train, k, options, on_fit)?))
}

fn fit_head(
    m: Material<'_>,
    of: &Labelled,
    classes: usize,
    options: FitOptions,
    on_fit: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Head> {
    let examples = Examples {
        sparse: m.sparse,
        dense: m.dense,
        dimensions: m.dimensions,
        rows: &of.rows,
        labels: &of.labels,
        classes,
    };
    fit(examples, options, on_fit).ok_or_else(|| interrupted("fitting heads"))
}

fn log_probabilities(m: Material<'_>, head: &Head, rows: &[usize]) -> Vec<Vec<f32>> {
    let d = m.dimensions;
    rows.par_iter()
        .map(|&r| log_softmax(&head.logits(m.sparse.row(r), &m.dense[r * d..(r + 1) * d])))
        .collect()
}

fn sample(from: &Labelled, seed: u64) -> Labelled {
    let mut kept = shuffled(from.rows.len(), seed);
    kept.truncate(TUNE_TICKETS);
    kept.sort_unstable();
    Labelled {
        rows: kept.iter().map(|&i| from.rows[i]).collect(),
        labels: kept.iter().map(|&i| from.labels[i]).collect(),
    }
}

pub(crate) fn labelled(tickets: &[Prepared], rows: &[usize], field: Field, space: &LabelSpace) -> Labelled {
    let of = rows.iter().filter_map(|&r| Some((r, space.index(tickets[r].labels.get(&field)?)? as u32)));
    let (mut rows, labels): (Vec<usize>, Vec<u32>) = of.unzip();
    rows.shrink_to_fit();
    Labelled { rows, labels }
}

/// The label index of each row, `u32::MAX` where it has none.
pub(crate) fn label_column(m: Material<'_>, rows: &[usize], field: Field, space: &LabelSpace) -> Vec<u32> {
    let index = |&r: &usize| m.tickets[r].labels.get(&field).and_then(|l| space.index(l));
    rows.iter().map(|r| index(r).map_or(u32::MAX, |i| i as u32)).collect()
}

pub(crate) fn prior(labels: &[u32], k: usize) -> Vec<f32> {
    let mut counts = vec![0.0f32; k];
    labels.iter().for_each(|&l| counts[l as usize] += 1.0);
    counts.iter().map(|c| c / labels.len().max(1) as f32).collect()
}

/// The labels of `field` that have tickets enough among `rows` to be learnt.
pub(crate) fn labels_of<'a>(
    tickets: &[Prepared],
    rows: impl Iterator<Item = &'a usize>,
    field: Field,
) -> LabelSpace {
    let enough = counts(tickets, rows, field).into_iter().filter(|(_, n)| *n >= LEAST_TICKETS);
    LabelSpace::new(enough.map(|(label, _)| label.to_owned()))
}

/// The labels of `field` that can be learnt.
///
/// # Errors
/// [`Code::Labels`] when the field can't be learnt.
pub(crate) fn label_space(
    tickets: &[Prepared],
    (train, calibrate): (&[usize], &[usize]),
    field: Field,
) -> Result<LabelSpace> {
    let space = labels_of(tickets, train.iter().chain(calibrate), field);
    let [train, calibrate] = [train, calibrate].map(|rows| labelled(tickets, rows, field, &space).rows.len());
    if space.len() < 2 || train < LEAST_CALIBRATE || calibrate < LEAST_CALIBRATE {
        let problem = format!(
            "{} labels on {train} train and {calibrate} calibrate tickets; needed are 2 and {LEAST_CALIBRATE} of each",
            space.len()
        );
        let next = "Leave the field out of --fields, or import its column";
        return Err(UserError::new(Code::Labels, field.name(), problem, next).into());
    }
    Ok(space)
}

/// The labels that no ticket of the last [`ACTIVE_DAYS`] carries: technicians who have left, or do other things by
/// now. None where the tickets have no dates, or where all would be.
fn retired(tickets: &[Prepared], rows: &[usize], field: Field, space: &LabelSpace) -> Vec<u32> {
    let mut last = vec![None; space.len()];
    for &row in rows {
        if let Some(label) = tickets[row].labels.get(&field).and_then(|l| space.index(l)) {
            last[label] = last[label].max(tickets[row].opened_at);
        }
    }
    let Some(end) = last.iter().flatten().max().map(|t| t.as_second()) else { return Vec::new() };
    let gone = |last: &Option<jiff::Timestamp>| {
        last.is_none_or(|last| end - last.as_second() > ACTIVE_DAYS * 24 * 3600)
    };
    (0..space.len() as u32).filter(|&label| gone(&last[label as usize])).collect()
}

/// The labels that are rare among `rows`, and how many tickets each has.
fn rare(tickets: &[Prepared], rows: &[usize], field: Field) -> BTreeMap<String, usize> {
    let counts = counts(tickets, rows.iter(), field).into_iter();
    counts.filter(|(_, n)| *n < RARE).map(|(label, n)| (label.to_owned(), n)).collect()
}

fn counts<'a, 'b>(
    tickets: &'a [Prepared],
    rows: impl Iterator<Item = &'b usize>,
    field: Field,
) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for label in rows.filter_map(|&r| tickets[r].labels.get(&field)) {
        *counts.entry(label.as_str()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::Ticket;

    #[test]
    fn who_had_no_ticket_for_long_is_retired() {
        let ticket = |day: i64, who: &str| {
            Prepared::new(&Ticket {
                technician: Some(who.to_owned()),
                opened_at: Some(jiff::Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()),
                ..Ticket::default()
            })
        };
        let tickets =
            [ticket(0, "ann"), ticket(1, "bob"), ticket(50, "bob"), ticket(100, "cy"), ticket(99, "new")];
        let space = LabelSpace::new(["ann", "bob", "cy"].map(String::from));
        let retired = |rows: &[usize]| retired(&tickets, rows, Field::Technician, &space);
        assert_eq!(retired(&[0, 1, 2, 3, 4]), [0]);
        assert_eq!(retired(&[0, 1]), [2], "cy has no ticket here at all");
        let undated = [Prepared::new(&Ticket { technician: Some("ann".into()), ..Ticket::default() })];
        assert!(super::retired(&undated, &[0], Field::Technician, &space).is_empty());
        let mut p = [0.5, 0.3, 0.2];
        retire(&mut p, &[0]);
        assert!(p[0] == 0.0 && (p[1] - 0.6).abs() < 1e-6 && (p[2] - 0.4).abs() < 1e-6);
    }
}
