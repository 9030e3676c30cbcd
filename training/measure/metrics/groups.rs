//! The same figures for each customer and each category, where there are tickets enough.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Interval, Predictions, brier, ece, nll, wilson95};

/// A group of fewer tickets has no figures of its own: an interval of 20 points says nothing.
pub const LEAST_GROUP: usize = 100;
/// Tickets to a bin, about, of a group's calibration error.
const A_BIN: usize = 50;

/// How far one group's decisions can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GroupMetrics {
    /// Tickets, at least [`LEAST_GROUP`].
    pub n: usize,
    /// Share predicted right.
    pub accuracy: f64,
    /// Wilson's 95 % interval of it.
    pub accuracy_ci95: Interval,
    /// Mean stated confidence: within the interval where it means what it says.
    pub mean_confidence: f64,
    /// Expected calibration error, a bin to each 50 tickets, 15 at most.
    pub ece: f64,
    /// Multiclass Brier score, in `0..=2`.
    pub brier: f64,
    /// Mean negative log-likelihood, in nats.
    pub nll: f64,
}

impl GroupMetrics {
    fn new(p: &Predictions) -> Self {
        let n = p.n();
        let mut confidences: Vec<f64> = p.scored().map(|s| s.confidence).collect();
        // A sum does not depend on the order of the tickets once they are sorted.
        confidences.sort_unstable_by(f64::total_cmp);
        Self {
            n,
            accuracy: p.hits() as f64 / n as f64,
            accuracy_ci95: wilson95(p.hits(), n),
            mean_confidence: confidences.iter().sum::<f64>() / n as f64,
            ece: ece(&p.ranking(), (n / A_BIN).clamp(1, super::ECE_BINS)),
            brier: brier(p),
            nll: nll(p),
        }
    }
}

/// The figures of each group of `p`'s tickets that has enough of them; `group` names each ticket's, if any.
///
/// # Panics
/// When there is not one name for each ticket.
pub fn by_group<'a>(
    p: &Predictions,
    group: impl Iterator<Item = Option<&'a str>>,
) -> BTreeMap<String, GroupMetrics> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut n = 0;
    for (i, name) in group.enumerate() {
        name.into_iter().for_each(|name| members.entry(name).or_default().push(i));
        n += 1;
    }
    assert_eq!(n, p.n(), "one group for each ticket");
    members
        .into_iter()
        .filter(|(_, tickets)| tickets.len() >= LEAST_GROUP)
        .map(|(name, tickets)| (name.to_owned(), GroupMetrics::new(&p.of(&tickets))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_own_figures_and_small_ones_none() {
        let n = 260;
        let row = |i: usize| if i < 120 { [0.9, 0.1] } else { [0.4, 0.6] };
        let truth = |i: usize| Some(u32::from(i >= 120 || i.is_multiple_of(10)));
        let p = Predictions::new(2, (0..n).flat_map(row).collect(), (0..n).map(truth).collect()).unwrap();
        let name = |i: usize| {
            [Some("acme"), Some("bolt"), Some("few"), None]
                [usize::from(i >= 120) + usize::from(i >= 230) + usize::from(i >= 250)]
        };
        let groups = by_group(&p, (0..n).map(name));
        assert_eq!(groups.keys().collect::<Vec<_>>(), ["acme", "bolt"]);
        let acme = groups["acme"];
        assert_eq!((acme.n, acme.accuracy), (120, 0.9));
        assert!(acme.ece < 1e-6 && (acme.mean_confidence - 0.9).abs() < 1e-6, "{acme:?}");
        assert!((groups["bolt"].ece - 0.4).abs() < 1e-6 && groups["bolt"].accuracy == 1.0);
    }
}
