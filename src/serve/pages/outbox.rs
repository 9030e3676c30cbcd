//! `/outbox`: what is to be done in the PSA, and what stands in its way.
//!
//! Shows no reply's words. Acts through the functions of the API's calls.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use firstline_pages::Place;
use firstline_pages::manage::outbox::{ActionLine, ActionList, Doing, OutboxView, Standing, outbox_page};
use firstline_store::{Action, ActionKind, ActionOrigin, ActionState};
use jiff::tz::TimeZone;

use super::answer::lead_to;
use super::form::Form;
use super::review::read;
use super::told::{self, act};
use super::view::moment;
use super::viewer::Viewer;
use crate::api::outbox::{put_back, stop};
use crate::auth::Scope;
use crate::extract::Id;
use crate::memory::{self, PAGE_MEMORY};
use crate::problem::Problem;
use crate::shared::Shared;

/// Actions of a list.
const LINES: usize = 50;

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
            let main = outbox_page(&view, viewer.look.language);
            told::page(&viewer, Place::Outbox, &main)
        }
        Err(problem) => viewer.problem(&problem, ""),
    }
}

fn state(standing: Standing) -> ActionState {
    match standing {
        Standing::Waiting => ActionState::Waiting,
        Standing::Held => ActionState::Held,
        Standing::InFlight => ActionState::Claimed,
        Standing::Failed => ActionState::Failed,
    }
}

fn view(shared: &Shared, viewer: &Viewer, query: &Form) -> Result<OutboxView, Problem> {
    memory::grow(PAGE_MEMORY)?;
    let zone = shared.live.load().zone.clone();
    // One list alone where the rest of it is asked for.
    let only = Standing::named(query.get("state"));
    let before = only.and_then(|_| query.get("before").parse().ok());
    let mut lists = Vec::new();
    for standing in Standing::ALL.iter().copied().filter(|one| only.is_none_or(|only| only == *one)) {
        let found = shared.store.actions(Some(state(standing)), &viewer.caller.customers, before, LINES)?;
        lists.push(ActionList {
            standing,
            next: found.items.last().filter(|_| found.more).map(|one| one.id),
            lines: found.items.into_iter().map(|one| line(one, &zone)).collect(),
        });
    }
    Ok(OutboxView { lists, may_retry: may_retry(viewer), may_cancel: true, said: told::said(query) })
}

/// Who manages may put back; so may who does what is in it.
fn may_retry(viewer: &Viewer) -> bool {
    viewer.caller.may(Scope::Manage).or_else(|_| viewer.caller.may(Scope::Act)).is_ok()
}

fn line(of: Action, zone: &TimeZone) -> ActionLine {
    ActionLine {
        id: of.id,
        doing: match of.kind {
            ActionKind::Reply => Doing::Reply,
            ActionKind::SetFields => Doing::SetFields,
            ActionKind::Close => Doing::Close,
            ActionKind::Reopen => Doing::Reopen,
            ActionKind::Run => Doing::Run,
        },
        ticket: of.ticket_id,
        customer: of.customer,
        decision: of.decision_id,
        alone: of.origin == ActionOrigin::Auto,
        attempts: of.attempts,
        until: of.lease_until.filter(|_| of.state == ActionState::Claimed).map(|until| moment(until, zone)),
        fault: of.fault,
    }
}

/// Puts an action back.
pub(super) async fn retry(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "", move |shared, viewer, _| {
        if !may_retry(viewer) {
            viewer.caller.may(Scope::Manage)?;
        }
        put_back(shared, &viewer.caller, &id)?;
        Ok(lead_to("/outbox?done=1"))
    })
    .await
}

/// Cancels what nobody approved.
pub(super) async fn cancel(
    State(shared): State<Arc<Shared>>,
    viewer: Viewer,
    Id(id): Id,
    form: Result<Form, Problem>,
) -> Response {
    act(&shared, viewer, form, "", move |shared, viewer, _| {
        stop(shared, &viewer.caller, &id)?;
        Ok(lead_to("/outbox?done=1"))
    })
    .await
}
