//! The order of one desk's labels, by what their words and their places say. Must never order labels by places that run
//! against their words: such a desk counts upwards.

use std::collections::BTreeSet;

use super::names::Said;

/// A level of a desk's order, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level {
    /// The rank of the policy's that the level belongs to.
    pub(super) rank: usize,
    /// The place within the rank.
    place: usize,
}

/// The levels of labels that say `said`.
pub(super) fn levels(mut said: Vec<Option<Said>>) -> Vec<Option<Level>> {
    let (with, against) = agreement(&said);
    if against > with {
        said.iter_mut().flatten().for_each(|said| said.place = None);
    } else if with > against {
        follow_places(&mut said);
    }
    // A label without a place stands with the first of its rank.
    let first = |rank| said.iter().flatten().filter(|s| s.rank == rank).filter_map(|s| s.place).min();
    let level = |said: &Said| Level {
        rank: said.rank,
        place: said.place.or_else(|| first(said.rank)).unwrap_or_default(),
    };
    said.iter().map(|said| said.as_ref().map(level)).collect()
}

/// A number for each level: its rank, or its place among all where `levels` tells labels of one rank apart.
pub(super) fn numbered(levels: &[Option<Level>]) -> Vec<Option<usize>> {
    let distinct: BTreeSet<Level> = levels.iter().flatten().copied().collect();
    let ranks: BTreeSet<usize> = distinct.iter().map(|level| level.rank).collect();
    let number = |level: &Level| match distinct.len() == ranks.len() {
        true => level.rank,
        false => distinct.range(..level).count(),
    };
    levels.iter().map(|level| level.as_ref().map(number)).collect()
}

/// The pairs of labels whose words and places run in one direction, and those where they run in two.
fn agreement(said: &[Option<Said>]) -> (usize, usize) {
    let placed: Vec<(usize, usize)> =
        said.iter().flatten().filter_map(|s| Some((s.rank, s.place?))).collect();
    let pairs = placed.iter().enumerate().flat_map(|(i, a)| placed[i + 1..].iter().map(move |b| (a, b)));
    let compared = pairs.map(|(a, b)| (a.0.cmp(&b.0), a.1.cmp(&b.1)));
    let differing: Vec<_> = compared.filter(|(ranks, places)| ranks.is_ne() && places.is_ne()).collect();
    let with = differing.iter().filter(|(ranks, places)| ranks == places).count();
    (with, differing.len() - with)
}

/// Deals the ranks of the labels that have a place out among them by their places.
fn follow_places(said: &mut [Option<Said>]) {
    let mut placed: Vec<&mut Said> = said.iter_mut().flatten().filter(|said| said.place.is_some()).collect();
    placed.sort_by_key(|said| (said.place, said.rank));
    let mut ranks: Vec<usize> = placed.iter().map(|said| said.rank).collect();
    ranks.sort_unstable();
    placed.iter_mut().zip(ranks).for_each(|(said, rank)| said.rank = rank);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of labels by their ranks and places.
    fn order(said: &[(usize, Option<usize>)]) -> Vec<Option<usize>> {
        numbered(&levels(said.iter().map(|&(rank, place)| Some(Said { rank, place })).collect()))
    }

    #[test]
    fn a_place_orders_labels_of_one_rank() {
        assert_eq!(order(&[(0, Some(1)), (0, Some(2)), (2, Some(3))]), [0, 1, 2].map(Some));
        assert_eq!(order(&[(0, Some(1)), (0, Some(2)), (0, None)]), [0, 1, 0].map(Some));
        assert_eq!(order(&[(0, None), (0, None), (3, None)]), [0, 0, 3].map(Some));
    }

    #[test]
    fn places_decide_over_words_that_they_mostly_run_with() {
        let ranks = [(0, Some(1)), (2, Some(3)), (4, Some(4)), (3, Some(5)), (4, None)];
        assert_eq!(order(&ranks), [0, 2, 3, 4, 4].map(Some));
        assert_eq!(order(&[(3, Some(1)), (0, Some(4)), (0, Some(3))]), [3, 0, 0].map(Some));
    }

    #[test]
    fn a_label_without_rank_has_no_level() {
        assert_eq!(levels(vec![None]), [None]);
        assert_eq!(numbered(&[]), []);
    }
}
