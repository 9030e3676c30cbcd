//! A person's own page: who they are here, their sessions, their password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use firstline_pages::accounts::{self as page_of, Me, Session};
use firstline_store::{CustomerSet, SessionRecord};

use super::password::new_password;
use super::{Form, HOME, LOGIN, PageProblem, page, see, see_signed_in, see_signed_out, status, viewer, when};
use crate::accounts::{self, Sender, SignedIn, holds};
use crate::problem::Problem;
use crate::shared::Shared;

/// The page.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    person: SignedIn,
) -> Result<Response, PageProblem> {
    Ok(Html(shown(&shared, &person, None).await?).into_response())
}

async fn shown(shared: &Arc<Shared>, person: &SignedIn, problem: Option<&str>) -> Result<String, Problem> {
    let id = person.user.id.clone();
    let all = shared.blocking(move |shared| {
        let now = shared.clock.now();
        let all = shared.store.sessions(&id)?;
        Ok(all.into_iter().filter(|session| holds(session, now)).collect::<Vec<_>>())
    });
    let sessions: Vec<Session> =
        all.await?.into_iter().map(|session| in_words(session, person.session.as_ref())).collect();
    Ok(page_of::me(&Me {
        problem,
        viewer: viewer(person),
        name: &person.user.name,
        rights: &person.user.rights.join(", "),
        customers: &customers(&person.user.customers),
        sessions: &sessions,
        has_password: person.user.hash.is_some(),
    }))
}

fn in_words(session: SessionRecord, this: Option<&SessionRecord>) -> Session {
    Session {
        is_this: this.is_some_and(|this| this.id == session.id),
        id: session.id,
        agent: if session.agent.is_empty() { "unknown".to_owned() } else { session.agent },
        since: when(session.created_at),
        seen: when(session.seen_at),
    }
}

/// A set of customers, in words.
pub(super) fn customers(set: &CustomerSet) -> String {
    match set {
        CustomerSet::All => "all".to_owned(),
        CustomerSet::Only(these) => these.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}

/// Changes the password; the person goes on in a new session.
pub(super) async fn change_password(
    State(shared): State<Arc<Shared>>,
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
        Ok(token) => see_signed_in(HOME, &token),
        Err(problem) if [401, 422, 429].contains(&problem.status) => {
            let html = shown(&shared, &person, Some(&problem.detail)).await?;
            Ok(page(status(&problem), html, &problem))
        }
        Err(problem) => Err(problem.into()),
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
    Ok(if is_this { see_signed_out(LOGIN) } else { see(HOME) })
}
