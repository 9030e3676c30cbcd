//! What the manager's pages share: figures, scopes and holds of the rollout as the room `pages` shows them, and how a form is acted on.
//!
//! Must compute no figure, and act only through the function that the API's call ends in.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use firstline_pages::Place;
use firstline_pages::manage::rollout::HoldLine;
use firstline_pages::manage::{FigureView, Level, Phase, Said, ScopeView, title};
use firstline_rollout::Share;
use firstline_store::{GrantScope, Hold, HoldRecord};
use firstline_ticket::Phase as Ceiling;
use jiff::tz::TimeZone;
use maud::Markup;

use super::answer;
use super::form::Form;
use super::view::moment;
use super::viewer::Viewer;
use crate::api::kpis::one_at_a_time;
use crate::auth::Scope;
use crate::problem::Problem;
use crate::rollout::{Figure, HoldLevel};
use crate::shared::Shared;

pub(super) fn figure(of: &Figure) -> FigureView {
    let Figure { value, low, high, count, n } = *of;
    FigureView { value, low, high, count, n }
}

pub(super) fn share(of: &Share) -> FigureView {
    figure(&of.into())
}

pub(super) fn scope(of: &GrantScope) -> ScopeView {
    let GrantScope { customer, board, ticket_type } = of.clone();
    ScopeView { customer, board, category: ticket_type }
}

pub(super) fn phase(of: Ceiling) -> Phase {
    match of {
        Ceiling::Baseline => Phase::Baseline,
        Ceiling::Shadow => Phase::Shadow,
        Ceiling::Assist => Phase::Assist,
        Ceiling::Autonomous => Phase::Autonomous,
    }
}

pub(super) fn level(of: Hold) -> Level {
    Level::named(HoldLevel::from(of).name()).unwrap_or(Level::Stop)
}

pub(super) fn hold(of: &HoldRecord, zone: &TimeZone) -> HoldLine {
    HoldLine {
        id: of.id,
        level: level(of.level),
        scope: scope(&of.scope),
        at: moment(of.at, zone),
        by: of.by.clone(),
        reason: of.reason.clone(),
        released: of.released.as_ref().map(|end| [moment(end.at, zone), end.by.clone(), end.reason.clone()]),
    }
}

/// The desk's zone, as its moments print it.
pub(super) fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// What was said to be done by the page before.
pub(super) fn said(query: &Form) -> Option<Said> {
    query.is_ticked("done").then_some(Said::Done)
}

/// A page of the manager's.
pub(super) fn page(viewer: &Viewer, place: Place, main: &Markup) -> Response {
    let title = title(place, viewer.look.language);
    answer::page_at(viewer.reader(), (place, false), (StatusCode::OK, title, place.address()), main)
}

/// Makes figures of the whole desk, for those who may see them all, and one at a time.
pub(super) async fn alone<T: Send + 'static>(
    shared: &Arc<Shared>,
    viewer: &Viewer,
    make: impl FnOnce(&Shared) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    viewer.caller.may_for_all(Scope::Review)?;
    let one = one_at_a_time().await?;
    let made = shared.blocking(move |shared| {
        let _one = one;
        make(shared)
    });
    made.await
}

/// Acts on a form, away from those who wait. What was written in the field `own` is not lost where it can't be done.
pub(super) async fn act(
    shared: &Arc<Shared>,
    viewer: Viewer,
    form: Result<Form, Problem>,
    own: &str,
    work: impl FnOnce(&Shared, &Viewer, &Form) -> Result<Response, Problem> + Send + 'static,
) -> Response {
    let form = match form {
        Ok(form) => form,
        Err(problem) => return viewer.problem(&problem, ""),
    };
    let (reader, given) = (viewer.clone(), form.clone());
    match shared.blocking(move |shared| work(shared, &reader, &given)).await {
        Ok(response) => response,
        Err(problem) => viewer.problem(&problem, form.get(own)),
    }
}
