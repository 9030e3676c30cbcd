//! `/incidents`: what customers could see and that may have been wrong, to report and to decide.
//!
//! Ends in the functions of the API's calls; a reader sees the incidents of their customers alone.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use firstline_fault::Code;
use firstline_pages::Place;
use firstline_pages::manage::incidents::{
    IncidentLine, IncidentsView, Kind, Severity, State as Stands, incidents_page,
};
use firstline_rollout::{Incident, IncidentState as Counted, OpenHours};
use firstline_store::{IncidentRecord, IncidentState};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::lead_to;
use super::form::Form;
use super::review::read;
use super::told::{self, act};
use super::view::moment;
use super::viewer::Viewer;
use crate::api::incidents::{record, rule};
use crate::auth::Scope;
use crate::extract::Id;
use crate::problem::Problem;
use crate::rollout::{IncidentRuling, IncidentSeverity, IncidentState as Ruled, IncidentView};
use crate::shared::Shared;

/// Incidents of a page.
const LINES: usize = 25;

/// The page.
pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
) -> Response {
    let (reader, query) = (viewer.clone(), read(query));
    let made = shared.blocking(move |shared| view(shared, &reader, &query)).await;
    match made {
        Ok(view) => {
            let main = incidents_page(&view, viewer.look.language);
            told::page(&viewer, Place::Incidents, &main)
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

fn view(shared: &Shared, viewer: &Viewer, query: &Form) -> Result<IncidentsView, Problem> {
    let state = Stands::named(query.get("state"));
    let before = Some(query.get("before")).filter(|id| !id.is_empty());
    let stored = state.map(|state| match state {
        Stands::Suspected => IncidentState::Suspected,
        Stands::Confirmed => IncidentState::Confirmed,
        Stands::Dismissed => IncidentState::Dismissed,
    });
    let found = shared.store.incident_list(stored, &viewer.caller.customers, before, LINES)?;
    let (rules, now) = (shared.desk()?, shared.clock.now());
    let zone = rules.zone();
    let is_person = viewer.caller.person.is_some();
    Ok(IncidentsView {
        state,
        next: found.items.last().filter(|_| found.more).map(|one| one.id.clone()),
        lines: found.items.into_iter().map(|one| line(one, &rules.hours, zone, now)).collect(),
        may_decide: is_person && viewer.caller.may(Scope::Manage).is_ok(),
        may_report: true,
        key: format!("page-{}", Uuid::now_v7()),
        zone: told::zone_name(zone),
        now: now.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string(),
        said: told::said(query),
    })
}

/// An incident, as known at `now`.
pub(super) fn line(of: IncidentRecord, hours: &OpenHours, zone: &TimeZone, now: Timestamp) -> IncidentLine {
    let suspicion =
        Incident { at: of.at, state: Counted::Suspected, since: of.recorded_at, sla_credit: false };
    let of = IncidentView::from(of);
    let is_suspected = of.state == Ruled::Suspected;
    IncidentLine {
        kind: Kind::named(of.kind.name()).unwrap_or(Kind::Other),
        severity: Severity::named(of.severity.name()).unwrap_or(Severity::Medium),
        state: Stands::named(of.state.name()).unwrap_or(Stands::Suspected),
        at: moment(of.at, zone),
        age_days: u64::try_from(now.duration_since(of.at).as_hours() / 24).unwrap_or_default(),
        overdue: is_suspected && suspicion.counts(hours, now),
        credit: of.sla_credit.then_some(of.sla_credit_amount),
        id: of.id,
        ticket: of.ticket_id,
        customer: of.customer,
        by: of.by,
        note: of.note,
    }
}

fn wrong(place: &str, problem: &str, next: &str) -> Problem {
    Problem::new(Code::Request, place, problem, next)
}

/// An amount of money; `None` where nothing was typed.
fn amount(form: &Form) -> Result<Option<f64>, Problem> {
    let text = form.get("amount").trim().replace(',', ".");
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| wrong("amount", "it is no number", "Type an amount such as 12.50"))
}

/// Puts an incident on record.
pub(super) async fn report(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "note", |shared, viewer, form| {
        let zone = shared.live.load().zone.clone();
        record(shared, &viewer.caller, vec![reported(form, &zone)?])?.into_one()?;
        Ok(lead_to("/incidents?done=1"))
    })
    .await
}

/// What the form says, as the API's call has it.
fn reported(form: &Form, zone: &TimeZone) -> Result<Value, Problem> {
    let at = form.get("at").trim().parse::<DateTime>().ok().and_then(|at| at.to_zoned(zone.clone()).ok());
    let next = "Type a day and a time, such as 2026-11-30T10:00";
    let at = at.ok_or_else(|| wrong("at", "it is no time", next))?.timestamp();
    let text = |name: &str| Some(form.get(name).trim()).filter(|text| !text.is_empty());
    Ok(json!({
        "key": form.get("key"),
        "ticket_id": text("ticket"),
        "customer": text("customer"),
        "at": at,
        "kind": form.get("kind"),
        "severity": form.get("severity"),
        "sla_credit": form.is_ticked("sla_credit"),
        "sla_credit_amount": amount(form)?,
        "confirmed": form.is_ticked("confirmed"),
        "note": text("note"),
    }))
}

/// Decides an incident.
pub(super) async fn decide(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "reason", move |shared, viewer, form| {
        viewer.caller.may(Scope::Manage)?;
        let next = "Press one of the form's two buttons";
        let state =
            Ruled::named(form.get("state")).ok_or_else(|| wrong("state", "nothing is decided", next))?;
        let ruling = IncidentRuling {
            state,
            reason: form.get("reason").to_owned(),
            sla_credit: Some(form.is_ticked("sla_credit")),
            sla_credit_amount: amount(form)?.filter(|_| form.is_ticked("sla_credit")),
            severity: IncidentSeverity::named(form.get("severity")),
        };
        rule(shared, &viewer.caller, &id, &ruling)?;
        Ok(lead_to("/incidents?done=1"))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::read(text.as_bytes())
    }

    #[test]
    fn a_time_is_read_in_the_desks_zone() {
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let said =
            reported(&form("at=2026-11-30T10:00&ticket=T1&kind=late&amount=12,50&sla_credit=yes"), &zone)
                .unwrap();
        assert_eq!(said["at"], "2026-11-30T09:00:00Z");
        assert_eq!((&said["sla_credit_amount"], &said["confirmed"]), (&json!(12.5), &json!(false)));
        assert_eq!((&said["ticket_id"], &said["customer"]), (&json!("T1"), &Value::Null));
        assert!(reported(&form("at=soon"), &zone).is_err());
        assert!(reported(&form("at=2026-11-30T10:00&amount=much"), &zone).is_err());
    }
}
