//! `/rollout`: how the programme stands, and what a person does with it.
//!
//! Ends in the functions of the API's calls, which ask for the rights. To stop takes the right to stop and nothing else.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use firstline_fault::Code;
use firstline_pages::Place;
use firstline_pages::manage::rollout::{
    EvidenceView, HeldView, evidence_page, held_page, rollout_page, verdict_page,
};
use firstline_pages::manage::{Phase as PhaseView, title};
use firstline_rollout::Evidence;
use firstline_store::ActionState;
use firstline_ticket::is_same_person;
use firstline_triage::sha256_hex;

use super::answer::{self, lead_to};
use super::form::Form;
use super::review::read;
use super::rollout_view::{of_assist, of_autonomous, view};
use super::told::{self, act};
use super::view::moment;
use super::viewer::Viewer;
use crate::api::requests::missing;
use crate::api::rollout::{ask_assist, ask_autonomous};
use crate::auth::Scope;
use crate::extract::Id;
use crate::problem::Problem;
use crate::rollout::{self, Categories, GateRequest, HoldLevel, HoldRequest, Scoped, SignRequest};
use crate::shared::Shared;

/// Actions that are counted one by one.
const MOST_COUNTED: usize = 100;
/// What a stop has as its reason: it asks for none, since it is not to wait for words.
const STOPPED: &str = "Stopped with one press on the page.";

/// Who makes a request, whatever they may do: what is done asks for its right itself.
pub(super) struct Anyone(Viewer);

impl FromRequestParts<Arc<Shared>> for Anyone {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        Viewer::anyone(parts, shared).await.map(Self)
    }
}

/// The page.
pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> Response {
    let (reader, said) = (viewer.clone(), told::said(&read(query)));
    match told::alone(&shared, &viewer, move |shared| view(shared, &reader, said)).await {
        Ok(view) => {
            let main = rollout_page(&view, viewer.look.language);
            told::page(&viewer, Place::Rollout, &main)
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

/// A text of a form; `None` where nothing was typed.
fn text(form: &Form, name: &str) -> Option<String> {
    Some(form.get(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Stops everything, at once.
pub(super) async fn stop(
    State(shared): State<Arc<Shared>>,
    Anyone(viewer): Anyone,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "", |shared, viewer, _| {
        let request =
            HoldRequest { level: HoldLevel::Stop, scope: Scoped::default(), reason: STOPPED.to_owned() };
        let held =
            rollout::hold(shared.store.as_ref(), &request, &viewer.caller.person()?, shared.clock.now())?;
        Ok(lead_to(&format!("/rollout/holds/{}", held.hold)))
    })
    .await
}

/// Puts a scope on hold.
pub(super) async fn hold(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "reason", |shared, viewer, form| {
        let level = [HoldLevel::PauseExpansion, HoldLevel::Pause, HoldLevel::BackOut, HoldLevel::Stop]
            .into_iter()
            .find(|level| level.name() == form.get("level"));
        let next = "Choose how far it goes";
        let level = level.ok_or_else(|| Problem::new(Code::Request, "level", "no such level", next))?;
        let scope = Scoped {
            customer: text(form, "customer"),
            board: text(form, "board"),
            ticket_type: text(form, "type"),
        };
        let request = HoldRequest { level, scope, reason: form.get("reason").to_owned() };
        let held =
            rollout::hold(shared.store.as_ref(), &request, &viewer.caller.person()?, shared.clock.now())?;
        Ok(lead_to(&format!("/rollout/holds/{}", held.hold)))
    })
    .await
}

/// Ends a hold.
pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "reason", |shared, viewer, form| {
        let number = form.get("hold").parse::<i64>().map_err(|_| missing("hold"))?;
        let (person, now) = (viewer.caller.person()?, shared.clock.now());
        rollout::resume(shared.store.as_ref(), number, form.get("reason"), &person, now)?;
        Ok(lead_to("/rollout?done=1"))
    })
    .await
}

/// What a hold holds back, and how to go on.
pub(super) async fn held(State(shared): State<Arc<Shared>>, Anyone(viewer): Anyone, Id(id): Id) -> Response {
    let reader = viewer.clone();
    let made = shared.blocking(move |shared| held_view(shared, &reader, &id)).await;
    match made {
        Ok(view) => {
            let back = format!("/rollout/holds/{}", view.hold.id);
            let main = held_page(&view, viewer.look.language);
            answer::page_at(
                viewer.reader(),
                (Place::Rollout, false),
                (StatusCode::OK, title(Place::Rollout, viewer.look.language), &back),
                &main,
            )
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

fn held_view(shared: &Shared, viewer: &Viewer, id: &str) -> Result<HeldView, Problem> {
    // Who has just stopped sees what that did, whatever else they may see.
    viewer.caller.may_for_all(Scope::Review).or_else(|_| viewer.caller.may_for_all(Scope::Stop))?;
    let number = id.parse::<i64>().map_err(|_| missing("hold"))?;
    let (store, zone) = (shared.store.as_ref(), shared.live.load().zone.clone());
    let record = store.holds(false)?.into_iter().find(|one| one.id == number);
    let record = record.ok_or_else(|| missing("hold"))?;
    let customers = &viewer.caller.customers;
    let of = |state| store.actions(Some(state), customers, None, MOST_COUNTED);
    let (held, claimed) = (of(ActionState::Held)?, of(ActionState::Claimed)?);
    Ok(HeldView {
        hold: told::hold(&record, &zone),
        held: held.items.len(),
        more_held: held.more,
        in_flight: claimed.items.iter().map(|one| one.id).collect(),
        to_check: rollout::to_check(store, record)?,
        may_resume: viewer.caller.person.is_some()
            && viewer.caller.may_for_all(Scope::ApproveRollout).is_ok(),
    })
}

/// Signs a version of the criteria.
pub(super) async fn sign(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "", |shared, viewer, form| {
        let next = "Sign on the page, which says which version it shows";
        let version = form.get("version").parse::<u32>();
        let version = version.map_err(|_| Problem::new(Code::Request, "version", "no number", next))?;
        let request = SignRequest {
            version: Some(version),
            sha256: Some(form.get("sha256").to_owned()),
            typed_name: form.get("typed_name").to_owned(),
            role: form.get("role").to_owned(),
        };
        rollout::sign(shared.store.as_ref(), &request, &viewer.caller.person()?, shared.clock.now())?;
        Ok(lead_to("/rollout?done=1"))
    })
    .await
}

/// The phase that the gate of a form leads to.
fn gate_of(form: &Form) -> Result<PhaseView, Problem> {
    let to = PhaseView::named(form.get("to")).filter(|to| *to >= PhaseView::Assist);
    to.ok_or_else(|| Problem::new(Code::Request, "to", "no gate leads there", "Ask for assist or autonomous"))
}

/// Shows evidence by its hash. Nothing is asked yet.
pub(super) async fn gate(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "evidence", |shared, viewer, form| {
        viewer.caller.person()?.may(Scope::ApproveRollout)?;
        let (to, text) = (gate_of(form)?, form.get("evidence"));
        let evidence = Evidence::parse(text.as_bytes(), "the evidence")?;
        let shown = EvidenceView {
            to,
            sha256: sha256_hex(text.as_bytes()),
            made_at: moment(evidence.made_at, &shared.live.load().zone),
            bundle: evidence.bundle.id.clone(),
            text: text.to_owned(),
            board: form.get("board").trim().to_owned(),
            category: form.get("type").trim().to_owned(),
        };
        Ok(told::page(viewer, Place::Rollout, &evidence_page(&shown, viewer.look.language)))
    })
    .await
}

/// Asks a gate with the evidence whose hash was shown, in the name that was typed.
pub(super) async fn promote(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "reason", |shared, viewer, form| {
        let person = viewer.caller.person()?;
        let (to, evidence) = (gate_of(form)?, form.get("evidence"));
        let typed = form.get("typed_name").trim();
        if typed.is_empty() || !is_same_person(typed, &person.name) {
            let problem = format!("it is not the name of {}", person.name);
            let next = "Type your own name: it stands for what is promoted";
            return Err(Problem::new(Code::Request, "typed_name", problem, next));
        }
        if sha256_hex(evidence.as_bytes()) != form.get("sha256") {
            let next = "Show the evidence again, and compare its hash";
            return Err(Problem::new(Code::Conflict, "the evidence", "it is not what was shown", next));
        }
        let request =
            GateRequest { evidence: evidence.as_bytes().to_vec(), reason: form.get("reason").to_owned() };
        let zone = shared.live.load().zone.clone();
        let verdict = match to {
            PhaseView::Autonomous => {
                let which = Categories { board: text(form, "board"), ticket_type: text(form, "type") };
                of_autonomous(&ask_autonomous(shared, &viewer.caller, (&request, &which))?)
            }
            _ => of_assist(&ask_assist(shared, &viewer.caller, &request)?),
        };
        let by = firstline_pages::manage::rollout::VerdictView {
            at: moment(shared.clock.now(), &zone),
            by: person.name,
            ..verdict
        };
        let status = if by.passed { StatusCode::OK } else { StatusCode::CONFLICT };
        let main = verdict_page(to, &by, viewer.look.language);
        Ok(answer::page_at(
            viewer.reader(),
            (Place::Rollout, false),
            (status, title(Place::Rollout, viewer.look.language), "/rollout"),
            &main,
        ))
    })
    .await
}
