//! A fake on a port of this machine, with HTTP or TLS, until it is dropped.
//!
//! Each request is answered under one lock, so that a fake's state is never seen half-changed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use firstline_fault::{InternalError, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::deed::Happened;
use crate::faults::{Faults, Trouble};
use crate::hooks::{Delivery, HookTrouble};
use crate::http::{Reply, Request};
use crate::script::Script;
use crate::tls::Certificates;
use crate::world::{Author, Id, World};
use crate::{autotask, connectwise, control, halo};

/// Longest body, in bytes.
const MOST_BODY: usize = 8 << 20;

/// What becomes of a request before anybody looks at what it asks.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// It is held back so long.
    pub(crate) delay: Duration,
    /// It is refused.
    pub(crate) refusal: Option<Reply>,
}

/// How a PSA talks.
pub(crate) trait Dialect: Send {
    /// The answer to a request.
    fn answer(&mut self, world: &mut World, request: &Request) -> Reply;
    /// What is posted to listeners about what happened.
    fn deliveries(&mut self, world: &World, happened: &[Happened]) -> Vec<Delivery>;
    /// A request has come in: how long it is held back, and whether it is refused for being one too many.
    fn enter(&mut self, _world: &World, _request: &Request) -> Entry {
        Entry::default()
    }
    /// A request that came in is over, answered or not.
    fn leave(&mut self, _request: &Request) {}
    /// Changes settings, by name; the others stay as they are.
    fn set(&mut self, settings: &serde_json::Value) -> std::result::Result<(), String> {
        Err(format!("this fake has no settings, so {settings} can't be set"))
    }
}

/// Which PSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// ConnectWise PSA.
    Connectwise,
    /// Autotask.
    Autotask,
    /// HaloPSA.
    Halo,
}

/// How a fake is started.
#[derive(Debug)]
pub struct FakeOptions {
    /// Which PSA.
    pub which: Which,
    /// Its time.
    pub clock: Clock,
    /// Its port; 0 for a free one.
    pub port: u16,
    /// With TLS.
    pub tls: Option<Certificates>,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Logged {
    /// When.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path with the query as sent.
    pub path: String,
    /// The status of the reply; 0 where none was sent.
    pub status: u16,
}

pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) dialect: Box<dyn Dialect>,
    pub(crate) faults: Faults,
    pub(crate) hook_trouble: HookTrouble,
    pub(crate) hooks_due: u64,
    pub(crate) log: Vec<Logged>,
}

/// A fake that is running.
pub struct Fake {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    secure: bool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    hooks: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fake").field("url", &self.url()).finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// Starts a fake.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(options: FakeOptions) -> Result<Self> {
        let fault = |e: std::io::Error| InternalError::new(format!("starting a fake: {e}"));
        let (world, dialect): (World, Box<dyn Dialect>) = match options.which {
            Which::Connectwise => {
                (connectwise::desk(options.clock), Box::new(connectwise::Connectwise::default()))
            }
            Which::Autotask => (autotask::desk(options.clock), Box::new(autotask::Autotask::default())),
            Which::Halo => (halo::desk(options.clock), Box::new(halo::Halo::default())),
        };
        let (faults, hook_trouble) = (Faults::default(), HookTrouble::default());
        let state = State { world, dialect, faults, hook_trouble, hooks_due: 0, log: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(fault)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let (stop, stopped) = oneshot::channel();
        let (shared, secure) = (Arc::clone(&state), options.tls.is_some());
        let origin: Arc<str> = format!("{}://{address}", if secure { "https" } else { "http" }).into();
        let tls = options.tls.map(|tls| TlsAcceptor::from(Arc::new(tls.server)));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, tls, shared, origin) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        let hooks = std::thread::spawn({
            let state = Arc::downgrade(&state);
            move || {
                while let Some(state) = state.upgrade() {
                    let due = due(&mut lock(&state));
                    drop(state);
                    due.iter().for_each(deliver);
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Ok(Self { state, address, secure, stop: Some(stop), thread: Some(thread), hooks: Some(hooks) })
    }

    /// Its address, without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// Looks at its desk, or changes it.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut lock(&self.state).world)
    }

    /// Says what shall go wrong.
    pub fn faults<T>(&self, look: impl FnOnce(&mut Faults) -> T) -> T {
        look(&mut lock(&self.state).faults)
    }

    /// Says how deliveries of webhooks shall go wrong.
    pub fn hook_trouble(&self, trouble: HookTrouble) {
        lock(&self.state).hook_trouble = trouble;
    }

    /// Changes settings of its PSA, by name; the others stay as they are.
    ///
    /// # Errors
    /// When there is no such setting, or it can't have that value.
    pub fn set(&self, settings: &serde_json::Value) -> std::result::Result<(), String> {
        lock(&self.state).dialect.set(settings)
    }

    /// The requests so far.
    pub fn log(&self) -> Vec<Logged> {
        lock(&self.state).log.clone()
    }

    /// Plays a script as far as the desk's clock says; gives the steps that were done.
    pub fn play(&self, script: &mut Script) -> usize {
        self.world(|world| {
            let now = world.now();
            script.play(world, now)
        })
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        for thread in
            [self.thread.take(), self.hooks.take().filter(JoinHandle::is_finished)].into_iter().flatten()
        {
            let _ended = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>, origin: Arc<str>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, state, origin) = (tls.clone(), Arc::clone(&state), Arc::clone(&origin));
        tokio::spawn(async move {
            match tls {
                None => talk(stream, state, origin).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        talk(stream, state, origin).await;
                    }
                }
            }
        });
    }
}

async fn talk<S>(stream: S, state: Arc<Mutex<State>>, origin: Arc<str>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let (state, origin) = (Arc::clone(&state), Arc::clone(&origin));
        async move { respond(request, &state, &origin).await }
    });
    // An error here is a connection that ended, on purpose or not.
    let _ended = Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// No reply: the connection ends.
#[derive(Debug)]
struct Silence;

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection ends without a reply")
    }
}

impl std::error::Error for Silence {}

async fn respond(
    request: hyper::Request<Incoming>,
    state: &Mutex<State>,
    origin: &str,
) -> std::result::Result<hyper::Response<Full<Bytes>>, Silence> {
    let request = read(request, origin).await.ok_or(Silence)?;
    let (trouble, entry) = {
        let mut state = lock(state);
        let State { faults, dialect, world, .. } = &mut *state;
        (faults.pick(&request), dialect.enter(world, &request))
    };
    let _inside = Inside { state, request: &request };
    let slow = match trouble {
        Some(Trouble::Slow { ms }) => Duration::from_millis(ms),
        _ => Duration::ZERO,
    };
    let delay = entry.delay + slow;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let reply = decide(&mut lock(state), &request, trouble.as_ref(), entry.refusal).ok_or(Silence)?;
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(reply.body))).map_err(|_| Silence)
}

/// A request that is being answered; over when it is dropped, even where the client has gone.
struct Inside<'a> {
    state: &'a Mutex<State>,
    request: &'a Request,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        lock(self.state).dialect.leave(self.request);
    }
}

async fn read(request: hyper::Request<Incoming>, origin: &str) -> Option<Request> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MOST_BODY).collect().await.ok()?.to_bytes().to_vec();
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    Some(Request {
        method: head.method.as_str().to_owned(),
        path: decoded(head.uri.path(), false),
        query: raw_query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
        raw_query,
        headers: headers.collect(),
        body,
        origin: origin.to_owned(),
    })
}

/// A name and a value of a query or a form.
pub(crate) fn pair(part: &str) -> (String, String) {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    (decoded(name, true), decoded(value, true))
}

/// Percent-decoded; a plus is a space in a query.
fn decoded(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut ahead = rest.clone();
        let coded = (byte == b'%').then(|| Some(16 * hex(ahead.next()?)? + hex(ahead.next()?)?)).flatten();
        match coded {
            Some(coded) => {
                bytes.push(coded);
                rest = ahead;
            }
            None if byte == b'+' && query => bytes.push(b' '),
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The reply, and what the trouble makes of it; `None`: none is sent.
fn decide(
    state: &mut State,
    request: &Request,
    trouble: Option<&Trouble>,
    refused: Option<Reply>,
) -> Option<Reply> {
    if let Some(reply) = control::answer(state, request) {
        return Some(reply);
    }
    let refused = trouble.and_then(Trouble::refusal).or(refused);
    let reply = match (trouble, refused) {
        (Some(Trouble::Refused), _) => None,
        (_, Some(refusal)) => Some(refusal),
        _ => {
            let State { world, dialect, .. } = state;
            Some(dialect.answer(world, request))
        }
    };
    match trouble {
        Some(Trouble::EditAfter) => edit(&mut state.world, ticket_of(request)),
        Some(Trouble::MoveRows) => move_rows(&mut state.world),
        _ => {}
    }
    let reply = reply.filter(|_| trouble != Some(&Trouble::LostReply));
    let path = match request.raw_query.as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    };
    let status = reply.as_ref().map_or(0, |reply| reply.status);
    let at = state.world.now();
    state.log.push(Logged { at, method: request.method.clone(), path, status });
    reply
}

/// The ticket that a path names.
fn ticket_of(request: &Request) -> Option<Id> {
    let parts = request.parts();
    let at = parts.iter().position(|part| part.eq_ignore_ascii_case("tickets"))?;
    parts.get(at + 1)?.parse().ok()
}

/// A technician raises the priority of a ticket, or lowers it.
fn edit(world: &mut World, ticket: Option<Id>) {
    let Some(now) = ticket.and_then(|ticket| world.tickets.get(&ticket)) else { return };
    let (id, priority) = (now.id, now.priority);
    let technician = world.technicians.keys().next().copied();
    let other = world.priorities.keys().copied().find(|other| Some(*other) != priority);
    if let (Some(technician), Some(other)) = (technician, other) {
        let by = (Author::Technician(technician), world.now());
        world.set(id, crate::deed::Deed::Priority, Some(other), by);
    }
}

/// The three tickets that changed longest ago are edited.
fn move_rows(world: &mut World) {
    let mut oldest: Vec<(Timestamp, Id)> = world.tickets.values().map(|t| (t.updated_at, t.id)).collect();
    oldest.sort_unstable();
    for (_, ticket) in oldest.into_iter().take(3) {
        edit(world, Some(ticket));
    }
}

/// The deliveries that are due.
fn due(state: &mut State) -> Vec<Delivery> {
    let happened = std::mem::take(&mut state.world.happened);
    let due = state.dialect.deliveries(&state.world, &happened);
    let before = state.hooks_due;
    state.hooks_due += due.len() as u64;
    state.hook_trouble.send(due, before)
}

/// Posts a delivery; one that does not arrive is lost, as with the PSAs that try no more.
fn deliver(delivery: &Delivery) {
    let mut request =
        ureq::post(&delivery.url).config().timeout_global(Some(Duration::from_secs(10))).build();
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    let _sent = request.send(&delivery.body[..]);
}
