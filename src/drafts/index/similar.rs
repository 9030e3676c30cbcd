//! The cases most like a ticket: by embedding, then by the words they share with it.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::Result;

use super::case::ResolvedCase;
use super::{CustomerFilter, Index};
use crate::segmentation::words;

/// What sharing words adds to a cosine, for a case with all of the ticket's telling words.
const LEXICAL: f32 = 0.1;

/// A case that is like a ticket, and how like.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    /// The case.
    pub case: ResolvedCase,
    /// Cosine of the texts' embeddings.
    pub cosine: f32,
    /// The same with what shared words add.
    pub score: f32,
}

impl Index {
    /// The `k` cases most like a ticket, of which the models read `text` and whose embedding is given, of those that may be found.
    ///
    /// # Errors
    /// As for [`Self::nearest`] and [`Self::case`].
    pub fn similar(
        &self,
        text: &str,
        embedding: &[f32],
        customers: CustomerFilter<'_>,
        k: usize,
    ) -> Result<Vec<Similar>> {
        let hits = self.nearest(embedding, customers, k)?;
        let cases = hits.into_iter().map(|hit| Ok((hit.cosine, self.case(hit)?))).collect::<Result<_>>()?;
        Ok(lexically(text, cases))
    }
}

/// Cases with what shared words add to their cosine, best first: words that all cases have tell nothing.
fn lexically(text: &str, cases: Vec<(f32, ResolvedCase)>) -> Vec<Similar> {
    let of = |text: &str| words(text).map(|(_, word)| word).collect::<BTreeSet<String>>();
    let wanted = of(text);
    let theirs: Vec<BTreeSet<String>> = cases.iter().map(|(_, case)| of(&case.problem)).collect();
    let weight: BTreeMap<&String, f32> = wanted
        .iter()
        .map(|word| {
            let n = theirs.iter().filter(|words| words.contains(word)).count();
            (word, ((1 + theirs.len()) as f32 / (1 + n) as f32).ln())
        })
        .collect();
    // A word that no case has can't tell them apart.
    let told = |word: &&String| theirs.iter().any(|words| words.contains(*word));
    let all: f32 = wanted.iter().filter(told).map(|word| weight[word]).sum();
    let mut similar: Vec<Similar> = cases
        .into_iter()
        .zip(&theirs)
        .map(|((cosine, case), words)| {
            let shared: f32 = wanted.intersection(words).map(|word| weight[word]).sum();
            let score = cosine + LEXICAL * if all > 0.0 { shared / all } else { 0.0 };
            Similar { case, cosine, score }
        })
        .collect();
    similar.sort_by(|a, b| b.score.total_cmp(&a.score));
    similar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_all_cases_have_tell_nothing() {
        let case = |problem: &str| ResolvedCase { problem: problem.into(), ..ResolvedCase::default() };
        let cases = vec![(0.70, case("the printer jams")), (0.69, case("the toner is empty"))];
        let found = lexically("the toner printer", cases.clone());
        assert!((found[0].score - found[1].score).abs() < 0.02);
        let found = lexically("the toner", cases);
        assert_eq!(found[0].case.problem, "the toner is empty");
    }
}
