//! Setting a password by the code of a link. The code is in the link's fragment, which no browser sends: it comes in the form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use firstline_fault::Code;
use firstline_pages::accounts::set_password;

use super::{Form, HOME, PageProblem, page, see_signed_in, status};
use crate::accounts::{self, Sender};
use crate::problem::Problem;
use crate::shared::Shared;

/// The form.
pub(super) async fn show(State(shared): State<Arc<Shared>>, parts: Parts) -> Result<Response, PageProblem> {
    shared.signing_in.peers.private(&parts)?;
    Ok(Html(set_password(None, "")).into_response())
}

/// Sets the password and signs the person in.
pub(super) async fn set(
    State(shared): State<Arc<Shared>>,
    parts: Parts,
    form: Result<Form, Problem>,
) -> Result<Response, PageProblem> {
    let form = form?;
    let from = Sender::new(&shared, &parts)?;
    let code = form.get("code");
    let set = match new_password(&form) {
        Ok(password) => accounts::set_password(&shared, from, (code.to_owned(), password)).await,
        Err(problem) => Err(problem),
    };
    match set {
        Ok(token) => see_signed_in(HOME, &token),
        Err(problem) if [401, 422, 429].contains(&problem.status) => {
            Ok(page(status(&problem), set_password(Some(&problem.detail), code), &problem))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// A new password, typed twice.
pub(super) fn new_password(form: &Form) -> Result<String, Problem> {
    match form.get("password") == form.get("repeat") {
        true => Ok(form.get("password").to_owned()),
        false => Err(Problem::new(
            Code::Input,
            "the password",
            "what was typed the second time is another one",
            "Type it twice",
        )),
    }
}
