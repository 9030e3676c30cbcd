//! One connection from a client, with TLS or without: of one type, so that all of HTTP is compiled once. HTTP/1 only.
//!
//! Must never wait for its client for ever: every wait ends by [`Slot::is_overdue`](crate::connections::Slot), by the bound on a
//! body ([`body`](crate::body)), or here, where an answer is not read.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;

use crate::connections::{LEAVING_TIME, Open, Slot, Turn};

/// A client has to read [`PROGRESS`] bytes of an answer within this time.
const STALL_TIME: Duration = Duration::from_secs(10);
/// See [`STALL_TIME`]: the slowest line that is served, 6.4 KiB a second.
const PROGRESS: u64 = 64 << 10;
/// Most of a request's headers, in bytes, and how many there may be.
const HEADER_BYTES: usize = 32 << 10;
const MOST_HEADERS: usize = 100;

/// A connection.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

/// What every connection is served with.
pub(crate) struct Door {
    tls: Option<TlsAcceptor>,
    http: Builder,
    service: TowerToHyperService<Router>,
    /// How long a connection is kept open for the next request.
    idle: Duration,
}

impl Door {
    /// Serves `router`, by TLS where there is a configuration for it.
    pub(crate) fn new(router: Router, tls: Option<TlsAcceptor>, idle: Duration) -> Arc<Self> {
        let mut http = Builder::new();
        // Time is kept here, of every phase: hyper has one bound for headers and for connections that are kept open.
        http.header_read_timeout(None).max_buf_size(HEADER_BYTES).max_headers(MOST_HEADERS);
        Arc::new(Self { tls, http, service: TowerToHyperService::new(router), idle })
    }

    /// Serves a connection until it ends, waits too long, or has to give way. After `stop` no further request is taken.
    pub(crate) async fn serve(&self, stream: TcpStream, open: Open, stop: watch::Receiver<bool>) {
        let slot = Arc::clone(&open.slot);
        tokio::select! {
            () = self.answer(stream, Arc::clone(&slot), stop) => {}
            () = slot.gives_way.notified() => {}
            () = slot.is_overdue(self.idle) => {}
        }
    }

    async fn answer(&self, stream: TcpStream, slot: Arc<Slot>, mut stop: watch::Receiver<bool>) {
        let stream: Box<dyn Connection> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => tokio::select! {
                Ok(stream) = tls.accept(stream) => Box::new(stream),
                else => return,
            },
        };
        let watched =
            Watched { inner: stream, slot: Arc::clone(&slot), written: 0, stall: None, leaving: None };
        let service = service_fn(|request: Request<Incoming>| self.request(request, &slot));
        let mut served = pin!(self.http.serve_connection(TokioIo::new(watched), service));
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    served.as_mut().graceful_shutdown();
                }
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke");
                    }
                    return;
                }
            }
        }
    }

    async fn request(
        &self,
        mut request: Request<Incoming>,
        slot: &Arc<Slot>,
    ) -> Result<Response<Answered>, Infallible> {
        let turn = slot.begin();
        request.extensions_mut().insert(Arc::clone(slot));
        let response = self.service.call(request).await?;
        Ok(response.map(|body| Answered { body, _turn: turn }))
    }
}

/// An answer's body; the connection is at it until it is dropped.
struct Answered {
    body: Body,
    _turn: Turn,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that notes what its client does, ends where an answer is not read, and reads what is still sent after the last
/// answer: a socket that is closed on unread bytes resets, and the answer is lost.
struct Watched {
    inner: Box<dyn Connection>,
    slot: Arc<Slot>,
    written: u64,
    stall: Option<Stall>,
    leaving: Option<Pin<Box<Sleep>>>,
}

/// Since when a client has not read.
struct Stall {
    end: Pin<Box<Sleep>>,
    /// Bytes written by then, and the request that they answer.
    written: u64,
    request: u32,
}

impl Watched {
    /// Notes how a write went; one that waits fails when its client has read too little for too long.
    fn after_write<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.slot.writes();
            return polled;
        }
        self.slot.stalls();
        let (written, request) = (self.written, self.slot.requests());
        let new = || Stall { end: Box::pin(sleep(STALL_TIME)), written, request };
        let stall = self.stall.get_or_insert_with(new);
        if stall.request != request || written - stall.written >= PROGRESS {
            *stall = new();
        }
        ready!(stall.end.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client does not read")))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.slot.reads();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(n)) = polled {
            self.written += n as u64;
        }
        self.after_write(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, parts);
        if let Poll::Ready(Ok(n)) = polled {
            self.written += n as u64;
        }
        self.after_write(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        self.after_write(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.leaving.is_none() {
            ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
            this.slot.leaves();
        }
        let end = this.leaving.get_or_insert_with(|| Box::pin(sleep(LEAVING_TIME)));
        let mut unread = [0; 8 << 10];
        while end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut unread);
            let read = ready!(Pin::new(&mut this.inner).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
