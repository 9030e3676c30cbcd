//! Bodies: a request's, read in bounds of length, time and memory, and an answer's, counted until it is sent.
//!
//! Memory is taken as bytes come, whatever the client has announced. A body that is refused is read to its end where that is near,
//! so that the client gets to the answer. Must never read a body before its caller is known, except the
//! short form of somebody who signs in.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::bounded_json::Bounds;
use crate::memory::{self, BODY_FACTOR, Held};
use crate::problem::Problem;
use crate::settings::Limits;

/// Memory is taken in steps of so many bytes of a body.
const STEP: usize = 4 << 10;
/// A client may be silent for so long within a body.
const SILENCE: Duration = Duration::from_secs(10);
/// And a body may take so long, and a second more for so many bytes of it.
const BODY_TIME: Duration = Duration::from_secs(10);
const BYTES_A_SECOND: usize = 256 << 10;
/// What is left of a body that was refused is read up to this, so that the client sees the answer.
const MOST_UNREAD: usize = 256 << 10;
const UNREAD_TIME: Duration = Duration::from_secs(1);
/// Answers above this are counted and go out in pieces of this length.
const PIECE: usize = 16 << 10;

/// What a path takes: bytes, and what they may say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) bytes: usize,
    pub(crate) json: Bounds,
}

/// What `path` takes. A path that is not named takes little.
pub(crate) fn room(path: &str, limits: &Limits) -> Room {
    let tickets = |most: usize| {
        let values = (1_024 + 256 * most).min(250_000.max(16 * most));
        (limits.body_bytes, Bounds { values, items: most })
    };
    let (bytes, json) = match path {
        "/v1/triage" => tickets(limits.batch_tickets),
        "/v1/jobs" => tickets(limits.job_tickets),
        "/v1/feedback" => tickets(256),
        "/v1/events" => (limits.body_bytes, Bounds { values: 20_000, items: 1_000 }),
        "/v1/incidents" => (limits.body_bytes, Bounds { values: 8_192, items: 256 }),
        "/v1/rollout/coverage" => (limits.body_bytes, Bounds { values: 80_000, items: 20_000 }),
        // A baseline or an evidence file, as one text.
        "/v1/rollout/start" | "/v1/rollout/gate" => (limits.body_bytes, Bounds { values: 1_024, items: 256 }),
        // A cursor is one text.
        path if path.starts_with("/v1/connections/") => (16 << 20, Bounds { values: 64, items: 16 }),
        "/v1/similar" => (8 << 20, Bounds { values: 4_096, items: 64 }),
        "/v1/embeddings" | "/embeddings" | "/embed" | "/" | "/predict" => {
            (limits.body_bytes, Bounds { values: 8_192, items: 2_048 })
        }
        _ => (1 << 20, Bounds { values: 1_024, items: 256 }),
    };
    Room { bytes: bytes.min(limits.body_bytes), json }
}

/// Reads a body of `most` bytes at most.
pub(crate) async fn read(body: Body, most: usize, held: &Held) -> Result<Vec<u8>, Problem> {
    let mut body = body;
    // What is announced is not believed, but a body that is too long is not waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long(most));
    }
    let start = Instant::now();
    let (mut bytes, mut taken) = (Vec::new(), 0);
    loop {
        let end = patience(start, Instant::now(), bytes.len());
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        let Some(frame) = tokio::time::timeout_at(end.into(), frame).await.map_err(|_| late())? else {
            return Ok(bytes);
        };
        let Ok(data) = frame.map_err(|_| broken())?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > most {
            return Err(too_long(most));
        }
        if length > taken {
            let step = (length - taken).next_multiple_of(STEP);
            held.grow(step * BODY_FACTOR)?;
            taken += step;
        }
        bytes.extend_from_slice(&data);
    }
}

/// Until when the next piece of a body is waited for, of which so many bytes have come.
fn patience(start: Instant, now: Instant, bytes: usize) -> Instant {
    let all = start + BODY_TIME + Duration::from_secs((bytes / BYTES_A_SECOND) as u64);
    all.min(now + SILENCE)
}

fn late() -> Problem {
    Problem::new(Code::Request, "the body", "it did not come in time", "Send it at once")
        .with_status(StatusCode::REQUEST_TIMEOUT)
}

fn broken() -> Problem {
    Problem::new(Code::Request, "the body", "it ended before its end", "Send it whole")
}

fn too_long(most: usize) -> Problem {
    let problem = format!("it is longer than {most} bytes");
    Problem::new(Code::Limit, "the body", problem, "Send fewer tickets at a time, without attachments")
}

/// A request's body, of which what a handler leaves can be read by somebody else.
#[derive(Debug, Clone)]
pub(crate) struct Unread(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    body: Body,
    /// Whether somebody has begun to read: before that, a client may wait to be told to send.
    begun: bool,
    ended: bool,
}

/// The request, and its body to be seen to afterwards; `None` where it has no body.
pub(crate) fn apart(request: Request) -> (Request, Option<Unread>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let begun = !request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let unread = Unread(Arc::new(Mutex::new(Inner { body, begun, ended: false })));
    (Request::from_parts(parts, Body::new(unread.clone())), Some(unread))
}

impl Unread {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was read to its end.
    pub(crate) fn is_ended(&self) -> bool {
        let inner = self.lock();
        inner.ended || inner.body.is_end_stream()
    }

    /// Reads what is left, where that is little; `false` where there is more, and the connection can't be used again.
    pub(crate) async fn read_out(mut self) -> bool {
        let (left, begun) = {
            let inner = self.lock();
            (inner.body.size_hint().lower(), inner.begun)
        };
        if !begun || left > MOST_UNREAD as u64 {
            return self.is_ended();
        }
        let all = async {
            let mut length = 0;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
                length += frame.data_ref().map_or(0, Bytes::len);
                if length > MOST_UNREAD {
                    return;
                }
            }
        };
        let _late = tokio::time::timeout(UNREAD_TIME, all).await;
        self.is_ended()
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut inner = self.lock();
        inner.begun = true;
        let polled = Pin::new(&mut inner.body).poll_frame(cx);
        inner.ended |= matches!(polled, Poll::Ready(None));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}

/// Counts an answer, where it is large, until it is sent: a client may read slowly.
pub(crate) async fn counted(response: Response, held: &Held) -> Response {
    let Some(length) = response.body().size_hint().exact().and_then(|n| usize::try_from(n).ok()) else {
        return response;
    };
    if length <= PIECE {
        return response;
    }
    let taken = match held.apart(length) {
        Ok(taken) => taken,
        Err(problem) => return problem.into_response(),
    };
    let (parts, body) = response.into_parts();
    match to_bytes(body, length).await {
        Ok(rest) => Response::from_parts(parts, Body::new(Answer { rest, _taken: taken })),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// The header that tells the client that the connection ends with this answer.
pub(crate) fn close(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// What is left of an answer.
struct Answer {
    rest: Bytes,
    _taken: memory::Bytes,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Pool;

    /// A body of pieces, whose length is not announced; without an end where `endless`.
    struct Pieces(Vec<Bytes>, bool);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.0.pop() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.1 => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    fn pieces(n: usize, length: usize, endless: bool) -> Body {
        Body::new(Pieces(vec![Bytes::from(vec![b'x'; length]); n], endless))
    }

    fn held(memory: &Arc<Pool>) -> Held {
        let held = Held::new(memory, &Pool::new(1_000));
        held.is_of("key").unwrap();
        held
    }

    #[tokio::test]
    async fn memory_is_taken_as_bytes_come_and_not_as_they_are_announced() {
        let memory = Pool::new(64 * STEP * BODY_FACTOR);
        // Forty short bodies without a length: together they take little.
        let many: Vec<Held> = (0..32).map(|_| held(&memory)).collect();
        for held in &many {
            assert_eq!(read(pieces(2, 50, false), 32 << 20, held).await.unwrap().len(), 100);
        }
        // One more than there is room for is refused while it comes.
        let refused = read(pieces(64, STEP, false), 32 << 20, &held(&memory)).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (429, "E_OVERLOAD"));
        drop(many);
        assert_eq!(read(pieces(32, STEP, false), 32 << 20, &held(&memory)).await.unwrap().len(), 32 * STEP);
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_refused_announced_or_not() {
        let memory = Pool::new(1 << 30);
        for body in [pieces(3, 600, false), Body::from(vec![0; 1_001])] {
            let refused = read(body, 1_000, &held(&memory)).await.unwrap_err();
            assert_eq!((refused.status, refused.code), (413, "E_LIMIT"));
        }
        assert_eq!(read(Body::from(vec![0; 1_000]), 1_000, &held(&memory)).await.unwrap().len(), 1_000);
    }

    #[test]
    fn a_body_that_drips_or_stops_is_not_waited_for() {
        let start = Instant::now();
        let is_late = |seconds: u64, bytes: usize| {
            let now = start + Duration::from_secs(seconds);
            patience(start, now, bytes) <= now
        };
        // A byte now and then, and one chunk of a hundred bytes.
        assert!(!is_late(5, 1) && is_late(10, 1) && is_late(10, 100));
        // 32 MiB on a line of two megabits and a half, and on a slower one.
        assert!(!is_late(100, 32 << 20) && is_late(140, 32 << 20));
        assert!(patience(start, start, 32 << 20) <= start + SILENCE, "nor is silence, whatever came before");
        assert_eq!(late().status, 408);
    }

    #[tokio::test]
    async fn what_a_handler_leaves_of_a_body_is_read_out_where_it_is_little() {
        for (body, is_read_out) in [
            (pieces(4, 10 << 10, false), true),
            (pieces(40, 10 << 10, false), false),
            (pieces(1, 10, true), false),
            (Body::from(vec![0; MOST_UNREAD + 1]), false),
        ] {
            let (request, unread) = apart(Request::new(body));
            drop(request);
            assert_eq!(unread.unwrap().read_out().await, is_read_out);
        }
        // A client that waits to be told to send is not told to.
        let waits =
            Request::builder().header(header::EXPECT, "100-continue").body(pieces(1, 9, false)).unwrap();
        assert!(!apart(waits).1.unwrap().read_out().await);
        assert!(apart(Request::new(Body::empty())).1.is_none());
    }

    #[tokio::test]
    async fn a_large_answer_is_counted_until_it_is_sent_and_arrives_whole() {
        let memory = Pool::new(4 << 20);
        let held = held(&memory);
        let text: Vec<u8> = (0..1 << 20).map(|n| (n % 251) as u8).collect();
        let answer = || text.clone().into_response();
        let one = counted(answer(), &held).await;
        let two = counted(answer(), &held).await;
        assert_eq!(counted(answer(), &held).await.status(), 429);
        assert_eq!(to_bytes(one.into_body(), usize::MAX).await.unwrap(), text);
        drop(two);
        assert_eq!(counted(answer(), &held).await.status(), 200);
        assert_eq!(counted("small".into_response(), &held).await.status(), 200);
    }
}
