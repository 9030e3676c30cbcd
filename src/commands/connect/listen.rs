//! The door for webhooks: a small server that judges deliveries and rings.
//!
//! TLS is the reverse proxy's. Each connection has one request and little time, and few are served at once. Must never log a body or a
//! header, nor let a caller wait for the PSA to read a ticket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_psa::hook::{Hook, MOST_BODY, Refused};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use super::hints::Hints;
use super::psa_settings::Webhook;

/// Connections that are served at once.
const MOST_CONNECTIONS: usize = 64;
/// From the start of a connection to the end of its headers.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// From the start of a connection to the last byte of its answer.
const MOST_TIME: Duration = Duration::from_secs(15);
/// Most of a request's headers, in bytes.
const HEADER_BYTES: usize = 16 << 10;
/// Before the next connection is accepted, when one could not be.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// A listener, until it is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    /// Where it listens.
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Door {
    hook: Mutex<Hook>,
    hints: Arc<Hints>,
}

impl Listener {
    /// Listens, and tells `hints` what comes.
    ///
    /// # Errors
    /// [`Code::Config`] when the address can't be used, or is taken.
    pub(super) fn start(webhook: Webhook, hints: Arc<Hints>) -> Result<Self> {
        let broken = |e: std::io::Error| InternalError::new(format!("starting a listener: {e}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .enable_all()
            .build()
            .map_err(broken)?;
        let listener = runtime.block_on(TcpListener::bind(webhook.listen)).map_err(|e| {
            let next = "Set another \"listen\" in [webhook], or stop the program that uses this address";
            UserError::new(Code::Config, webhook.listen.to_string(), e.to_string(), next)
        })?;
        let address = listener.local_addr().map_err(broken)?;
        let router = router(&webhook.wanted.path, Door { hook: Mutex::new(webhook.hook), hints });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, router) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn router(path: &str, door: Door) -> Router {
    Router::new().route(path, post(take)).layer(DefaultBodyLimit::max(MOST_BODY)).with_state(Arc::new(door))
}

/// Takes connections, each as soon as there is a place for it.
async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(AFTER_FAILURE).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let _place = place;
            let mut http = Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
            http.keep_alive(false).max_buf_size(HEADER_BYTES);
            // A connection that breaks, or takes too long, is the caller's affair: the next poll finds what it would have told.
            let _ended =
                tokio::time::timeout(MOST_TIME, http.serve_connection(TokioIo::new(stream), service)).await;
        });
    }
}

/// A delivery. A key may have to be asked for, which blocks.
async fn take(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let judged = tokio::task::spawn_blocking(move || {
        let now = Instant::now();
        let judged = door.hook.lock().unwrap_or_else(PoisonError::into_inner).judge(&headers, &body, now);
        door.hints.tell(&judged, now);
        judged
    });
    match judged.await {
        Ok(Ok(_)) => StatusCode::OK,
        Ok(Err(Refused::TooLong)) => StatusCode::PAYLOAD_TOO_LARGE,
        Ok(Err(Refused::Unsigned | Refused::Forged | Refused::ForeignKey)) => StatusCode::UNAUTHORIZED,
        Ok(Err(Refused::Unreadable)) => StatusCode::BAD_REQUEST,
        Ok(Err(Refused::NoKey)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
