//! The pages for people: what a browser asks for, made from the store by the room `pages`, and answered as HTML.
//!
//! Every page wants a person who has signed in; an API key is none. Every action is a form of ours ([`form`]) that works without a script,
//! and ends in the same function as the API's. Must never do anything by a GET, send a page without [`POLICY`], put a ticket's words into an
//! address, nor show what its reader may not see.

mod answer;
mod baseline;
mod batch;
mod choices;
mod choose;
mod decide;
mod form;
mod incidents;
mod login;
mod look;
mod me;
mod outbox;
mod password;
mod people;
mod queue;
mod report;
mod review;
mod rollout;
mod rollout_view;
mod told;
mod view;
mod viewer;
mod week;
mod week_facts;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use firstline_fault::Code;
use firstline_pages::{APP_POLICY, Place};
use firstline_store::UserRecord;
use jiff::tz::TimeZone;

use crate::accounts::{MOST_HOURS, SignedIn, signed_in};
use crate::auth::{Caller, Keys, Scope};
use crate::cookie;
use crate::extract::enter;
use crate::problem::Problem;
use crate::shared::Shared;

pub(crate) use form::Form;
use look::Look;
use viewer::Viewer;

/// What a page may load, and where it may send: what this service serves.
const POLICY: HeaderValue = HeaderValue::from_static(APP_POLICY);
/// Where people sign in.
const LOGIN: &str = "/login";
/// A person's own page.
const ME: &str = "/me";
/// Longest path that is gone back to after signing in.
const MOST_NEXT: usize = 512;

/// All pages.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(LOGIN, get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/password", get(password::show).post(password::set))
        .route(ME, get(me::show))
        .route("/me/password", post(me::change_password))
        .route("/me/sessions", post(me::end_session))
        .route("/people", get(people::show).post(people::add))
        .route("/people/link", post(people::link))
        .route("/people/disable", post(people::disable))
        .route("/assets/{name}", get(answer::get_asset))
        .route("/look", post(choose::choose))
        .route("/review", get(review::page).post(review::search))
        .route("/review/queue", get(queue::lines))
        .route("/review/batch", post(batch::approve))
        .route("/review/{id}", get(review::page_of).post(decide::decide))
        .route("/review/{id}/choices", post(decide::choices))
        .route("/review/{id}/edit", post(decide::edit))
        .route("/review/{id}/undo", post(decide::undo))
        .route("/review/{id}/presence", post(review::presence))
        .merge(of_the_manager())
        .layer(from_fn(guard))
}

/// The manager's pages.
fn of_the_manager() -> Router<Arc<Shared>> {
    Router::new()
        .route("/week", get(week::page))
        .route("/rollout", get(rollout::page))
        .route("/rollout/stop", post(rollout::stop))
        .route("/rollout/hold", post(rollout::hold))
        .route("/rollout/resume", post(rollout::resume))
        .route("/rollout/holds/{id}", get(rollout::held))
        .route("/rollout/sign", post(rollout::sign))
        .route("/rollout/gate", post(rollout::gate))
        .route("/rollout/promote", post(rollout::promote))
        .route("/baseline", get(baseline::page))
        .route("/incidents", get(incidents::page).post(incidents::report))
        .route("/incidents/{id}", post(incidents::decide))
        .route("/outbox", get(outbox::page))
        .route("/outbox/{id}/retry", post(outbox::retry))
        .route("/outbox/{id}/cancel", post(outbox::cancel))
        .route("/report/day-90", get(report::day90))
}

/// Who looks at the page that is being made, once that is known.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<OnceLock<Viewer>>);

/// Tells of a problem as a page, and gives a page its policy; a file that pages load has one of its own.
async fn guard(look: Look, mut request: Request, next: Next) -> Response {
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = answer::problem(look, seen.0.get().map(Viewer::reader), &problem, "");
    }
    if is_html(response.headers()) {
        // A report has its style in itself, and a policy of its own.
        response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
        let vary = HeaderValue::from_static("HX-Request, Cookie, Accept-Language");
        response.headers_mut().insert(header::VARY, vary);
    }
    response
}

/// What a page is not answered with: a problem, which is told as a page, or another place.
#[derive(Debug)]
pub(crate) enum PageProblem {
    Told(Problem),
    Elsewhere(String),
}

impl From<Problem> for PageProblem {
    fn from(problem: Problem) -> Self {
        Self::Told(problem)
    }
}

impl IntoResponse for PageProblem {
    /// A problem becomes a page in [`guard`], which knows how it looks and for whom it is.
    fn into_response(self) -> Response {
        match self {
            Self::Elsewhere(path) => see(&path),
            Self::Told(problem) => {
                let mut response = answer::with(&problem, ().into_response());
                response.extensions_mut().insert(problem);
                response
            }
        }
    }
}

/// Goes to another page, which is fetched by GET.
fn see(path: &str) -> Response {
    let path = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static(ME));
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// The same with a new session.
fn see_signed_in(path: &str, token: &str) -> Result<Response, PageProblem> {
    let cookie = cookie::set(token, MOST_HOURS).map_err(Problem::from)?;
    let mut response = see(path);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// The same without one.
fn see_signed_out(path: &str) -> Response {
    let mut response = see(path);
    response.headers_mut().insert(header::SET_COOKIE, cookie::gone());
    response
}

/// A path of this service that may be gone back to.
fn local(path: &str) -> Option<&str> {
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let is_local = path.starts_with('/') && !path.starts_with("//");
    (is_local && is_plain && path.len() <= MOST_NEXT).then_some(path)
}

/// Where a person begins: at the drafts, where they may see them.
fn home(user: &UserRecord) -> &'static str {
    let may_review = Caller::of_user(user).may(Scope::Review).is_ok();
    if may_review { Place::Review.address() } else { ME }
}

impl FromRequestParts<Arc<Shared>> for SignedIn {
    type Rejection = PageProblem;

    /// Who looks at a page. Who has not signed in is sent to do so, where that is of use.
    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, PageProblem> {
        if let Some(person) = signed_in(shared, parts).await? {
            enter(shared, &person.caller)?;
            if let Some(seen) = parts.extensions.get::<Seen>() {
                seen.0.get_or_init(|| Viewer::of(&person, Look::of(&parts.headers)));
            }
            return Ok(person);
        }
        if parts.method == Method::GET && !Keys::has_key(&parts.headers) {
            let next = parts.uri.path_and_query().and_then(|path| local(path.as_str())).unwrap_or_default();
            let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            return Err(PageProblem::Elsewhere(format!("{LOGIN}?next={next}")));
        }
        let problem = "nobody has signed in: pages are for people, an API key is for programs";
        Err(Problem::new(Code::Auth, "the page", problem, "Sign in at /login").into())
    }
}

/// The desk's zone, for times on pages that have to be there whatever the policy says.
fn zone(shared: &Shared) -> TimeZone {
    shared.desk().map_or(TimeZone::UTC, |rules| rules.zone().clone())
}

/// Whether a body is a page, or a part of one.
fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_one_stays_on_this_service() {
        for path in ["/me", "/review?state=pending", "/people"] {
            assert_eq!(local(path), Some(path));
        }
        for odd in [
            "",
            "me",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/ä",
            "javascript:alert(1)",
            "/a b",
        ] {
            assert_eq!(local(odd), None, "{odd:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(MOST_NEXT))), None);
    }
}
