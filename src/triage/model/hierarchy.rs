//! Board, type and subtype decided together: only combinations that the desk allows.
//!
//! Each field's mixture speaks for itself; `p(b, t, s)` is taken as proportional to the product of their
//! probabilities, each to the power of its field's weight, over the valid combinations. A combination is valid when
//! each two of its labels have stood on one ticket: so a type never appears under a board that lacks it, while a
//! combination of three that nobody has seen yet remains possible. The decision is the most probable combination,
//! the probabilities are the marginals.

use std::collections::{BTreeMap, BTreeSet};

use firstline_ticket::Field;
use serde::{Deserialize, Serialize};

use super::Opinion;

/// The fields that are decided together, where they are trained.
pub const HIERARCHY: [Field; 3] = [Field::Board, Field::Type, Field::Subtype];

/// Most combinations that are enumerated; with more, fields are decided apart.
const MOST_COMBINATIONS: usize = 200_000;

/// The valid combinations of the labels of two or three fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Power of each field's probabilities.
    pub weights: Vec<f64>,
    /// Label indices, one a field, ascending.
    combinations: Vec<Vec<u32>>,
}

/// The most probable combination, and each field's marginal probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// One label a field.
    pub labels: Vec<usize>,
    /// One distribution a field.
    pub marginals: Vec<Vec<f32>>,
}

impl Hierarchy {
    /// The combinations that `tickets` allow: one label index a field and ticket, `None` where it has none; field
    /// `f` has `sizes[f]` labels. A label that never met one of another field is kept from none of them. `None`
    /// where they would be too many, or nothing is ruled out.
    ///
    /// # Panics
    /// When a ticket has not one entry for each field, or a label is outside its field.
    pub fn new(sizes: &[usize], tickets: impl Iterator<Item = Vec<Option<u32>>>) -> Option<Self> {
        let fields = sizes.len();
        let mut met: Vec<Vec<BTreeSet<(u32, u32)>>> = vec![vec![BTreeSet::new(); fields]; fields];
        for labels in tickets {
            assert_eq!(labels.len(), fields, "one label or none for each field");
            for (f, a) in labels.iter().enumerate() {
                for (g, b) in labels.iter().enumerate().skip(f + 1) {
                    if let (Some(a), Some(b)) = (a, b) {
                        assert!(
                            (*a as usize) < sizes[f] && (*b as usize) < sizes[g],
                            "labels of their fields"
                        );
                        met[f][g].insert((*a, *b));
                    }
                }
            }
        }
        // What a label of field `f` may stand beside in field `g`.
        let knows = |f: usize, g: usize, a: u32, b: u32| {
            let pairs = &met[f][g];
            pairs.contains(&(a, b))
                || !pairs.iter().any(|&(first, _)| first == a)
                || !pairs.iter().any(|&(_, second)| second == b)
        };
        let mut combinations: Vec<Vec<u32>> = vec![Vec::new()];
        for (g, &size) in sizes.iter().enumerate() {
            let mut longer = Vec::new();
            for combination in &combinations {
                let fits = |&b: &u32| combination.iter().enumerate().all(|(f, &a)| knows(f, g, a, b));
                longer.extend((0..size as u32).filter(fits).map(|b| [&combination[..], &[b]].concat()));
                if longer.len() > MOST_COMBINATIONS {
                    return None;
                }
            }
            combinations = longer;
        }
        let all: usize = sizes.iter().product();
        let reaches_all = (0..fields).all(|f| {
            let reached: BTreeSet<u32> = combinations.iter().map(|c| c[f]).collect();
            reached.len() == sizes[f]
        });
        (fields > 1 && combinations.len() < all && reaches_all)
            .then(|| Self { weights: vec![1.0; fields], combinations })
    }

    /// The labels of the next field that may stand beside these of the fields before it; `None` stands for any.
    pub fn beside(&self, before: &[Option<usize>]) -> BTreeSet<usize> {
        let fits = |combination: &&Vec<u32>| {
            before.iter().zip(*combination).all(|(want, has)| want.is_none_or(|want| want == *has as usize))
        };
        let next = |combination: &Vec<u32>| combination.get(before.len()).map(|label| *label as usize);
        self.combinations.iter().filter(fits).filter_map(next).collect()
    }

    /// Decodes one ticket from its fields' probabilities.
    ///
    /// # Panics
    /// When there are not as many distributions as fields, or one is too short.
    pub fn decode(&self, probabilities: &[&[f32]]) -> Decoded {
        assert_eq!(probabilities.len(), self.weights.len(), "one distribution for each field");
        let logs: Vec<Vec<f64>> = probabilities
            .iter()
            .zip(&self.weights)
            .map(|(p, w)| p.iter().map(|&p| w * f64::from(p.max(1e-9)).ln()).collect())
            .collect();
        let score =
            |c: &Vec<u32>| c.iter().zip(&logs).map(|(&label, logs)| logs[label as usize]).sum::<f64>();
        let scores: Vec<f64> = self.combinations.iter().map(score).collect();
        let best = (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
        let mut marginals: Vec<Vec<f64>> = probabilities.iter().map(|p| vec![0.0; p.len()]).collect();
        let mut sum = 0.0;
        for (combination, score) in self.combinations.iter().zip(&scores) {
            let mass = (score - scores[best]).exp();
            sum += mass;
            combination.iter().zip(&mut marginals).for_each(|(&label, m)| m[label as usize] += mass);
        }
        Decoded {
            labels: self.combinations[best].iter().map(|&l| l as usize).collect(),
            marginals: marginals.iter().map(|m| m.iter().map(|x| (x / sum) as f32).collect()).collect(),
        }
    }

    /// Whether it fits fields of `sizes` labels.
    pub(crate) fn is_sound(&self, sizes: &[usize]) -> bool {
        let within =
            |c: &Vec<u32>| c.len() == sizes.len() && c.iter().zip(sizes).all(|(&l, &n)| (l as usize) < n);
        self.weights.len() == sizes.len()
            && self.weights.iter().all(|w| (0.0..=10.0).contains(w))
            && !self.combinations.is_empty()
            && self.combinations.len() <= MOST_COMBINATIONS
            && self.combinations.iter().all(within)
            && sizes.iter().enumerate().all(|(f, &n)| {
                let reached: BTreeSet<u32> = self.combinations.iter().map(|c| c[f]).collect();
                reached.len() == n
            })
    }
}

/// The label and the marginal probabilities of each field of `hierarchy`; nothing where there is none.
pub fn decide_together(
    hierarchy: Option<&Hierarchy>,
    opinions: &BTreeMap<Field, Opinion>,
) -> BTreeMap<Field, (usize, Vec<f32>)> {
    let Some(hierarchy) = hierarchy else { return BTreeMap::new() };
    let fields: Vec<Field> = HIERARCHY.into_iter().filter(|f| opinions.contains_key(f)).collect();
    let probabilities: Vec<&[f32]> = fields.iter().map(|f| opinions[f].probabilities.as_slice()).collect();
    let decoded = hierarchy.decode(&probabilities);
    fields.into_iter().zip(decoded.labels.into_iter().zip(decoded.marginals)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boards 0 and 1; types 0 and 1 under board 0, 2 under board 1; subtypes 0 and 1.
    fn desk() -> Hierarchy {
        let seen = [[0, 0, 0], [0, 1, 1], [0, 0, 1], [1, 2, 1]];
        Hierarchy::new(&[2, 3, 2], seen.iter().map(|c| c.iter().map(|&l| Some(l)).collect())).unwrap()
    }

    #[test]
    fn a_type_never_appears_under_a_board_that_lacks_it() {
        let d = desk().decode(&[&[0.1, 0.9], &[0.6, 0.1, 0.3], &[0.5, 0.5]]);
        assert_eq!(d.labels, [1, 2, 1], "the board's certainty outweighs the type's leaning");
        let d = desk().decode(&[&[0.45, 0.55], &[0.8, 0.1, 0.1], &[0.9, 0.1]]);
        assert_eq!(d.labels, [0, 0, 0]);
        for m in &d.marginals {
            assert!((m.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert!(d.marginals[0][0] > 0.9, "{d:?}");
    }

    #[test]
    fn unseen_but_valid_combinations_are_possible() {
        // (0, 1, 0) was never seen, but each two of it were once (1, 0) of type and subtype is seen as well.
        let seen = [[0, 0, 0], [0, 1, 1], [1, 1, 0], [1, 2, 1]];
        let h =
            Hierarchy::new(&[2, 3, 2], seen.iter().map(|c| c.iter().map(|&l| Some(l)).collect())).unwrap();
        assert_eq!(h.decode(&[&[0.9, 0.1], &[0.1, 0.8, 0.1], &[0.9, 0.1]]).labels, [0, 1, 0]);
        assert_eq!(desk().decode(&[&[0.9, 0.1], &[0.1, 0.8, 0.1], &[0.9, 0.1]]).labels[1..], [0, 0]);
    }

    #[test]
    fn weights_say_which_field_to_believe() {
        let p: [&[f32]; 3] = [&[0.2, 0.8], &[0.8, 0.1, 0.1], &[0.5, 0.5]];
        assert_eq!(desk().decode(&p).labels[0], 0);
        let doubted = Hierarchy { weights: vec![1.0, 0.3, 1.0], ..desk() };
        assert_eq!(doubted.decode(&p).labels[0], 1);
    }

    #[test]
    fn where_nothing_is_ruled_out_there_is_none() {
        let all = (0..4).map(|i| vec![Some(i / 2), Some(i % 2)]);
        assert!(Hierarchy::new(&[2, 2], all).is_none());
        assert!(Hierarchy::new(&[2, 2], [vec![Some(0), None]].into_iter()).is_none(), "nothing is known");
        assert!(Hierarchy::new(&[2], [vec![Some(0)]].into_iter()).is_none());
        assert!(desk().is_sound(&[2, 3, 2]) && !desk().is_sound(&[2, 2, 2]));
    }
}
