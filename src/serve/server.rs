//! Listening, with TLS where it is configured, and an orderly end.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use firstline_fault::{Code, Error, InternalError, Result, UserError};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tracing_subscriber::EnvFilter;

use crate::api;
use crate::app::App;
use crate::connection::Door;
use crate::connections::{Connections, SPARE};
use crate::pages;
use crate::settings::{LogFormat, Settings};

/// Before the next connection is accepted, when one could not be.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// Open files that are no connections: the store's, the bundle's, the log.
const OTHER_FILES: usize = 256;
/// Calls that block at a time: each may hold a body, and each thread keeps memory of its own.
const BLOCKING_CALLS: usize = 32;

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

/// Serves until the system or [`App::begin_stop`] asks for an end, then finishes what was begun. `ready` hears the address.
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_CALLS)
        .enable_all()
        .build();
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
    let tls = match settings.tls_certificate.as_os_str().is_empty() {
        true => None,
        false => Some(tls(settings)?),
    };
    let listener = TcpListener::bind(address).await.map_err(|e| UserError::io(address, &e))?;
    let address = listener.local_addr().map_err(|e| UserError::io(address, &e))?;
    let (stop, stopping) = watch::channel(false);
    let waiting = tokio::spawn(wait_for_stop(Arc::clone(app), stop));
    let reloading = tokio::spawn(reload_on_hangup(Arc::clone(app)));
    let door = Door::new(
        api::router(Arc::clone(&app.shared), pages::routes()),
        tls,
        Duration::from_secs(settings.limits.idle_seconds),
    );
    let connections = Connections::new(places(settings.limits.connections));
    ready(address);
    accept(listener, &door, &connections, stopping).await;
    let grace = Duration::from_secs(settings.limits.grace_seconds);
    if tokio::time::timeout(grace, connections.ended()).await.is_err() {
        tracing::warn!("some requests were not finished within limits.grace_seconds");
    }
    waiting.abort();
    reloading.abort();
    Ok(())
}

/// Takes connections until the service stops. One that can't be taken ends neither the loop nor the service.
async fn accept(
    listener: TcpListener,
    door: &Arc<Door>,
    connections: &Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Where every place has work the stream is closed: its client tries again.
                let Some(open) = connections.open(peer.ip()) else { continue };
                // An answer goes out in pieces: none waits for the client to confirm the one before.
                let _unset = stream.set_nodelay(true);
                let (door, stop) = (Arc::clone(door), stop.clone());
                tokio::spawn(async move { door.serve(stream, open, stop).await });
            }
            Err(error) => {
                // Out of files, as a rule: others may close some.
                tracing::error!(%error, "a connection was not accepted");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// How many connections there may be: as the settings say, or as many as the system has files for.
fn places(most: usize) -> usize {
    let Some(files) = open_files() else { return most };
    let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(OTHER_FILES).max(SPARE);
    if room < most {
        tracing::warn!(
            room,
            "the system's limit on open files is below limits.connections: raise LimitNOFILE"
        );
    }
    most.min(room)
}

/// Files that the process may have open, after it has asked for as many as it may ask for.
#[cfg(unix)]
fn open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = Rlimit { current: now.maximum, maximum: now.maximum };
    match setrlimit(Resource::Nofile, most) {
        Ok(()) => now.maximum,
        Err(_) => now.current,
    }
}

#[cfg(not(unix))]
fn open_files() -> Option<u64> {
    None
}

/// TLS with the certificate that the settings name; HTTP/1 is all that is offered.
fn tls(settings: &Settings) -> Result<TlsAcceptor> {
    // A second server in one process finds it installed.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let fault = |problem: String| -> Error {
        let place = format!("{}, {}", settings.tls_certificate.display(), settings.tls_key.display());
        UserError::new(Code::Config, place, problem, "Name a PEM certificate chain and its private key")
            .into()
    };
    let chain = CertificateDer::pem_file_iter(&settings.tls_certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|e| fault(e.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&settings.tls_key).map_err(|e| fault(e.to_string()))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|e| fault(e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Asked to end: no longer ready, no new connections; open requests have the grace that the settings give.
async fn wait_for_stop(app: Arc<App>, stop: watch::Sender<bool>) {
    tokio::select! {
        () = asked_to_stop() => {}
        () = app.shared.ends.notified() => {}
    }
    app.begin_stop();
    stop.send_replace(true);
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
