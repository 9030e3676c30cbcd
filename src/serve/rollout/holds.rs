//! Holds, and their end.
//!
//! A hold takes effect at once and asks for a reason; its end asks for more.

use firstline_fault::{Code, Result, UserError};
use firstline_rollout::Trigger;
use firstline_store::{GrantScope, Hold, HoldRecord, NewHold, Store};
use firstline_ticket::Phase;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::scopes::{covers, has};
use super::text::{self, SHADOW_TO_ASSIST};
use super::{criteria, weeks};
use crate::auth::{Person, Scope};

/// How far a hold goes, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldLevel {
    /// No new grants.
    PauseExpansion,
    /// No new grants: training data is cleaned until there is another bundle.
    Cleanup,
    /// From autonomous to assist.
    Pause,
    /// To shadow.
    BackOut,
    /// To shadow, on the word of anybody with the right to stop: decisions and drafts are recorded, and nothing is done.
    Stop,
}

impl HoldLevel {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PauseExpansion => "pause_expansion",
            Self::Cleanup => "cleanup",
            Self::Pause => "pause",
            Self::BackOut => "back_out",
            Self::Stop => "stop",
        }
    }
}

impl From<HoldLevel> for Hold {
    fn from(level: HoldLevel) -> Self {
        match level {
            HoldLevel::PauseExpansion => Self::PauseExpansion,
            HoldLevel::Cleanup => Self::Cleanup,
            HoldLevel::Pause => Self::Pause,
            HoldLevel::BackOut => Self::BackOut,
            HoldLevel::Stop => Self::Stop,
        }
    }
}

impl From<Hold> for HoldLevel {
    fn from(level: Hold) -> Self {
        match level {
            Hold::PauseExpansion => Self::PauseExpansion,
            Hold::Cleanup => Self::Cleanup,
            Hold::Pause => Self::Pause,
            Hold::BackOut => Self::BackOut,
            Hold::Stop => Self::Stop,
        }
    }
}

/// What something is about; what is missing stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scoped {
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub customer: Option<String>,
    /// The board that was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub board: Option<String>,
    /// The type that was decided.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub ticket_type: Option<String>,
}

impl Scoped {
    pub(super) fn scope(&self) -> Result<GrantScope> {
        let named =
            |place: &str, of: &Option<String>| of.as_deref().map(|name| text::name(place, name)).transpose();
        let customer = named("customer", &self.customer)?;
        Ok(GrantScope {
            customer: customer.map(|name| firstline_ticket::customer_key(&name)),
            board: named("board", &self.board)?,
            ticket_type: named("type", &self.ticket_type)?,
        })
    }
}

impl From<GrantScope> for Scoped {
    fn from(scope: GrantScope) -> Self {
        let GrantScope { customer, board, ticket_type } = scope;
        Self { customer, board, ticket_type }
    }
}

/// A hold that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRequest {
    /// How far it goes.
    pub level: HoldLevel,
    /// What it is about.
    pub scope: Scoped,
    /// Why.
    pub reason: String,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HoldView {
    /// Its number.
    pub hold: i64,
    /// How far it goes.
    pub level: HoldLevel,
    /// What it is about.
    pub scope: Scoped,
    /// Since when.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// The person, or `firstline` where a trigger fired.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The figures that a trigger fired on: `trigger`, `week`, `found`, `limit`, `n`, and what else belongs to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>, additional_properties)]
    pub figures: Option<Value>,
    /// Actions that were held back when it was put on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    /// Actions that somebody was at when it fired: they can't be called back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub in_flight: Vec<i64>,
    /// What was done here in the seven days before and customers could see, for people to look through: the newest 200 actions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub to_check: Vec<i64>,
}

/// Days before a hold whose actions are looked through,
const CHECKED_DAYS: i64 = 7;
/// and how many of them at most.
const MOST_CHECKED: usize = 200;

impl From<HoldRecord> for HoldView {
    fn from(hold: HoldRecord) -> Self {
        let HoldRecord { id, level, scope, at, by, reason, figures, .. } = hold;
        Self {
            hold: id,
            level: level.into(),
            scope: scope.into(),
            at,
            by,
            reason,
            figures,
            held: None,
            in_flight: Vec::new(),
            to_check: Vec::new(),
        }
    }
}

impl HoldView {
    /// A hold with what is to be looked through, where it keeps anything from being done.
    pub(super) fn with_actions(self, store: &dyn Store) -> Result<Self> {
        if HoldLevel::Pause > self.level {
            return Ok(self);
        }
        let Scoped { customer, board, ticket_type } = self.scope.clone();
        let scope = GrantScope { customer, board, ticket_type };
        let from = self.at.checked_sub((24 * CHECKED_DAYS).hours()).unwrap_or(Timestamp::MIN);
        let seen = store.seen_actions(from, self.at.checked_add(1.microseconds()).unwrap_or(self.at))?;
        let here = seen.iter().rev().filter(|one| has(&scope, &one.customer, &one.board, &one.ticket_type));
        Ok(Self { to_check: here.map(|one| one.id).take(MOST_CHECKED).collect(), ..self })
    }
}

/// What was done where a hold is, in the seven days before it, and customers could see: the newest 200 actions.
///
/// # Errors
/// As for the store's calls.
pub(crate) fn to_check(store: &dyn Store, hold: HoldRecord) -> Result<Vec<i64>> {
    Ok(HoldView::from(hold).with_actions(store)?.to_check)
}

/// Puts a scope on hold. To stop takes the right to stop, everything milder the right to manage.
///
/// # Errors
/// [`Code::Scope`] without the right; [`Code::Request`] without a reason.
pub fn hold(store: &dyn Store, request: &HoldRequest, person: &Person, now: Timestamp) -> Result<HoldView> {
    let right = if request.level == HoldLevel::Stop { Scope::Stop } else { Scope::Manage };
    person.may(right)?;
    let new = NewHold {
        level: request.level.into(),
        scope: request.scope.scope()?,
        by: person.author(),
        reason: text::reason(&request.reason)?,
        figures: None,
        trigger_key: None,
    };
    // A pilot is known before its first ticket.
    let GrantScope { customer, board, ticket_type } = &new.scope;
    let pilots = store.programme()?.map(|programme| programme.pilots).unwrap_or_default();
    let is_pilot = board.is_none() && ticket_type.is_none();
    let is_pilot = is_pilot && customer.as_ref().is_some_and(|name| pilots.contains(name));
    if !is_pilot && !store.is_known(&new.scope)? {
        let problem = "no ticket on record was decided for that customer, board and type";
        let next = "Spell them as decisions do (GET /v1/decisions/{id}), or put more on hold: nothing was put on hold";
        return Err(UserError::new(Code::NotFound, "the scope of the hold", problem, next).into());
    }
    Ok(put(store, &new, now)?.0)
}

/// Puts a hold on record; whether its trigger had fired before, so that nothing was changed.
pub(super) fn put(store: &dyn Store, new: &NewHold, now: Timestamp) -> Result<(HoldView, bool)> {
    let held = store.hold(new, now)?;
    let view = HoldView {
        hold: held.id,
        level: new.level.into(),
        scope: new.scope.clone().into(),
        at: now,
        by: new.by.person.clone(),
        reason: new.reason.clone(),
        figures: new.figures.clone(),
        held: Some(held.held),
        in_flight: held.in_flight,
        to_check: Vec::new(),
    };
    Ok((view.with_actions(store)?, held.is_known))
}

/// Ends a hold. After a back-out or a stop that takes evidence of later: the gate passed again, and a week that began and settled since
/// with the agreement that the criteria ask for. After a certificate was refuted it takes another grant. Nothing rises above what was
/// granted before.
///
/// # Errors
/// [`Code::Scope`] without the right to approve the rollout; [`Code::NotFound`] where no such hold is in force; [`Code::Conflict`]
/// where the evidence is missing.
pub fn resume(
    store: &dyn Store,
    hold: i64,
    reason: &str,
    person: &Person,
    now: Timestamp,
) -> Result<HoldView> {
    person.may(Scope::ApproveRollout)?;
    let reason = text::reason(reason)?;
    let missing = || {
        let next = "`firstline rollout status` lists the holds in force";
        UserError::new(Code::NotFound, format!("hold {hold}"), "no such hold is in force", next)
    };
    let record = store.holds(true)?.into_iter().find(|one| one.id == hold).ok_or_else(missing)?;
    if record.level >= Hold::BackOut
        && let Some(lacks) = lacking(store, &record, now)?
    {
        let next = "Wait for that evidence; the hold stays until then";
        return Err(UserError::new(Code::Conflict, format!("hold {hold}"), lacks, next).into());
    }
    if refutes_a_certificate(&record) && !is_granted_anew(store, &record)? {
        let problem = "the certificate that was refuted is still the one that is granted";
        let next =
            "Ask for another grant with evidence measured since: firstline rollout gate --to autonomous";
        return Err(UserError::new(Code::Conflict, format!("hold {hold}"), problem, next).into());
    }
    if !store.release_hold(hold, &person.author(), &reason, now)? {
        return Err(missing().into());
    }
    Ok(HoldView { by: person.name.clone(), at: now, reason, ..record.into() })
}

/// Whether it was put on by what came of a certificate's decisions.
pub(super) fn refutes_a_certificate(hold: &HoldRecord) -> bool {
    // A key is a list of JSON that begins with its trigger.
    let begins = format!("[\"{}\",", Trigger::Certificate.name());
    hold.trigger_key.as_deref().is_some_and(|key| key.starts_with(&begins))
}

/// Whether the category of a hold was granted again since, or is no longer granted.
fn is_granted_anew(store: &dyn Store, hold: &HoldRecord) -> Result<bool> {
    let grants = store.grants(true)?;
    let mut here = grants.iter().rev().filter(|grant| grant.scope == hold.scope);
    Ok(here.next().is_none_or(|grant| grant.since > hold.at || grant.phase < Phase::Autonomous))
}

/// What is missing before a back-out or a stop may end.
fn lacking(store: &dyn Store, hold: &HoldRecord, now: Timestamp) -> Result<Option<String>> {
    let passed = store.verdicts(Some(SHADOW_TO_ASSIST))?;
    if !passed.iter().any(|verdict| verdict.passed && verdict.at > hold.at) {
        return Ok(Some("the gate has not passed since: firstline rollout gate".to_owned()));
    }
    let needed = criteria::standing(store, now)?.map_or(0.75, |(_, criteria)| criteria.rollback.agreement);
    let settled = weeks::settled_in(store, &hold.scope, hold.at, now)?;
    let good = settled.iter().filter(|(_, figures, _)| {
        let agreement = figures.get("agreement").and_then(|figure| figure.value);
        agreement.is_some_and(|found| found >= needed)
    });
    let good: Vec<_> = good.collect();
    if good.is_empty() {
        return Ok(Some(format!(
            "no week that began since has settled here with an agreement of {needed:.2} or more"
        )));
    }
    let Some(barred) = barred_bundle(store, &hold.scope, now)? else { return Ok(None) };
    let others = good.iter().any(|(_, _, bundles)| !bundles.is_empty() && !bundles.contains_key(&barred));
    let lacks = format!(
        "it is back-out no. {BARS} or more within {BARRED_DAYS} days: train another bundle, and have a week decided by it settle"
    );
    Ok((!others).then_some(lacks))
}

/// Back-outs of a category within
const BARS: usize = 3;
/// so many days that bar its bundle.
const BARRED_DAYS: i64 = 90;

/// The bundle by which nothing is granted in a category any more: that of the category's newest grant, where three back-outs have
/// concerned the category in the last 90 days. `None` where there were fewer, or no grant names a bundle.
///
/// # Errors
/// As for the store's calls.
pub fn barred_bundle(store: &dyn Store, category: &GrantScope, now: Timestamp) -> Result<Option<String>> {
    let since = now.checked_sub((24 * BARRED_DAYS).hours()).unwrap_or(Timestamp::MIN);
    let concerns =
        |hold: &&HoldRecord| hold.level == Hold::BackOut && hold.at > since && covers(&hold.scope, category);
    if store.holds(false)?.iter().filter(concerns).count() < BARS {
        return Ok(None);
    }
    let grants = store.grants(true)?.into_iter().rev();
    let mut here = grants.filter(|grant| {
        grant.bundle.is_some() && (covers(&grant.scope, category) || covers(category, &grant.scope))
    });
    Ok(here.next().and_then(|grant| grant.bundle))
}
