//! What OpenAI's clients call: `/v1/embeddings` and `/v1/models`, with errors in their form.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::texts::{Embedded, Texts, check_dimensions, embed_texts, large, read_texts, with_body};
use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::problem::Problem;
use crate::shared::Shared;

/// An error as OpenAI's clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenAiError {
    error: OpenAiErrorBody,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct OpenAiErrorBody {
    message: String,
    #[serde(rename = "type")]
    kind: OpenAiErrorKind,
    /// Always null.
    param: Option<String>,
    /// Our code, `E_...`.
    #[schema(example = "E_LIMIT")]
    code: &'static str,
}

/// On which side the fault is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OpenAiErrorKind {
    /// The caller's.
    InvalidRequestError,
    /// The service's.
    ServerError,
}

/// A problem, to be answered in OpenAI's form.
struct OpenAi(Problem);

impl From<Problem> for OpenAi {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for OpenAi {
    fn into_response(self) -> Response {
        let Problem { status, code, detail, .. } = self.0.clone();
        let kind = match status {
            500.. => OpenAiErrorKind::ServerError,
            _ => OpenAiErrorKind::InvalidRequestError,
        };
        // A text that is too long is a 400 there.
        let status = if status == 413 { 400 } else { status };
        let body = OpenAiError { error: OpenAiErrorBody { message: detail, kind, param: None, code } };
        let mut response = self.0.into_response();
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        with_body(response, &body)
    }
}

/// How an embedding is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// An array of numbers.
    #[default]
    Float,
    /// The bytes of 32-bit floats, little-endian, in base64.
    Base64,
}

/// Texts to be embedded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbeddingsRequest {
    /// One text, or up to 2048. Lists of token numbers are not taken: tokens belong to one model.
    #[serde(deserialize_with = "read_texts")]
    input: Texts,
    /// Any: there is one model.
    #[serde(default)]
    #[allow(dead_code)] // Part of the form; there is nothing to choose.
    model: Option<String>,
    /// Any: OpenAI keeps it for its own statistics.
    #[serde(default)]
    #[allow(dead_code)] // Part of the form; there is nothing to keep.
    user: Option<String>,
    #[serde(default)]
    encoding_format: Encoding,
    /// Only the model's own number.
    #[serde(default)]
    dimensions: Option<usize>,
    /// Whether the middle of a text that is too long may be left out; ours, not OpenAI's.
    #[serde(default)]
    truncate: bool,
}

/// Embeddings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmbeddingsResponse {
    object: ListObject,
    data: Vec<EmbeddingItem>,
    model: String,
    usage: Usage,
}

/// An embedding, of unit length.
#[derive(Debug, Serialize, ToSchema)]
struct EmbeddingItem {
    object: EmbeddingObject,
    index: usize,
    embedding: EmbeddingValue,
}

/// As numbers, or as base64.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum EmbeddingValue {
    /// Numbers.
    Float(Vec<f32>),
    /// Base64.
    Base64(String),
}

/// Tokens that were read.
#[derive(Debug, Serialize, ToSchema)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Embeds texts, as OpenAI's API does.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "compatible", security(("key" = ["triage"])),
    request_body = EmbeddingsRequest,
    responses(
        (status = 200, description = "Embeddings, in order", body = EmbeddingsResponse),
    )
)]
pub(crate) async fn create_embeddings(
    State(shared): State<Arc<Shared>>,
    caller: Result<Caller, Problem>,
    body: Result<Body<EmbeddingsRequest>, Problem>,
) -> Response {
    let answer = async {
        let caller = caller?;
        caller.may(Scope::Triage)?;
        let Body(request) = body?;
        let live = shared.live.load_full();
        let info = live.engine.bundle().info.clone();
        check_dimensions(request.dimensions, &live)?;
        let texts = request.input.list();
        let from = (caller.key.as_str(), "input");
        let Embedded { rows, tokens } = embed_texts(&shared, from, texts, request.truncate).await?;
        let value = |row: Vec<f32>| match request.encoding_format {
            Encoding::Float => EmbeddingValue::Float(row),
            Encoding::Base64 => {
                let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
                EmbeddingValue::Base64(STANDARD.encode(bytes))
            }
        };
        let view =
            |(index, row)| EmbeddingItem { object: EmbeddingObject::Embedding, index, embedding: value(row) };
        let data = rows.into_iter().enumerate().map(view).collect();
        let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
        large(&shared, EmbeddingsResponse { object: ListObject::List, data, model: info.model, usage }).await
    };
    answer.await.map_err(OpenAi).into_response()
}

/// What this is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ListObject {
    /// A list.
    List,
}

/// What this is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum EmbeddingObject {
    /// An embedding.
    Embedding,
}

/// What this is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ModelObject {
    /// A model.
    Model,
}

/// Models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelsResponse {
    object: ListObject,
    data: Vec<Model>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
struct Model {
    id: String,
    object: ModelObject,
    created: i64,
    owned_by: &'static str,
}

/// The models there are: the bundle's encoder.
#[utoipa::path(
    get, path = "/v1/models", tag = "compatible", security(("key" = ["triage"])),
    responses(
        (status = 200, description = "One", body = ModelsResponse),
    )
)]
pub(crate) async fn list_models(
    State(shared): State<Arc<Shared>>,
    caller: Result<Caller, Problem>,
) -> Response {
    let answer = caller.and_then(|caller| caller.may(Scope::Triage)).map(|()| {
        let id = shared.live.load().engine.bundle().info.model.clone();
        let model = Model { id, object: ModelObject::Model, created: 0, owned_by: "firstline" };
        Json(ModelsResponse { object: ListObject::List, data: vec![model] })
    });
    answer.map_err(OpenAi).into_response()
}
