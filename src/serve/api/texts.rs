//! What OpenAI's paths and text-embeddings-inference's have in common: texts that are embedded piece by piece in the
//! queue.
//!
//! Text that is too long is refused, unless the caller asks for it to be cut.

use std::sync::Arc;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::live_bundle::LiveBundle;
use crate::memory;
use crate::problem::Problem;
use crate::queue::{Part, cost_of};
use crate::shared::Shared;
use crate::wording::kind;

/// Texts of a call.
pub(super) const MOST_TEXTS: usize = 2_048;
/// Longest text that is looked at, in bytes; what is longer is refused before anything reads it.
const MOST_BYTES: usize = 1 << 20;
/// Bytes that a number of an embedding takes up: as a number, and as text.
const NUMBER_BYTES: usize = 24;
/// What is said to clients that send token numbers.
const TOKENS: &str = "token numbers are not read here, since they belong to one model's vocabulary; have the client send the texts \
    themselves (in LangChain: check_embedding_ctx_length=False)";
/// The cost of a piece of a call, unless a text is more.
const PIECE: usize = 256;

/// One text, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Texts {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// Reads texts, and says of what is none where it stands; what serde derives only says that nothing fits.
pub(super) fn read_texts<'de, D: Deserializer<'de>>(from: D) -> Result<Texts, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(Texts::One(text)),
        Value::Array(list) => all_texts(list).map(Texts::Several).map_err(D::Error::custom),
        other => {
            Err(D::Error::custom(format!("it is {} where a text or a list of texts belongs", kind(&other))))
        }
    }
}

/// The texts of a list.
///
/// # Errors
/// Says which is none.
pub(super) fn all_texts(list: Vec<Value>) -> Result<Vec<String>, String> {
    let is_tokens = |value: &Value| match value {
        Value::Array(inner) => !inner.is_empty() && inner.iter().all(Value::is_number),
        other => other.is_number(),
    };
    if !list.is_empty() && list.iter().all(is_tokens) {
        return Err(TOKENS.to_owned());
    }
    let text = |(i, value): (usize, Value)| match value {
        Value::String(text) => Ok(text),
        other => Err(format!("input {i} is {} where a text belongs", kind(&other))),
    };
    list.into_iter().enumerate().map(text).collect()
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

/// Refuses an option that a client of another service may set and that means nothing here.
///
/// # Errors
/// Names the option, and says `why`.
pub(super) fn refuse(name: &str, is_set: bool, why: &str) -> Result<(), Problem> {
    match is_set {
        true => Err(Problem::new(Code::Request, name, why, "Leave it out")),
        false => Ok(()),
    }
}

/// Refuses any number of dimensions but the model's.
pub(super) fn check_dimensions(asked: Option<usize>, live: &LiveBundle) -> Result<(), Problem> {
    let has = live.engine.encoders().dimensions();
    refuse(
        "dimensions",
        asked.is_some_and(|n| n != has),
        &format!("the model has {has} dimensions, and no others"),
    )
}

/// Embeds texts, piece by piece in the queue; the caller's `(key, name)`: the name of the texts in errors.
pub(super) async fn embed_texts(
    shared: &Arc<Shared>,
    (key, name): (&str, &str),
    texts: Vec<String>,
    truncate: bool,
) -> Result<Embedded, Problem> {
    if texts.is_empty() {
        return Err(Problem::new(Code::Request, name, "it is an empty list", "Send 1 to 2048 texts"));
    }
    if !(1..=MOST_TEXTS).contains(&texts.len()) {
        let problem = format!("{} texts", texts.len());
        return Err(Problem::new(Code::Limit, name, problem, "Send 1 to 2048 at a time"));
    }
    let live = shared.live.load_full();
    // Embeddings, and the answer that becomes of them.
    memory::grow(texts.len() * live.engine.encoders().dimensions() * NUMBER_BYTES)?;
    let embed = move |live: &LiveBundle, first, texts: &[String]| embed_piece(live, first, texts, truncate);
    let pieces = in_pieces(shared, (key, name), &live, texts, embed).await?;
    let mut all = Embedded { rows: Vec::new(), tokens: 0 };
    for Embedded { rows, tokens } in pieces {
        all.rows.extend(rows);
        all.tokens += tokens;
    }
    Ok(all)
}

/// Embeds some of a call's texts, from the `first` on.
fn embed_piece(
    live: &LiveBundle,
    first: usize,
    texts: &[String],
    truncate: bool,
) -> Result<Embedded, Problem> {
    let encoders = live.engine.encoders();
    let mut tokens = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let place = format!("input {}", first + i);
        if text.trim().is_empty() {
            return Err(Problem::new(Code::Input, &place, "it is empty", "Send some text"));
        }
        let too_long = || {
            let problem =
                format!("it is longer than the {} tokens that the encoder reads", encoders.max_tokens());
            let next = "Send a shorter text, or \"truncate\": true to leave out its middle";
            Problem::new(Code::Limit, &place, problem, next)
        };
        if text.len() > MOST_BYTES {
            return Err(too_long());
        }
        let read = encoders.tokenize(text)?;
        if read.cut > 0 && !truncate {
            return Err(too_long());
        }
        tokens.push(read);
    }
    let sum = tokens.iter().map(|tokens| tokens.ids.len()).sum();
    let data = encoders.embed_tokens(&tokens)?;
    let rows = data.chunks_exact(encoders.dimensions()).map(<[f32]>::to_vec).collect();
    Ok(Embedded { rows, tokens: sum })
}

/// Computes something of texts in pieces of about [`PIECE`], which wait in the queue under the caller's `(key, name)`, the name of
/// the texts in errors; gives the pieces' results in order.
pub(super) async fn in_pieces<T: Send + 'static>(
    shared: &Arc<Shared>,
    (key, name): (&str, &str),
    live: &Arc<LiveBundle>,
    texts: Vec<String>,
    compute: impl Fn(&LiveBundle, usize, &[String]) -> Result<T, Problem> + Clone + Send + 'static,
) -> Result<Vec<T>, Problem> {
    let most = live.engine.encoders().max_tokens();
    let pieces = pieces(texts, most);
    let cost = pieces.iter().map(|(cost, _)| cost).sum();
    let place = shared.queue.place(key, cost).map_err(|seconds| Problem::overload(name, seconds))?;
    let mut first = 0;
    let part = |(cost, texts): (usize, Vec<String>)| -> Part<T> {
        let (live, compute, at) = (Arc::clone(live), compute.clone(), first);
        first += texts.len();
        (cost, Box::new(move || compute(&live, at, &texts)))
    };
    let results = place.compute(shared.compute_deadline(), pieces.into_iter().map(part).collect()).await?;
    place.finish();
    Ok(results)
}

/// Texts in pieces, with the cost of each.
fn pieces(texts: Vec<String>, most: usize) -> Vec<(usize, Vec<String>)> {
    let mut pieces: Vec<(usize, Vec<String>)> = Vec::new();
    for text in texts {
        let cost = cost_of(text.len(), most);
        match pieces.last_mut() {
            Some((sum, piece)) if *sum + cost <= PIECE => {
                *sum += cost;
                piece.push(text);
            }
            _ => pieces.push((cost, vec![text])),
        }
    }
    pieces
}

/// A response with a large JSON body, which is written away from the threads that answer.
pub(super) async fn large<T: Serialize + Send + 'static>(
    shared: &Arc<Shared>,
    body: T,
) -> Result<Response, Problem> {
    let json = shared.blocking(move |_| serde_json::to_vec(&body).map_err(Problem::internal)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// The response's status and headers with another JSON body.
pub(super) fn with_body(response: Response, body: &impl Serialize) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts.status, parts.headers, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_pieces_in_order() {
        let texts: Vec<String> = (0..2_048).map(|i| format!("{i:04} {}", "x".repeat(i % 2_000))).collect();
        let pieces = pieces(texts.clone(), 512);
        assert!(pieces.len() > 500);
        assert!(pieces.iter().all(|(cost, texts)| *cost <= PIECE || texts.len() == 1));
        assert_eq!(pieces.into_iter().flat_map(|(_, texts)| texts).collect::<Vec<_>>(), texts);
    }
}
