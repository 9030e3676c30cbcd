//! Setting a password by the code of a link. The code is in the link's fragment, which no browser sends: it comes in the form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use firstline_fault::Code;
use firstline_pages::accounts::{Fault, password_page, password_title};

use super::look::Look;
use super::{Form, PageProblem, answer, home, see_signed_in};
use crate::accounts::{self, Sender};
use crate::problem::Problem;
use crate::shared::Shared;

const PASSWORD: &str = "/password";

/// The form.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    look: Look,
    parts: Parts,
) -> Result<Response, PageProblem> {
    shared.signing_in.peers.private(&parts)?;
    Ok(shown(look, None, ""))
}

fn shown(look: Look, fault: Option<Fault<'_>>, code: &str) -> Response {
    let main = password_page(fault, code, look.language);
    answer::page_of_nobody(look, password_title(look.language), PASSWORD, &main)
}

/// Sets the password and signs the person in.
pub(super) async fn set(
    State(shared): State<Arc<Shared>>,
    look: Look,
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
        Ok((token, user)) => see_signed_in(home(&user), &token),
        Err(problem) => match fault(&form, &problem, Fault::Code) {
            Some(fault) => Ok(answer::with(&problem, shown(look, Some(fault), code))),
            None => Err(problem.into()),
        },
    }
}

/// A new password, typed twice.
pub(super) fn new_password(form: &Form) -> Result<String, Problem> {
    match is_typed_twice(form) {
        true => Ok(form.get("password").to_owned()),
        false => Err(Problem::new(
            Code::Input,
            "the password",
            "what was typed the second time is another one",
            "Type it twice",
        )),
    }
}

fn is_typed_twice(form: &Form) -> bool {
    form.get("password") == form.get("repeat")
}

/// What was wrong with a form that sets a password, where its page tells that; `unproven` where nothing shows that the person may.
pub(super) fn fault<'a>(form: &Form, problem: &'a Problem, unproven: Fault<'a>) -> Option<Fault<'a>> {
    match problem.status {
        401 => Some(unproven),
        422 if !is_typed_twice(form) => Some(Fault::Repeat),
        422 => Some(Fault::Told(&problem.detail)),
        429 => Some(Fault::TooMany),
        _ => None,
    }
}
