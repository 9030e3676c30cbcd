//! A person's own page: who they are here, their sessions, their password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use firstline_pages::Place;
use firstline_pages::accounts::{Fault, MeView, Session, me_page};
use firstline_store::{CustomerSet, SessionRecord};
use jiff::tz::TimeZone;

use super::look::Look;
use super::password::{fault, new_password};
use super::view::moment;
use super::viewer::Viewer;
use super::{Form, LOGIN, ME, PageProblem, answer, see, see_signed_in, see_signed_out, zone};
use crate::accounts::{self, Sender, SignedIn, holds};
use crate::problem::Problem;
use crate::shared::Shared;

/// The page.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    look: Look,
    person: SignedIn,
) -> Result<Response, PageProblem> {
    Ok(shown(&shared, &person, look, None).await?)
}

async fn shown(
    shared: &Arc<Shared>,
    person: &SignedIn,
    look: Look,
    fault: Option<Fault<'_>>,
) -> Result<Response, Problem> {
    let (id, this) = (person.user.id.clone(), person.session.clone());
    let all = shared.blocking(move |shared| {
        let (now, zone) = (shared.clock.now(), zone(shared));
        let held = shared.store.sessions(&id)?.into_iter().filter(|session| holds(session, now));
        Ok(held.map(|session| in_words(session, this.as_ref(), &zone)).collect::<Vec<Session>>())
    });
    let sessions = all.await?;
    let customers = customers(&person.user.customers);
    let view = MeView {
        fault,
        name: &person.user.name,
        rights: &person.user.rights,
        customers: customers.as_deref(),
        sessions: &sessions,
        has_password: person.user.hash.is_some(),
    };
    let viewer = Viewer::of(person, look);
    let main = me_page(&view, look.language);
    Ok(answer::page_at(viewer.reader(), (Place::Me, false), (StatusCode::OK, "", ME), &main))
}

fn in_words(session: SessionRecord, this: Option<&SessionRecord>, zone: &TimeZone) -> Session {
    Session {
        is_this: this.is_some_and(|this| this.id == session.id),
        id: session.id,
        agent: session.agent,
        since: moment(session.created_at, zone),
        seen: moment(session.seen_at, zone),
    }
}

/// The customers of a set; `None` for all.
pub(super) fn customers(set: &CustomerSet) -> Option<Vec<String>> {
    match set {
        CustomerSet::All => None,
        CustomerSet::Only(these) => Some(these.iter().cloned().collect()),
    }
}

/// Changes the password; the person goes on in a new session.
pub(super) async fn change_password(
    State(shared): State<Arc<Shared>>,
    look: Look,
    person: SignedIn,
    parts: Parts,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    let from = Sender::new(&shared, &parts)?;
    let changed = match new_password(&form) {
        Ok(password) => {
            let typed = (form.get("current").to_owned(), password);
            accounts::change_password(&shared, from, person.user.clone(), typed).await
        }
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(token) => see_signed_in(ME, &token),
        Err(problem) => match fault(&form, &problem, Fault::Current) {
            Some(fault) => Ok(answer::with(&problem, shown(&shared, &person, look, Some(fault)).await?)),
            None => Err(problem.into()),
        },
    }
}

/// Ends one of the person's sessions, which may be this one.
pub(super) async fn end_session(
    State(shared): State<Arc<Shared>>,
    person: SignedIn,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    let id = form.get("id").to_owned();
    let is_this = person.session.is_some_and(|session| session.id == id);
    let (user, actor) = (person.user.id, person.caller.key);
    let end = move |shared: &Shared| Ok(shared.store.end_session(&user, &id, &actor, shared.clock.now())?);
    shared.blocking(end).await?;
    Ok(if is_this { see_signed_out(LOGIN) } else { see(ME) })
}
