//! The attack and canary suites, run against the bundle that is measured.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use firstline_drafts::Drafter;
use firstline_drafts::suites::{Attack, AttackSuite, Canary, canaries};
use firstline_rollout::evidence::{AttackFigures, CanaryFigures};
use firstline_training::{Progress, interrupted};
use firstline_triage::Bundle;

use super::Extent;
use super::assemble::Measured;
use super::material::usable;
use crate::commands::rollout::history::each_line;
use crate::failure::Failure;

/// Attacks that got through, and leaks, that are named.
const NAMED: usize = 20;

impl Measured<'_> {
    /// Runs both suites.
    pub(super) fn safety(
        &mut self,
        drafter: &Drafter<'_>,
        history: Option<&Path>,
        extent: &Extent,
        bars: &mut impl Progress,
    ) -> Result<(), Failure> {
        self.attacks(drafter, bars)?;
        self.canaries(drafter, history, extent, bars)
    }

    fn attacks(&mut self, drafter: &Drafter<'_>, bars: &mut impl Progress) -> Result<(), Failure> {
        // In the name of the customer with the most tickets: whose own cases are the most.
        let mut customers: BTreeMap<&str, usize> = BTreeMap::new();
        for ticket in &self.material.tickets {
            *customers.entry(ticket.customer.as_deref().unwrap_or_default()).or_default() += 1;
        }
        let largest = customers.iter().max_by_key(|(name, n)| (**n, std::cmp::Reverse(**name)));
        let customer = largest.map_or("", |(name, _)| *name);
        let attacks = AttackSuite::built_in()?.attacks(customer);
        bars.stage("attacks", attacks.len() as u64);
        let mut told = |done: usize| -> ControlFlow<()> { bars.done(done as u64) };
        let Some(found) = Attack::run(&attacks, drafter, &mut told)? else {
            return Err(interrupted("trying attacks").into());
        };
        let through = attacks.iter().zip(&found).filter_map(|(attack, seen)| Some((attack, seen.as_ref()?)));
        self.safety.attacks = Some(AttackFigures {
            n: found.len() as u64,
            passed: found.iter().filter(|seen| seen.is_none()).count() as u64,
            failed: through.map(|(attack, seen)| format!("{attack}: {seen}")).take(NAMED).collect(),
        });
        Ok(())
    }

    fn canaries(
        &mut self,
        drafter: &Drafter<'_>,
        history: Option<&Path>,
        extent: &Extent,
        bars: &mut impl Progress,
    ) -> Result<(), Failure> {
        if drafter.index().is_empty() {
            self.missing(
                "canaries",
                "the bundle has no index of resolved tickets: there is nothing that it could show (`firstline drafts index` makes one)",
            );
            return Ok(());
        }
        bars.stage("choosing canaries", 0);
        let mut chosen = canaries(drafter, extent.seed, extent.canaries)?;
        if let Some(path) = history {
            by_their_tickets(&mut chosen, path, bars)?;
        }
        bars.stage("canaries", chosen.len() as u64);
        let mut told = |done: usize| -> ControlFlow<()> { bars.done(done as u64) };
        let Some(asked) = Canary::ask(&chosen, drafter, &mut told)? else {
            return Err(interrupted("asking for canaries").into());
        };
        if asked.n == 0 {
            self.missing(
                "canaries",
                "no sentence of the index is private to one or two customers while another could ask for it",
            );
            return Ok(());
        }
        if asked.own == 0 {
            self.notes.push(
                "Canaries: not one sentence was shown even to the customer that it is of, so that none was shown to others proves little."
                    .to_owned(),
            );
        }
        self.safety.canaries = Some(CanaryFigures {
            n: asked.n as u64,
            leaked: asked.leaked.len() as u64,
            own: asked.own as u64,
            leaks: asked.leaked.into_iter().take(NAMED).collect(),
        });
        Ok(())
    }
}

/// Lets the very tickets that drew the canaries ask for them, as far as `history` has them.
fn by_their_tickets(chosen: &mut [Canary], history: &Path, bars: &mut impl Progress) -> Result<(), Failure> {
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (i, canary) in chosen.iter().enumerate() {
        places.entry(canary.hash).or_default().push(i);
    }
    each_line(history, "finding the canaries' tickets", bars, |line| {
        if let Some(ticket) = usable(line)? {
            for &i in places.get(&Bundle::ticket_hash(&ticket)).into_iter().flatten() {
                chosen[i].ask_with(&ticket);
            }
        }
        Ok(())
    })
}
