//! Who takes the steps of the programme: a manager and an owner sign it and start it.
//!
//! Must never grant anything: that is the gates'.

use std::path::Path;

use firstline_rollout::{
    Desk as RolloutDesk, PilotSetting, Population, TicketFacts, baseline, pilots, select,
};
use firstline_serve::rollout::{SignRequest, StartRequest, add_criteria, sign, start};
use firstline_serve::{Person, Scope};
use firstline_ticket::customer_key;
use firstline_triage::Policy;
use serde_json::json;
use std::collections::BTreeMap;

use super::stage::Stage;
use crate::commands::demo::psa::Desk;
use crate::commands::rollout::history::{History, Wanted};
use crate::failure::Failure;
use crate::ui::Ui;

/// Pilots of the programme.
const PILOTS: usize = 20;
/// Days of the baseline.
const BASELINE_DAYS: u16 = 90;

/// What the programme stands on.
pub(super) struct Past {
    /// Facts of all generated tickets.
    pub(super) facts: Vec<TicketFacts>,
    /// The pilots, in the form that customers are compared in.
    pub(super) pilots: Vec<String>,
    pub(super) manager: Person,
    pub(super) owner: Person,
}

/// Signs, and starts the programme with the best pilots.
pub(super) fn begin(
    stage: &mut Stage,
    desk: &Desk,
    (history, criteria): (&Path, &str),
    ui: &Ui,
) -> Result<Past, Failure> {
    let now = stage.clock.now();
    let facts = History::read(history, &Policy::built_in()?, Wanted::default(), ui)?.facts;
    let known: Vec<TicketFacts> =
        facts.iter().filter(|ticket| ticket.opened_at < now).map(|ticket| ticket.as_of(now)).collect();
    let rollout_desk = RolloutDesk { hours: &stage.rules.hours, tiers: &stage.rules.tiers, basis: None };
    let measured = baseline(&known, &rollout_desk, (desk.from, BASELINE_DAYS), now)?;
    let people = select(&known, Population::People).tickets;
    let weeks = measured.days as f64 / 7.0;
    let people: Vec<&TicketFacts> =
        people.into_iter().filter(|ticket| ticket.opened_at >= measured.from).collect();
    let (minutes, notes) = (BTreeMap::new(), BTreeMap::new());
    let ranked =
        pilots(&people, &PilotSetting { desk: &rollout_desk, weeks, minutes: &minutes, notes: &notes });
    let named = ranked.into_iter().filter(|pilot| pilot.excluded.is_none()).take(PILOTS);
    let named: Vec<String> = named.map(|pilot| customer_key(&pilot.customer)).collect();
    let manager = stage.person("Mira Manager", &[Scope::Admin])?;
    let owner = stage.person("Olaf Owner", &[Scope::Manage, Scope::ApproveRollout])?;
    let store = stage.store.as_ref();
    add_criteria(store, criteria, &manager, now)?;
    for (person, role) in [(&manager, "service manager"), (&owner, "owner")] {
        let typed_name = person.name.clone();
        sign(
            store,
            &SignRequest { version: None, sha256: None, typed_name, role: role.to_owned() },
            person,
            now,
        )?;
    }
    let request = StartRequest {
        on: None,
        pilots: named.clone(),
        baseline: json!({"baseline": measured}).to_string(),
        reason: "the desk agreed to it".to_owned(),
    };
    start(store, stage.rules.zone(), &request, &manager, now)?;
    Ok(Past { facts, pilots: named, manager, owner })
}
