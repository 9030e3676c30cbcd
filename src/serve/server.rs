//! Listening, with TLS where it is configured, and an orderly end.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use firstline_fault::{Code, Error, InternalError, Result, UserError};
use hyper_util::rt::TokioTimer;
use tracing_subscriber::EnvFilter;

use crate::api;
use crate::app::App;
use crate::connection::Acceptor;
use crate::settings::{LogFormat, Settings};

/// A client that sends its headers slower than this is gone.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Most of a request's headers, in bytes.
const HEADER_BYTES: usize = 32 << 10;

/// Starts logging to standard error as the settings say. Only the first call counts.
///
/// # Errors
/// [`Code::Config`] when there is no such level.
pub fn log(settings: &Settings) -> Result<()> {
    let levels = ["error", "warn", "info", "debug"];
    if !levels.contains(&settings.log.as_str()) {
        let problem = format!("no level {:?}", settings.log);
        return Err(UserError::new(Code::Config, "log", problem, "Use error, warn, info or debug").into());
    }
    // Of our own rooms only: libraries' debugging may have what was sent in it.
    let filter = EnvFilter::new(format!("warn,firstline_serve={0},firstline={0}", settings.log));
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines).log_internal_errors(false);
    let _was_started = match settings.log_format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => lines.with_target(false).try_init(),
    };
    Ok(())
}

/// Standard error, whether anybody reads it or not: a service does not end with its log.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _unread = io::stderr().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a panic says may have a ticket's words in it: the log gets its place.
fn keep_panics_to_their_place() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}

/// Serves until the system asks for an end, then finishes what was begun. `ready` hears the address.
///
/// # Errors
/// [`Code::Config`] for an address or certificate that can't be used; [`Code::Io`] when the port is taken.
pub fn serve(app: &Arc<App>, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    serve_boxed(app, Box::new(ready))
}

/// What `ready` is makes no difference here: all of HTTP is compiled once, in this crate.
fn serve_boxed(app: &Arc<App>, ready: Box<dyn FnOnce(SocketAddr) + '_>) -> Result<()> {
    keep_panics_to_their_place();
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|e| InternalError::new(format!("starting a runtime: {e}")))?;
    let served = runtime.block_on(listen(app, ready));
    // No request is open any more; what is in the queue has nobody who waits, or is a job's.
    app.stop();
    runtime.shutdown_timeout(Duration::from_secs(5));
    served
}

async fn listen(app: &Arc<App>, ready: Box<dyn FnOnce(SocketAddr) + '_>) -> Result<()> {
    let settings = &app.shared.settings;
    let fault = |problem: String| -> Error {
        UserError::new(Code::Config, "listen", problem, "Give an address and a port, such as 127.0.0.1:8484")
            .into()
    };
    let mut addresses = settings.listen.to_socket_addrs().map_err(|e| fault(e.to_string()))?;
    let address = addresses.next().ok_or_else(|| fault("no address".to_owned()))?;
    let listener = std::net::TcpListener::bind(address).map_err(|e| UserError::io(address, &e))?;
    listener.set_nonblocking(true).map_err(|e| UserError::io(address, &e))?;
    let address = listener.local_addr().map_err(|e| UserError::io(address, &e))?;
    let handle = Handle::new();
    let stopping = tokio::spawn(wait_for_stop(Arc::clone(app), handle.clone()));
    let reloading = tokio::spawn(reload_on_hangup(Arc::clone(app)));
    let router = api::router(Arc::clone(&app.shared)).into_make_service();
    ready(address);
    let acceptor = match settings.tls_certificate.as_os_str().is_empty() {
        true => Acceptor::Plain,
        false => Acceptor::Tls(RustlsAcceptor::new(certificate(settings).await?)),
    };
    let server = axum_server::from_tcp(listener).map_err(|e| UserError::io(address, &e))?.acceptor(acceptor);
    let served = bounded(server).handle(handle).serve(router).await;
    stopping.abort();
    reloading.abort();
    served.map_err(|e| UserError::io(address, &e).into())
}

/// The server with bounds on what a client may send before a request is there to be looked at.
fn bounded(mut server: Server<SocketAddr, Acceptor>) -> Server<SocketAddr, Acceptor> {
    let mut http = server.http_builder().http1();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(HEADER_BYTES);
    server
}

async fn certificate(settings: &Settings) -> Result<RustlsConfig> {
    // A second server in one process finds it installed.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let tls = RustlsConfig::from_pem_file(&settings.tls_certificate, &settings.tls_key).await;
    tls.map_err(|e| {
        let place = format!("{}, {}", settings.tls_certificate.display(), settings.tls_key.display());
        UserError::new(Code::Config, place, e.to_string(), "Name a PEM certificate chain and its private key")
            .into()
    })
}

/// Asked to end: no longer ready, no new connections; open requests have the grace that the settings give.
async fn wait_for_stop(app: Arc<App>, handle: Handle<SocketAddr>) {
    asked_to_stop().await;
    app.begin_stop();
    handle.graceful_shutdown(Some(Duration::from_secs(app.shared.settings.limits.grace_seconds)));
    tracing::info!("stopping: open requests are finished");
}

/// Ends when the system, or a person, asks the process to end.
#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals can't be heard: the process can only be killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// SIGHUP: the bundle is read anew and put in service.
#[cfg(unix)]
async fn reload_on_hangup(app: Arc<App>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        let reloaded = Arc::clone(&app);
        let swapped = tokio::task::spawn_blocking(move || reloaded.swap(None)).await;
        if let Ok(Err(error)) = swapped {
            tracing::error!(%error, "the bundle was not put in service");
        }
    }
}

#[cfg(not(unix))]
async fn reload_on_hangup(_app: Arc<App>) {
    std::future::pending().await
}
