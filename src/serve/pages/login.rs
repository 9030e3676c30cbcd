//! Signing in and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use firstline_pages::accounts::{self as page_of, SignIn};

use super::{Form, LOGIN, PageProblem, local, page, see, see_signed_in, see_signed_out, status};
use crate::accounts::{self, Sender, SignedIn, signed_in};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::shared::Shared;

/// The form. Whom a proxy has let in has no need of it.
pub(super) async fn show(State(shared): State<Arc<Shared>>, parts: Parts) -> Result<Response, PageProblem> {
    let query = parts.uri.query().unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let next = next.map(|(_, next)| next.into_owned()).unwrap_or_default();
    shared.signing_in.peers.private(&parts)?;
    if signed_in(&shared, &parts).await?.is_some_and(|person| person.session.is_none()) {
        return Ok(see(local(&next)));
    }
    Ok(Html(page_of::sign_in(SignIn { next: local(&next), ..SignIn::default() })).into_response())
}

/// Signs in, and goes where the person wanted to go.
pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    parts: Parts,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    let from = Sender::new(&shared, &parts)?;
    let (name, next) = (form.get("name"), local(form.get("next")));
    let typed = (name.to_owned(), form.get("password").to_owned());
    match accounts::sign_in(&shared, from, typed).await {
        Ok(token) => see_signed_in(next, &token),
        Err(problem) if [401, 429].contains(&problem.status) => {
            let html = page_of::sign_in(SignIn { problem: Some(&problem.detail), name, next });
            Ok(page(status(&problem), html, &problem))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Ends the session.
pub(super) async fn sign_out(
    State(shared): State<Arc<Shared>>,
    person: SignedIn,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    form?;
    let Some(session) = person.session else { return Ok(see(LOGIN)) };
    let end = move |shared: &Shared| {
        let actor = Caller::actor_of(&session.user);
        Ok(shared.store.end_session(&session.user, &session.id, &actor, shared.clock.now())?)
    };
    shared.blocking(end).await?;
    Ok(see_signed_out(LOGIN))
}
