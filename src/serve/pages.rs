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

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use firstline_fault::Code;
use firstline_pages::APP_POLICY;
use firstline_pages::accounts::{SCRIPT, Viewer, refused, style};
use jiff::Timestamp;

use crate::accounts::{MOST_HOURS, SignedIn, signed_in};
use crate::auth::{Keys, Scope};
use crate::cookie;
use crate::extract::enter;
use crate::problem::Problem;
use crate::shared::Shared;

pub(crate) use form::Form;

/// What a page may load, and where it may send: what this service serves.
const POLICY: HeaderValue = HeaderValue::from_static(APP_POLICY);
/// Where people sign in.
const LOGIN: &str = "/login";
/// Where they are afterwards, where they wanted nothing else.
const HOME: &str = "/me";
/// Longest path that is gone back to after signing in.
const MOST_NEXT: usize = 512;

/// All pages.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(LOGIN, get(login::show).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/password", get(password::show).post(password::set))
        .route("/me", get(me::show))
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
        .route("/accounts.css", get(|| async { file("text/css; charset=utf-8", style()) }))
        .route("/accounts.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT.to_owned()) }))
        .merge(of_the_manager())
        .layer(map_response(guard))
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

/// Gives a page its policy; a file that pages load has one of its own.
async fn guard(mut response: Response) -> Response {
    if is_html(response.headers()) {
        // A report has its style in itself, and a policy of its own.
        response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
        let vary = HeaderValue::from_static("HX-Request, Cookie, Accept-Language");
        response.headers_mut().insert(header::VARY, vary);
    }
    response
}

fn file(kind: &'static str, text: String) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// A problem, told as a page.
#[derive(Debug)]
pub(crate) struct PageProblem(Box<Response>);

impl From<Problem> for PageProblem {
    fn from(problem: Problem) -> Self {
        let status = status(&problem);
        let html = refused(problem.title, &problem.detail, problem.code);
        Self(Box::new(page(status, html, &problem)))
    }
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        *self.0
    }
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A page that tells of a problem in its own way.
fn page(status: StatusCode, html: String, problem: &Problem) -> Response {
    let mut response = (status, Html(html)).into_response();
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Goes to another page, which is fetched by GET.
fn see(path: &str) -> Response {
    let path = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static(HOME));
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

/// A path of this service that may be gone back to; what else may stand there leads home.
fn local(path: &str) -> &str {
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let is_local = path.starts_with('/') && !path.starts_with("//");
    if is_local && is_plain && path.len() <= MOST_NEXT { path } else { HOME }
}

impl FromRequestParts<Arc<Shared>> for SignedIn {
    type Rejection = PageProblem;

    /// Who looks at a page. Who has not signed in is sent to do so, where that is of use.
    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, PageProblem> {
        if let Some(person) = signed_in(shared, parts).await? {
            enter(shared, &person.caller)?;
            return Ok(person);
        }
        if parts.method == Method::GET && !Keys::has_key(&parts.headers) {
            let next = parts.uri.path_and_query().map_or(HOME, |path| path.as_str());
            let next: String = form_urlencoded::byte_serialize(local(next).as_bytes()).collect();
            return Err(PageProblem(Box::new(see(&format!("{LOGIN}?next={next}")))));
        }
        let problem = "nobody has signed in: pages are for people, an API key is for programs";
        Err(Problem::new(Code::Auth, "the page", problem, "Sign in at /login").into())
    }
}

/// Who looks at a page, as it shows them.
fn viewer(person: &SignedIn) -> Viewer<'_> {
    Viewer {
        display: &person.user.display,
        is_admin: person.caller.may_for_all(Scope::Admin).is_ok(),
        can_sign_out: person.session.is_some(),
    }
}

/// A time, in words.
fn when(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
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
            assert_eq!(local(path), path);
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
            assert_eq!(local(odd), HOME, "{odd:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(MOST_NEXT))), HOME);
    }
}
