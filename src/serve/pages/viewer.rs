//! Who looks at a page for reviewers, and how they want it.
//!
//! Must never let anybody further who may not review.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;

use super::answer::{self, Reader};
use super::look::Look;
use crate::accounts::SignedIn;
use crate::auth::{Caller, Scope};
use crate::problem::Problem;
use crate::shared::Shared;

/// Who looks at a page for reviewers.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    pub(super) caller: Caller,
    pub(super) look: Look,
    /// What pages call them.
    display: String,
    /// Whether they have a session that can be ended.
    has_session: bool,
}

impl Viewer {
    /// A person who has signed in.
    pub(super) fn of(person: &SignedIn, look: Look) -> Self {
        let (caller, display) = (person.caller.clone(), person.user.display.clone());
        Self { caller, look, display, has_session: person.session.is_some() }
    }

    /// The id and the name under which they are known to others.
    pub(super) fn who(&self) -> (&str, &str) {
        (&self.caller.key, self.caller.person.as_deref().unwrap_or(&self.caller.name))
    }

    /// The answer where something could not be done.
    pub(super) fn problem(&self, problem: &Problem, own: &str) -> Response {
        answer::problem(self.look, Some(self.reader()), problem, own)
    }

    /// Who they are, as pages show it.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            look: self.look,
            name: &self.display,
            can_sign_out: self.has_session,
            may_review: self.caller.may(Scope::Review).is_ok(),
            is_held: self.caller.is_held(),
            is_admin: self.caller.may_for_all(Scope::Admin).is_ok(),
        }
    }
}

impl Viewer {
    /// A person who has signed in, whatever they may do.
    pub(super) async fn anyone(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        let look = Look::of(&parts.headers);
        let person = SignedIn::from_request_parts(parts, shared).await;
        let person = person.map_err(|refused| match look.is_part {
            // A part of a page that is open: what was typed there stays.
            true => answer::problem(look, None, &session_ended(), ""),
            false => refused.into_response(),
        })?;
        Ok(Self::of(&person, look))
    }
}

impl FromRequestParts<Arc<Shared>> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        let viewer = Self::anyone(parts, shared).await?;
        match viewer.caller.may(Scope::Review) {
            Ok(()) => Ok(viewer),
            Err(problem) => Err(viewer.problem(&problem, "")),
        }
    }
}

fn session_ended() -> Problem {
    let problem = "the session has ended: sign in again in another tab, and go on here";
    Problem::new(Code::Auth, "the page", problem, "Sign in at /login")
}
