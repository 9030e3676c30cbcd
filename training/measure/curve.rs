//! What more history would buy: accuracy and certified coverage by the size of the history learnt from.
//!
//! Every size is the newest part of one history, learnt from anew and tried on the same tickets, which were kept for
//! certifying. The encoder is not fine-tuned: the curve shows what the heads learn. It is there to look at. A size must
//! never be chosen by it: that would be a choice on the very tickets that a certificate is to stand on.

use std::collections::BTreeMap;
use std::path::Path;

use firstline_fault::{Code, Result, UserError};
use firstline_stats::{Interval, Scored, wilson95};
use firstline_ticket::{Assertion, Field};
use firstline_triage::{Bundle, Closing};
use serde::Serialize;

use super::certification::tested;
use super::certify::{Promise, certify};
use crate::Progress;
use crate::choose::FineTuning;
use crate::prepare::EmbeddingCache;
use crate::train::{TrainInput, TrainOptions, train};

/// Sizes that are tried, up to that of the history; the whole history comes last.
const SIZES: [usize; 7] = [250, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

/// What one size of history gives one field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Tickets learnt from, train and calibrate together.
    pub tickets: usize,
    /// Tickets it was then tried on: the same for all sizes.
    pub tried: usize,
    /// Share of them that was right.
    pub accuracy: f64,
    /// Wilson's 95 % interval of it.
    pub accuracy_ci95: Interval,
    /// Share of decisions that one threshold certifies; of priorities, as not less urgent than they should be.
    pub certified: f64,
}

/// Learns from each size of the history of `input` and tries what came of it. The options' own size and fine-tuning are
/// ignored.
///
/// # Errors
/// As [`train()`], but for sizes that are too small; [`Code::Empty`] when there is no ticket to try them on.
pub fn learning_curve(
    input: TrainInput<'_>,
    promise: Promise,
    cache: &mut EmbeddingCache,
    progress: &mut dyn Progress,
) -> Result<BTreeMap<Field, Vec<CurvePoint>>> {
    let mut curves: BTreeMap<Field, Vec<CurvePoint>> = BTreeMap::new();
    for size in SIZES.into_iter().filter(|&n| n < input.history.tickets.len()).map(Some).chain([None]) {
        let options = TrainOptions { at_most: size, fine_tuning: FineTuning::Never, ..input.options.clone() };
        // Nothing is fine-tuned, so nothing is kept in a work folder.
        let trained =
            match train(TrainInput { options: &options, ..input }, "", Path::new(""), cache, progress) {
                Ok(trained) => trained,
                // Too few of anything to learn from: the curve begins later.
                Err(e) if size.is_some() && e.code() == Some(Code::Labels) => continue,
                Err(e) => return Err(e),
            };
        let used = trained.bundle.info.split.train + trained.bundle.info.split.calibrate;
        for &field in trained.bundle.fields.keys() {
            let curve = curves.entry(field).or_default();
            if curve.last().is_none_or(|p| p.tickets < used) {
                curve.extend(point(&trained.bundle, field, used, promise));
            }
        }
        // That was all there is to learn from: a size falls short by a ticket of each window at most.
        if size.is_some_and(|size| used + 2 < size) {
            break;
        }
    }
    curves.retain(|_, curve| !curve.is_empty());
    if curves.is_empty() {
        let next = "Give it more tickets";
        return Err(UserError::new(Code::Empty, "--tickets", "no ticket to try the sizes on", next).into());
    }
    Ok(curves)
}

fn point(bundle: &Bundle, field: Field, tickets: usize, promise: Promise) -> Option<CurvePoint> {
    let kept = bundle.reserve.fields.get(&field)?;
    let (n, hits) = kept
        .iter()
        .filter(|one| one.closing != Closing::Empty)
        .fold((0, 0), |(n, hits), one| (n + 1, hits + usize::from(one.closing == Closing::Label(one.label))));
    let tested = tested(&bundle.fields, &bundle.reserve, Assertion::of_field(field)).unwrap_or_default();
    let scored: Vec<Scored> = tested.into_iter().map(|one| one.scored).collect();
    (n > 0).then(|| CurvePoint {
        tickets,
        tried: n,
        accuracy: hits as f64 / n as f64,
        accuracy_ci95: wilson95(hits, n),
        certified: certify(&scored, promise).map_or(0.0, |c| c.coverage),
    })
}
