//! Word and character n-grams and context of a history's tickets, as sparse rows.
//!
//! Must never take a word into the vocabulary from a ticket that is not learnt from.

use firstline_fault::Result;
use firstline_triage::{SparseRows, Vocabulary, VocabularyBuilder};
use rayon::prelude::*;

use super::history::{History, HistoryTicket};
use crate::Progress;
use crate::progress::interrupted;

/// An n-gram must occur in this many tickets to be a feature.
const MIN_DF: u32 = 2;
/// Most n-gram features kept.
const MAX_NGRAMS: usize = 150_000;

/// The vocabulary of the tickets that are learnt from, and the rows of those that are `read`; others stay empty.
///
/// # Errors
/// [`Code::Interrupted`](firstline_fault::Code::Interrupted) when `progress` asks to stop.
pub(crate) fn features(
    history: &History,
    learn: &[usize],
    read: &[usize],
    progress: &mut dyn Progress,
) -> Result<(Vocabulary, SparseRows)> {
    progress.stage("reading n-grams", 0);
    let mut builder = VocabularyBuilder::default();
    for &r in learn {
        let t = &history.tickets[r];
        builder.add(&t.input.subject, &t.input.body, &t.context);
        if r.is_multiple_of(1_024) && progress.done(0).is_break() {
            return Err(interrupted("reading n-grams"));
        }
    }
    let vocabulary = builder.build(MIN_DF, MAX_NGRAMS);
    let mut is_read = vec![false; history.tickets.len()];
    read.iter().for_each(|&r| is_read[r] = true);
    let row = |(t, read): (&HistoryTicket, &bool)| match read {
        true => vocabulary.row(&t.input.subject, &t.input.body, &t.context),
        false => Vec::new(),
    };
    let rows: Vec<_> = history.tickets.par_iter().zip(&is_read).map(row).collect();
    let mut sparse = SparseRows::default();
    rows.iter().for_each(|r| sparse.push(r));
    Ok((vocabulary, sparse))
}
