//! The HTTP API: one file a subject, the router here.
//!
//! `/v1` is ours; OpenAI's and text-embeddings-inference's paths are there for what people have already. Everything but health,
//! metrics and documentation wants a key.

mod compat;
mod feedback;
mod health;
mod jobs;
mod outbox;
mod records;
mod review;
mod triage;
mod view;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use crate::app::App;
use crate::metrics::Answered;
use crate::problem::Problem;

/// The header that names a request.
const REQUEST_ID: &str = "x-request-id";

/// What stands at the head of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Firstline",
        description = "On-prem ticket triage: tickets in, decisions and first responses out, with a confidence that means what it says. Every answer that is no success is a problem (RFC 9457) with a code; /errors lists them.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "tickets", description = "Triage, decisions, similar tickets, jobs"),
        (name = "people", description = "Feedback, review queue, key figures"),
        (name = "outbox", description = "What is to be done in the PSA"),
        (name = "compatible", description = "OpenAI's and text-embeddings-inference's API"),
        (name = "service", description = "Health, metrics, documentation")
    )
)]
struct Document;

/// The whole service as a router.
pub fn app(app: Arc<App>) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(document())
        .routes(routes!(triage::triage))
        .routes(routes!(records::decision))
        .routes(routes!(records::similar))
        .routes(routes!(records::kpis))
        .routes(routes!(jobs::create))
        .routes(routes!(jobs::show, jobs::cancel))
        .routes(routes!(jobs::results))
        .routes(routes!(feedback::feedback))
        .routes(routes!(review::list))
        .routes(routes!(review::review))
        .routes(routes!(outbox::list))
        .routes(routes!(outbox::claim))
        .routes(routes!(outbox::settle))
        .routes(routes!(health::reload))
        .routes(routes!(compat::embeddings))
        .routes(routes!(compat::models))
        .routes(routes!(compat::embed))
        .routes(routes!(compat::predict))
        .routes(routes!(compat::info))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(health::errors))
        .split_for_parts();
    // Clients whose base URL lacks the `/v1`, or has no path at all; and the name that others' health checks have.
    let router = router
        .route("/embeddings", axum::routing::post(compat::embeddings))
        .route("/models", axum::routing::get(compat::models))
        .route("/", axum::routing::post(compat::embed))
        .route("/health", axum::routing::get(health::healthz));
    let docs = SwaggerUi::new("/docs").url("/openapi.json", document);
    let limit = app.settings.limits.body_bytes;
    router
        .merge(Router::<Arc<App>>::from(docs))
        .fallback(|| async { not_found() })
        .method_not_allowed_fallback(|| async { not_allowed() })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(DefaultBodyLimit::max(limit))
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    document
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
    State(app): State<Arc<App>>,
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
    let permit = match is_light {
        true => Ok(None),
        false => Arc::clone(&app.requests).try_acquire_owned().map(Some),
    };
    let room = room(&app, &request);
    app.metrics.in_flight.inc();
    let mut response = match (permit, room) {
        (Ok(_permit), Ok(_room)) => next.run(request).instrument(span.clone()).await,
        _ => Problem::overload("the service", 1).into_response(),
    };
    app.metrics.in_flight.dec();
    let time = start.elapsed();
    let status = response.status().as_u16();
    app.metrics.requests.get_or_create(&Answered { route: route.clone(), status }).inc();
    app.metrics.request_seconds.get_or_create(&route.as_str().into()).observe(time.as_secs_f64());
    span.in_scope(|| log(&method, &route, status, time));
    decorate(&mut response, &id, &route);
    response
}

/// Room for the body, by what the client says of its length, or for the longest there may be.
fn room(app: &App, request: &Request) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
    let most = app.settings.limits.body_bytes;
    let told =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let has_body = told.is_some() || request.headers().contains_key(header::TRANSFER_ENCODING);
    let bytes = told.unwrap_or(most).min(most);
    let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    has_body.then(|| Arc::clone(&app.bytes).try_acquire_many_owned(kib)).transpose()
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
    // The page of the documentation styles itself; everything else is data.
    let policy = match route.starts_with("/docs") {
        true => {
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
        }
        false => "default-src 'none'; frame-ancestors 'none'",
    };
    let headers = response.headers_mut();
    let always = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(REQUEST_ID, id.clone());
}
