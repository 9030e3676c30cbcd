//! What OpenAI's paths and text-embeddings-inference's have in common: texts that are embedded beside the queue.
//!
//! Text that is too long is refused, unless the caller asks for it to be cut.

use std::sync::Arc;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::live_bundle::LiveBundle;
use crate::memory;
use crate::problem::Problem;
use crate::queue::Place;
use crate::shared::Shared;

/// Texts of a call.
pub(super) const MOST_TEXTS: usize = 2_048;
/// Longest text that is looked at, in bytes; what is longer is refused before anything reads it.
const MOST_BYTES: usize = 1 << 20;
/// Bytes that a number of an embedding takes up: as a number, and as text.
const NUMBER_BYTES: usize = 24;

/// One text, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Texts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Texts {
    pub(super) fn list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

/// Embeddings of texts, with the tokens that were read.
pub(super) struct Embedded {
    pub(super) rows: Vec<Vec<f32>>,
    pub(super) tokens: usize,
}

fn embed_all(live: &LiveBundle, texts: &[String], truncate: bool) -> Result<Embedded, Problem> {
    let encoders = live.engine.encoders();
    let mut tokens = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let place = format!("input {i}");
        if text.trim().is_empty() {
            return Err(Problem::new(Code::Input, &place, "it is empty", "Send some text"));
        }
        let read = encoders.tokenize(text)?;
        if text.len() > MOST_BYTES || (read.cut > 0 && !truncate) {
            let problem =
                format!("it is longer than the {} tokens that the encoder reads", encoders.max_tokens());
            let next = "Send a shorter text, or \"truncate\": true to leave out its middle";
            return Err(Problem::new(Code::Limit, &place, problem, next));
        }
        tokens.push(read);
    }
    let sum = tokens.iter().map(|tokens| tokens.ids.len()).sum();
    let data = encoders.embed_tokens(&tokens)?;
    let rows = data.chunks_exact(encoders.dimensions()).map(<[f32]>::to_vec).collect();
    Ok(Embedded { rows, tokens: sum })
}

/// Embeds texts beside the queue, whose tokens count with those that wait there: refused where that is too much.
pub(super) async fn embed_texts(
    shared: &Arc<Shared>,
    texts: Vec<String>,
    truncate: bool,
) -> Result<Embedded, Problem> {
    if !(1..=MOST_TEXTS).contains(&texts.len()) {
        let problem = format!("{} texts", texts.len());
        return Err(Problem::new(Code::Limit, "input", problem, "Send 1 to 2048 at a time"));
    }
    let live = shared.live.load_full();
    let _place = place(shared, &live, &texts, "input")?;
    // Embeddings, and the answer that becomes of them.
    memory::grow(texts.len() * live.engine.encoders().dimensions() * NUMBER_BYTES)?;
    shared.blocking(move |_| embed_all(&live, &texts, truncate)).await
}

/// A place in the queue for texts that are read beside it.
pub(super) fn place(
    shared: &Shared,
    live: &LiveBundle,
    texts: &[String],
    name: &str,
) -> Result<Place, Problem> {
    let most = live.engine.encoders().max_tokens();
    let tokens = texts.iter().map(|text| (text.len() / 4).clamp(1, most)).sum();
    shared.queue.place(tokens).map_err(|seconds| Problem::overload(name, seconds))
}

/// The response's status and headers with another JSON body.
pub(super) fn with_body(response: Response, body: &impl Serialize) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts.status, parts.headers, Json(body)).into_response()
}
