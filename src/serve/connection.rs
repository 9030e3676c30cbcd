//! A connection from a client, with TLS or without: of one type, so that all of HTTP is compiled once.

use std::future::{Future, ready};
use std::io;
use std::pin::Pin;

use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin> Connection for C {}

/// Makes a connection of what a client has opened.
#[derive(Debug, Clone)]
pub(crate) enum Acceptor {
    /// As it is.
    Plain,
    /// After a handshake.
    Tls(RustlsAcceptor),
}

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = Box<dyn Connection>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        match self {
            Self::Plain => Box::pin(ready(Ok((Box::new(stream) as Self::Stream, service)))),
            Self::Tls(tls) => {
                // The service is none of its business.
                let handshake = tls.accept(stream, ());
                Box::pin(async move {
                    let (stream, _) = handshake.await?;
                    Ok((Box::new(stream) as Self::Stream, service))
                })
            }
        }
    }
}
