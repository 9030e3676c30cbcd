//! The heads of one field: what each reads, how strongly it is held back, and the log loss that they reach together.
//!
//! Regularisation must never be chosen on tickets that a head was fitted on.

use std::ops::ControlFlow;

use firstline_fault::Result;
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::{Head, Member, Neighbours, log_softmax};
use rayon::prelude::*;

use crate::fit::{Examples, FitOptions, PoolData, Step, fit, fit_mixture};
use crate::prepare::{Labelled, Material, gather, labelled, nearest_of, prior, shuffled};
use crate::progress::{Progress, interrupted};

/// Tickets on which regularisation is chosen; more would cost time and hardly change the choice.
const TUNE_TICKETS: usize = 8_000;
/// Passes over the examples for each head.
const EPOCHS: usize = 12;
/// Exponent of class balancing. A quarter lifts macro-F1 of skewed fields and costs no accuracy (measured on
/// support mails with ten boards: .243 to .276, accuracy .388 to .394, log loss lower too).
const BALANCE: f32 = 0.25;
/// The weight decays that are tried.
const DECAYS: [Decay; 3] = [
    Decay { sparse: 0.0, embedding: 0.003 },
    Decay { sparse: 0.01, embedding: 0.03 },
    Decay { sparse: 0.05, embedding: 0.1 },
];
/// The one that is used where none is chosen.
const MIDDLING: Decay = DECAYS[1];

/// The weight decays that were chosen for the heads of a field, in the order of their kinds: places in the list of those that are tried.
pub type Decays = Vec<usize>;

/// Weight decay per epoch.
#[derive(Clone, Copy)]
struct Decay {
    sparse: f32,
    embedding: f32,
}

/// What a head reads.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum HeadKind {
    /// Word and character n-grams.
    Ngram,
    /// The embedding.
    Embedding,
    /// N-grams, context and the embedding.
    Joint,
    /// The same, of the encoder as it was before fine-tuning.
    Original,
}

/// The heads that are fitted on `m`.
pub(super) fn kinds(m: Material<'_>) -> &'static [HeadKind] {
    const ALL: [HeadKind; 4] = [HeadKind::Ngram, HeadKind::Embedding, HeadKind::Joint, HeadKind::Original];
    if m.original < m.dimensions { &ALL } else { &ALL[..3] }
}

impl HeadKind {
    /// The member of a mixture that `head` of this kind is.
    pub(super) fn member(self, head: Head) -> Member {
        match self {
            HeadKind::Ngram => Member::Ngram(head),
            HeadKind::Embedding => Member::Embedding(head),
            HeadKind::Joint => Member::Joint(head),
            HeadKind::Original => Member::Original(head),
        }
    }

    fn options(self, m: Material<'_>, decay: Decay) -> FitOptions {
        FitOptions {
            sparse_features: match self {
                HeadKind::Ngram => m.ngrams,
                HeadKind::Embedding => 0,
                HeadKind::Joint | HeadKind::Original => m.features,
            },
            embedding: match self {
                HeadKind::Ngram => 0,
                HeadKind::Embedding | HeadKind::Joint => m.dimensions,
                HeadKind::Original => m.original,
            },
            embedding_scale: match self {
                // That half is as much shorter as it has less of the dimensions.
                HeadKind::Original => 5.0 * (m.dimensions as f32 / m.original as f32).sqrt(),
                _ => 5.0,
            },
            sparse_step: Step { rate: 1.0, damping: 10.0, decay: decay.sparse },
            embedding_step: Step { rate: 0.05, damping: 1e-3, decay: decay.embedding },
            epochs: EPOCHS,
            balance: BALANCE,
            seed: m.seed,
        }
    }
}

/// One field's labels on the two windows that its heads are chosen with.
pub(super) struct Task {
    pub(super) train: Labelled,
    pub(super) calibrate: Labelled,
    pub(super) classes: usize,
}

impl Task {
    pub(super) fn new(m: Material<'_>, field: Field, space: &LabelSpace) -> Self {
        let [train, calibrate] = [m.train, m.calibrate].map(|rows| labelled(m.tickets, rows, field, space));
        Self { train, calibrate, classes: space.len() }
    }
}

/// A kind of head, the regularisation that was chosen for it, and what it says.
pub(super) struct Candidate {
    pub(super) kind: HeadKind,
    pub(super) options: FitOptions,
    /// The place of its decay among those that are tried.
    pub(super) decay: usize,
    /// Log-probabilities of every ticket of the calibrate window, by a head fitted on train alone.
    pub(super) log_p: Vec<Vec<f32>>,
}

impl Candidate {
    /// Fits on the whole train window, with the decay at the place `chosen`; where there is none, it is picked first.
    pub(super) fn choose(
        m: Material<'_>,
        kind: HeadKind,
        task: &Task,
        chosen: Option<usize>,
        on_fit: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Self> {
        let decay = match chosen.filter(|&decay| decay < DECAYS.len()) {
            Some(decay) => decay,
            None => Self::pick(m, kind, task, on_fit)?,
        };
        let options = kind.options(m, DECAYS[decay]);
        let head = fit_head(m, &task.train, task.classes, options, on_fit)?;
        Ok(Self { kind, options, decay, log_p: log_probabilities(m, &head, m.calibrate) })
    }

    /// Picks the decay by log loss on the calibrate window, at each head's own best temperature.
    fn pick(
        m: Material<'_>,
        kind: HeadKind,
        task: &Task,
        on_fit: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<usize> {
        let sample = sample(&task.train, m.seed);
        let prior = prior(&task.train.labels, task.classes);
        let mut best: Option<(f64, usize)> = None;
        for (place, &decay) in DECAYS.iter().enumerate() {
            let head = fit_head(m, &sample, task.classes, kind.options(m, decay), on_fit)?;
            let log_p = log_probabilities(m, &head, &task.calibrate.rows);
            let data = PoolData { members: &[&log_p], labels: &task.calibrate.labels, prior: &prior };
            let loss = data.loss(&fit_mixture(data));
            if best.is_none_or(|(least, _)| loss < least) {
                best = Some((loss, place));
            }
        }
        Ok(best.map_or(0, |(_, place)| place))
    }
}

/// A joint head fitted on `of` with a middling decay, for judging tickets that are not among them.
pub(crate) fn cross_head(
    m: Material<'_>,
    of: &Labelled,
    classes: usize,
    on_epoch: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Head> {
    fit_head(m, of, classes, HeadKind::Joint.options(m, MIDDLING), on_epoch)
}

/// The log loss on `m.calibrate` of a mixture of all members, each fitted once with a middling decay: what `m.dense` is
/// worth for `field`. Progress counts epochs, up to [`probe_epochs`].
pub(super) fn probe(
    m: Material<'_>,
    field: Field,
    space: &LabelSpace,
    progress: &mut dyn Progress,
) -> Result<f64> {
    let Task { train, calibrate, classes } = Task::new(m, field, space);
    // A fold may lack a field whose few labels are all of one family: nothing speaks for or against an encoder then.
    if train.rows.is_empty() || calibrate.rows.is_empty() {
        return Ok(0.0);
    }
    let mut epochs = 0;
    let mut on_epoch = || {
        epochs += 1;
        progress.done(epochs)
    };
    let prior = prior(&train.labels, classes);
    let mut members = Vec::new();
    for &kind in kinds(m) {
        let head = fit_head(m, &train, classes, kind.options(m, MIDDLING), &mut on_epoch)?;
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
pub(super) fn probe_epochs(m: Material<'_>) -> u64 {
    (kinds(m).len() * EPOCHS) as u64
}

/// How many epochs a field takes: each kind of head is fitted once with each decay unless one is `chosen`, once on train and once on
/// all.
pub(crate) fn epochs(m: Material<'_>, chosen: bool) -> u64 {
    let tried = if chosen { 0 } else { DECAYS.len() };
    (kinds(m).len() * (tried + 2) * EPOCHS) as u64
}

/// Fits one head.
///
/// # Errors
/// [`Code::Interrupted`](firstline_fault::Code::Interrupted) when `on_fit` asks to stop.
pub(super) fn fit_head(
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
    rows.par_iter().map(|&r| log_softmax(&head.logits(m.sparse.row(r), m.embedding(r)))).collect()
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
