//! Signing in and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use firstline_pages::accounts::{Fault, SignIn, sign_in_page, sign_in_title};

use super::look::Look;
use super::{Form, LOGIN, PageProblem, answer, home, local, see, see_signed_in, see_signed_out};
use crate::accounts::{self, Sender, SignedIn, signed_in};
use crate::auth::Caller;
use crate::problem::Problem;
use crate::shared::Shared;

/// The form. Whom a proxy has let in has no need of it.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    look: Look,
    parts: Parts,
) -> Result<Response, PageProblem> {
    let query = Form::read(parts.uri.query().unwrap_or_default().as_bytes());
    let next = local(query.get("next"));
    shared.signing_in.peers.private(&parts)?;
    let person = signed_in(&shared, &parts).await?;
    if let Some(person) = person.filter(|person| person.session.is_none()) {
        return Ok(see(next.unwrap_or_else(|| home(&person.user))));
    }
    Ok(shown(look, SignIn { next: next.unwrap_or_default(), ..SignIn::default() }))
}

fn shown(look: Look, view: SignIn<'_>) -> Response {
    let main = sign_in_page(view, look.language);
    answer::page_of_nobody(look, sign_in_title(look.language), LOGIN, &main)
}

/// Signs in, and goes where the person wanted to go.
pub(super) async fn sign_in(
    State(shared): State<Arc<Shared>>,
    look: Look,
    parts: Parts,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    let from = Sender::new(&shared, &parts)?;
    let (name, next) = (form.get("name"), local(form.get("next")));
    let typed = (name.to_owned(), form.get("password").to_owned());
    let problem = match accounts::sign_in(&shared, from, typed).await {
        Ok((token, user)) => return see_signed_in(next.unwrap_or_else(|| home(&user)), &token),
        Err(problem) => problem,
    };
    let fault = match problem.status {
        401 => Fault::SignIn,
        429 => Fault::TooMany,
        _ => return Err(problem.into()),
    };
    let view = SignIn { fault: Some(fault), name, next: next.unwrap_or_default() };
    Ok(answer::with(&problem, shown(look, view)))
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
