//! The HTTP API: one file a subject, the router here. `wire` is what goes over it, `document` and `docs` are its description.
//!
//! `/v1` is ours; OpenAI's and text-embeddings-inference's paths are there for what people have already. Everything but health,
//! metrics and documentation wants a key, or a person who has signed in; `pages` are for these.

mod answers;
mod bundle;
mod connections;
mod decisions;
mod docs;
mod document;
mod events;
mod feedback;
mod health;
pub(crate) mod incidents;
mod jobs;
pub(crate) mod kpis;
mod openai;
pub(crate) mod outbox;
pub(crate) mod requests;
mod review;
pub(crate) mod rollout;
mod similar;
mod tei;
mod texts;
mod triage;
mod wire;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use firstline_fault::Code;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::{self, Unread};
use crate::connections::Slot;
use crate::memory::Held;
use crate::metrics::Answered;
use crate::problem::Problem;
use crate::shared::Shared;
use crate::shares::Shares;

/// The header that names a request.
const REQUEST_ID: &str = "x-request-id";
/// Longest path with its query, in bytes.
const MOST_PATH: usize = 4 << 10;

/// The whole service as a router, with the pages for people.
pub(crate) fn router(shared: Arc<Shared>, pages: Router<Arc<Shared>>) -> Router {
    let (router, document) = documented();
    // Clients whose base URL lacks the `/v1`, or has no path at all; and the name that others' health checks have.
    let router = router
        .route("/embeddings", post(openai::create_embeddings))
        .route("/models", get(openai::list_models))
        .route("/", post(tei::embed))
        .route("/health", get(health::healthz));
    router
        .merge(docs::routes(&document))
        .merge(pages)
        .fallback(|| async { not_found() })
        .method_not_allowed_fallback(|| async { not_allowed() })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&shared), around))
        .with_state(shared)
}

/// Every call that the document describes, and the document.
fn documented() -> (Router<Arc<Shared>>, OpenApi) {
    let ours = OpenApiRouter::new()
        .routes(routes!(triage::triage))
        .routes(routes!(decisions::get_decision))
        .routes(routes!(similar::find_similar))
        .routes(routes!(kpis::get_kpis))
        .routes(routes!(jobs::create_job))
        .routes(routes!(jobs::get_job, jobs::cancel_job))
        .routes(routes!(jobs::get_job_results))
        .routes(routes!(feedback::send_feedback))
        .routes(routes!(events::send_events))
        .routes(routes!(incidents::list_incidents, incidents::send_incidents))
        .routes(routes!(incidents::decide_incident))
        .routes(routes!(rollout::get_rollout))
        .routes(routes!(rollout::get_criteria, rollout::post_criteria))
        .routes(routes!(rollout::sign))
        .routes(routes!(rollout::start))
        .routes(routes!(rollout::gate))
        .routes(routes!(rollout::gate_autonomous))
        .routes(routes!(rollout::hold))
        .routes(routes!(rollout::resume))
        .routes(routes!(rollout::get_weeks))
        .routes(routes!(rollout::get_shadow))
        .routes(routes!(rollout::get_day90))
        .routes(routes!(rollout::post_coverage))
        .routes(routes!(review::list_reviews))
        .routes(routes!(review::review))
        .routes(routes!(answers::send_answers))
        .routes(routes!(outbox::list_actions))
        .routes(routes!(outbox::claim_actions))
        .routes(routes!(outbox::get_action, outbox::settle_action))
        .routes(routes!(outbox::retry_action))
        .routes(routes!(outbox::stop_action))
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::lease_connection))
        .routes(routes!(bundle::replace_bundle))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(health::errors));
    let openai =
        OpenApiRouter::new().routes(routes!(openai::create_embeddings)).routes(routes!(openai::list_models));
    let tei = OpenApiRouter::new()
        .routes(routes!(tei::embed))
        .routes(routes!(tei::predict))
        .routes(routes!(tei::info));
    OpenApiRouter::with_openapi(document::head())
        .merge(document::failing_with::<Problem, _>(ours, "A problem, as RFC 9457 has it"))
        .merge(document::failing_with::<openai::OpenAiError, _>(openai, "An error in OpenAI's form"))
        .merge(document::failing_with::<tei::TeiError, _>(tei, "An error in TEI's form"))
        .split_for_parts()
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound, "the path", "there is nothing here", "/docs shows what there is")
}

fn not_allowed() -> Problem {
    let problem = Problem::new(Code::Request, "the method", "not for this path", "/docs shows what there is");
    problem.with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// What a panic says may have a ticket's words in it; the log has its place.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

/// What is around every request: its id, a bound on how many there are, headers, figures and a line in the log, which has no
/// word of what was sent.
async fn around(
    State(shared): State<Arc<Shared>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let route = path.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let is_light =
        method == Method::GET && ["/healthz", "/health", "/readyz", "/metrics"].contains(&route.as_str());
    let slot = request.extensions().get::<Arc<Slot>>().cloned();
    let is_spare = slot.as_ref().is_some_and(|slot| slot.is_spare);
    let permit = match is_light {
        true => Ok(None),
        // A spare connection is for health checks.
        false if is_spare => Err(overload()),
        false => Arc::clone(&shared.requests).try_acquire_owned().map(Some).map_err(|_| overload()),
    };
    let permit = permit.and_then(|permit| short(&request).map(|()| permit));
    let (request, unread) = body::apart(request);
    let held = Held::new(&shared.memory, &shared.places);
    shared.metrics.in_flight.inc();
    let mut response = match permit {
        Ok(_permit) => {
            let answered = held.clone().during(Shares::visit(next.run(request)));
            answered.instrument(span.clone()).await
        }
        Err(problem) => problem.into_response(),
    };
    response = body::counted(response, &held).await;
    drop(held);
    let is_read_out = match unread {
        Some(unread) => rest(unread, slot.as_deref()).await,
        None => true,
    };
    if !is_read_out || is_spare {
        body::close(&mut response);
    }
    shared.metrics.in_flight.dec();
    let time = start.elapsed();
    let status = response.status().as_u16();
    shared.metrics.requests.get_or_create(&Answered { route: route.clone(), status }).inc();
    shared.metrics.request_seconds.get_or_create(&route.as_str().into()).observe(time.as_secs_f64());
    span.in_scope(|| log(&method, &route, status, time));
    decorate(&mut response, &id, &route);
    response
}

/// Reads what a handler has left of a body; `false` where it can't be read to its end.
async fn rest(unread: Unread, slot: Option<&Slot>) -> bool {
    if unread.is_ended() {
        return true;
    }
    slot.inspect(|slot| slot.leaves());
    let is_read_out = unread.read_out().await;
    slot.inspect(|slot| slot.returns());
    is_read_out
}

fn overload() -> Problem {
    Problem::overload("the service", 1)
}

/// Whether the path with its query is one that may be looked at.
fn short(request: &Request) -> Result<(), Problem> {
    if request.uri().path_and_query().is_none_or(|path| path.as_str().len() <= MOST_PATH) {
        return Ok(());
    }
    let problem = format!("with its query it is longer than {MOST_PATH} bytes");
    let problem = Problem::new(Code::Limit, "the path", problem, "/docs shows what a call takes");
    Err(problem.with_status(StatusCode::URI_TOO_LONG))
}

fn log(method: &Method, route: &str, status: u16, time: Duration) {
    let ms = time.as_secs_f64() * 1e3;
    match status {
        500.. => tracing::warn!(%method, route, status, ms, "answered"),
        _ => tracing::info!(%method, route, status, ms, "answered"),
    }
}

/// The caller's name for the request where it is a plain one, else one of ours.
fn request_id(request: &Request) -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let plain = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    let ours = || HeaderValue::from(NEXT.fetch_add(1, Ordering::Relaxed));
    request.headers().get(REQUEST_ID).filter(plain).cloned().unwrap_or_else(ours)
}

fn decorate(response: &mut Response, id: &HeaderValue, route: &str) {
    // The page of the documentation has a style of its own; what is no page is data.
    let policy = match route.trim_end_matches('/') {
        docs::PATH => docs::policy(),
        _ => HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    };
    let headers = response.headers_mut();
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages say themselves what they load, and their files that they may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.insert(REQUEST_ID, id.clone());
}
