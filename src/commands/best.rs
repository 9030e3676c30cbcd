//! The desk's best technicians, with whom agreement is measured apart: those that the tiers file names, else those whose boards and
//! types `firstline audit-labels` doubts least.
//!
//! Must never choose them by tickets that the agreement is measured on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use firstline_psa::read_doubted;
use firstline_rollout::{Tiers, best_technicians};
use firstline_ticket::Field;

use crate::failure::Failure;
use crate::files;

/// Labels that are in doubt.
#[derive(Debug, Default, Args)]
pub(super) struct DoubtsArg {
    /// Sheet of `firstline audit-labels` over the history: the best technicians are the quarter that it doubts least, unless the tiers
    /// file names them as `best`.
    #[arg(long, value_name = "CSV")]
    doubts: Option<PathBuf>,
}

/// The best technicians.
#[derive(Debug, Default)]
pub(super) struct Best {
    /// Their names; empty where nobody knows them.
    pub(super) names: BTreeSet<String>,
    /// Whether somebody has named them.
    pub(super) named: bool,
    /// Why there are none.
    pub(super) why_none: Option<&'static str>,
}

/// Tickets that each technician closed, and those of them of which the board or the type is in doubt.
#[derive(Debug, Default)]
pub(super) struct Tally {
    doubted: BTreeSet<String>,
    technicians: BTreeMap<String, (u64, u64)>,
}

impl Tally {
    /// With the ids of the tickets that are in doubt.
    pub(super) fn new(doubted: BTreeSet<String>) -> Self {
        Self { doubted, technicians: BTreeMap::new() }
    }

    /// Counts a ticket that `technician` closed.
    pub(super) fn add(&mut self, id: &str, technician: &str) {
        let (closed, doubted) = self.technicians.entry(technician.to_owned()).or_default();
        *closed += 1;
        *doubted += u64::from(self.doubted.contains(id));
    }

    /// The best of them.
    pub(super) fn best(&self) -> BTreeSet<String> {
        best_technicians(&self.technicians)
    }
}

/// The fields whose doubts count.
pub(super) const JUDGED: [Field; 2] = [Field::Board, Field::Type];

impl DoubtsArg {
    /// Whether a sheet is named.
    pub(super) fn is_given(&self) -> bool {
        self.doubts.is_some()
    }

    /// The best technicians of a desk with `tiers`. `closed` counts the tickets of its history.
    pub(super) fn best(
        &self,
        tiers: &Tiers,
        closed: impl FnOnce(&mut Tally) -> Result<(), Failure>,
    ) -> Result<Best, Failure> {
        if !tiers.best.is_empty() {
            return Ok(Best { names: tiers.best.clone(), named: true, why_none: None });
        }
        let Some(path) = &self.doubts else {
            let why = "the tiers file names none as `best`, and --doubts names no sheet of `firstline audit-labels`";
            return Ok(Best { why_none: Some(why), ..Best::default() });
        };
        let doubted = read_doubted(files::open(path)?, &files::name_of(path))?;
        let of_judged = doubted.into_iter().filter(|(_, field)| JUDGED.contains(field));
        let mut tally = Tally::new(of_judged.map(|(id, _)| id).collect());
        closed(&mut tally)?;
        let names = tally.best();
        let why_none = names.is_empty().then_some("no technician closed 100 tickets of the history");
        Ok(Best { names, named: false, why_none })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r24_those_that_somebody_named_go_before_those_that_are_doubted_least() {
        let mut tally = Tally::new((0..400).step_by(4).map(|i| format!("T{i}")).collect());
        // A quarter of ben's tickets is in doubt, none of ada's; dora has closed too few.
        (0..100).for_each(|i| tally.add(&format!("T{i}"), "ben"));
        (0..100).for_each(|i| tally.add(&format!("T{}", 4 * i + 1), "ada"));
        (0..99).for_each(|i| tally.add(&format!("T{}", 4 * i + 2), "dora"));
        assert_eq!(tally.best(), BTreeSet::from(["ada".to_owned()]));
        let named = Tiers { best: ["ben".to_owned()].into(), ..Tiers::default() };
        let best = DoubtsArg::default().best(&named, |_| Ok(())).unwrap();
        assert!(best.named && best.names == named.best && best.why_none.is_none());
        let none = DoubtsArg::default().best(&Tiers::default(), |_| Ok(())).unwrap();
        assert!(none.names.is_empty() && none.why_none.unwrap().contains("--doubts"));
    }
}
