//! What people's clients call already: OpenAI's `/v1/embeddings` and `/v1/models`, text-embeddings-inference's `/embed`,
//! `/predict` and `/info`, with errors in their forms. Text that is too long is refused, unless the caller asks for it to be cut.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstline_fault::Code;
use firstline_ticket::{Field, Ticket};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::desk::Desk;
use crate::extract::Body;
use crate::problem::Problem;

/// Texts of a call.
const MOST_TEXTS: usize = 2_048;
/// Longest text that is looked at, in bytes; what is longer is refused before anything reads it.
const MOST_BYTES: usize = 1 << 20;

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
    fn list(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        }
    }
}

/// Embeddings of texts, with the tokens of each.
struct Embedded {
    rows: Vec<Vec<f32>>,
    tokens: usize,
}

fn embed_all(desk: &Desk, texts: &[String], truncate: bool) -> Result<Embedded, Problem> {
    let encoders = desk.engine.encoders();
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
async fn embed_texts(app: &Arc<App>, texts: Vec<String>, truncate: bool) -> Result<Embedded, Problem> {
    if !(1..=MOST_TEXTS).contains(&texts.len()) {
        let problem = format!("{} texts", texts.len());
        return Err(Problem::new(Code::Limit, "input", problem, "Send 1 to 2048 at a time"));
    }
    let desk = app.desk.load_full();
    let most = desk.engine.encoders().max_tokens();
    let tokens = texts.iter().map(|text| (text.len() / 4).clamp(1, most)).sum();
    let _place = app.queue.place(tokens).map_err(|seconds| Problem::overload("input", seconds))?;
    app.blocking(move |_| embed_all(&desk, &texts, truncate)).await
}

/// A problem as OpenAI's clients read it.
struct OpenAi(Problem);

impl From<Problem> for OpenAi {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for OpenAi {
    fn into_response(self) -> Response {
        let Problem { status, code, detail, .. } = &self.0;
        let kind = if *status >= 500 { "server_error" } else { "invalid_request_error" };
        // A text that is too long is a 400 there.
        let status = if *status == 413 { 400 } else { *status };
        let body = json!({"error": {"message": detail, "type": kind, "param": null, "code": code}});
        let mut response = self.0.into_response();
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        with_body(response, &body)
    }
}

/// A problem as TEI's clients read it.
struct Tei(Problem);

impl From<Problem> for Tei {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Tei {
    fn into_response(self) -> Response {
        let kind = match self.0.status {
            429 => "overloaded",
            500.. => "backend",
            _ => "validation",
        };
        let body = json!({"error": self.0.detail, "error_type": kind});
        with_body(self.0.into_response(), &body)
    }
}

/// The response's status and headers with another JSON body.
fn with_body(response: Response, body: &Value) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(axum::http::header::CONTENT_TYPE);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    (parts.status, parts.headers, Json(body)).into_response()
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
pub(crate) struct EmbeddingsRequest {
    /// One text, or up to 2048. Lists of token numbers are not taken: tokens belong to one model.
    input: Texts,
    /// Any: there is one model.
    #[serde(default)]
    #[allow(dead_code)] // Part of the form; there is nothing to choose.
    model: Option<String>,
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
    object: &'static str,
    data: Vec<EmbeddingView>,
    model: String,
    usage: Usage,
}

/// An embedding, of unit length.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EmbeddingView {
    object: &'static str,
    index: usize,
    embedding: EmbeddingValue,
}

/// As numbers, or as base64.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum EmbeddingValue {
    /// Numbers.
    Float(Vec<f32>),
    /// Base64.
    Base64(String),
}

/// Tokens that were read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

/// Embeds texts, as OpenAI's API does.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "compatible", security(("key" = [])),
    request_body = EmbeddingsRequest,
    responses(
        (status = 200, description = "Embeddings, in order", body = EmbeddingsResponse),
        (status = "4XX", description = "OpenAI's form of an error"),
        (status = "5XX", description = "OpenAI's form of an error"),
    )
)]
pub(crate) async fn embeddings(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    body: Result<Body<EmbeddingsRequest>, Problem>,
) -> Response {
    let answer = async {
        caller?.may(Scope::Triage)?;
        let Body(request) = body?;
        let info = app.desk.load().engine.bundle().info.clone();
        if request.dimensions.is_some_and(|n| n != info.dimensions) {
            let problem = format!("the model has {} dimensions", info.dimensions);
            return Err(Problem::new(Code::Request, "dimensions", problem, "Leave it out"));
        }
        let Embedded { rows, tokens } = embed_texts(&app, request.input.list(), request.truncate).await?;
        let value = |row: Vec<f32>| match request.encoding_format {
            Encoding::Float => EmbeddingValue::Float(row),
            Encoding::Base64 => {
                let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
                EmbeddingValue::Base64(STANDARD.encode(bytes))
            }
        };
        let view = |(index, row)| EmbeddingView { object: "embedding", index, embedding: value(row) };
        let data = rows.into_iter().enumerate().map(view).collect();
        let usage = Usage { prompt_tokens: tokens, total_tokens: tokens };
        Ok(Json(EmbeddingsResponse { object: "list", data, model: info.model, usage }))
    };
    answer.await.map_err(OpenAi).into_response()
}

/// Models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelsResponse {
    object: &'static str,
    data: Vec<ModelView>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    id: String,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
}

/// The models there are: the bundle's encoder.
#[utoipa::path(
    get, path = "/v1/models", tag = "compatible", security(("key" = [])),
    responses(
        (status = 200, description = "One", body = ModelsResponse),
        (status = "4XX", description = "OpenAI's form of an error"),
        (status = "5XX", description = "OpenAI's form of an error"),
    )
)]
pub(crate) async fn models(State(app): State<Arc<App>>, caller: Result<Caller, Problem>) -> Response {
    let answer = caller.and_then(|caller| caller.may(Scope::Triage)).map(|()| {
        let id = app.desk.load().engine.bundle().info.model.clone();
        let model = ModelView { id, object: "model", created: 0, owned_by: "firstline" };
        Json(ModelsResponse { object: "list", data: vec![model] })
    });
    answer.map_err(OpenAi).into_response()
}

/// Texts to be embedded.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EmbedRequest {
    /// One text, or several.
    inputs: Texts,
    /// Whether the middle of a text that is too long may be left out.
    #[serde(default)]
    truncate: bool,
    /// Embeddings are of unit length; `false` is refused.
    #[serde(default)]
    normalize: Option<bool>,
}

/// Embeds texts, as text-embeddings-inference does.
#[utoipa::path(
    post, path = "/embed", tag = "compatible", security(("key" = [])),
    request_body = EmbedRequest,
    responses(
        (status = 200, description = "Embeddings, in order", body = Vec<Vec<f32>>),
        (status = "4XX", description = "TEI's form of an error"),
        (status = "5XX", description = "TEI's form of an error"),
    )
)]
pub(crate) async fn embed(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    body: Result<Body<EmbedRequest>, Problem>,
) -> Response {
    let answer = async {
        caller?.may(Scope::Triage)?;
        let Body(request) = body?;
        if request.normalize == Some(false) {
            let problem = "embeddings are of unit length here";
            return Err(Problem::new(Code::Input, "normalize", problem, "Leave it out"));
        }
        Ok(Json(embed_texts(&app, request.inputs.list(), request.truncate).await?.rows))
    };
    answer.await.map_err(Tei).into_response()
}

/// Texts to be classified: one; or several, each in a list of its own, as text-embeddings-inference has it, or not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PredictInputs {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
    /// Several, each in a list of one.
    Nested(Vec<Vec<String>>),
}

/// Texts to be classified.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PredictRequest {
    inputs: PredictInputs,
    /// Whether the middle of a text that is too long may be left out.
    #[serde(default)]
    truncate: bool,
    /// Which field's labels: by default `type`, or the first there is. Ours, not TEI's.
    #[serde(default)]
    field: Option<String>,
}

/// A label and its probability.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Prediction {
    score: f64,
    label: String,
}

/// One text's labels, or several texts'.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Predictions {
    /// Of one text.
    One(Vec<Prediction>),
    /// Of several.
    Several(Vec<Vec<Prediction>>),
}

/// The probabilities of a field's labels, highest first, as text-embeddings-inference gives a classifier's.
#[utoipa::path(
    post, path = "/predict", tag = "compatible", security(("key" = [])),
    request_body = PredictRequest,
    responses(
        (status = 200, description = "Labels, in the order of the texts", body = Predictions),
        (status = "4XX", description = "TEI's form of an error"),
        (status = "5XX", description = "TEI's form of an error"),
    )
)]
pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    caller: Result<Caller, Problem>,
    body: Result<Body<PredictRequest>, Problem>,
) -> Response {
    let answer = async {
        caller?.may(Scope::Triage)?;
        let Body(request) = body?;
        let desk = app.desk.load_full();
        let field = field(&desk, request.field.as_deref())?;
        let (texts, one) = match request.inputs {
            PredictInputs::One(text) => (vec![text], true),
            PredictInputs::Several(texts) => (texts, false),
            PredictInputs::Nested(lists) if lists.iter().all(|list| list.len() == 1) => {
                (lists.into_iter().flatten().collect(), false)
            }
            PredictInputs::Nested(_) => {
                let problem = "pairs of texts are not classified here";
                return Err(Problem::new(Code::Input, "inputs", problem, "Send one text in each inner list"));
            }
        };
        if !(1..=256).contains(&texts.len()) {
            return Err(Problem::new(
                Code::Limit,
                "inputs",
                format!("{} texts", texts.len()),
                "Send 1 to 256",
            ));
        }
        let most = desk.engine.encoders().max_tokens();
        let tokens = texts.iter().map(|text| (text.len() / 4).clamp(1, most)).sum();
        let _place = app.queue.place(tokens).map_err(|seconds| Problem::overload("inputs", seconds))?;
        let all = app.blocking(move |_| predictions(&desk, field, texts, request.truncate)).await?;
        Ok(Json(match (one, all) {
            (true, mut all) => Predictions::One(all.pop().unwrap_or_default()),
            (false, all) => Predictions::Several(all),
        }))
    };
    answer.await.map_err(Tei).into_response()
}

fn field(desk: &Desk, named: Option<&str>) -> Result<Field, Problem> {
    let trained = &desk.engine.bundle().fields;
    let fault =
        |problem: String| Problem::new(Code::Field, "field", problem, "Name a field that was trained");
    match named {
        Some(name) => {
            let field = name.parse::<Field>().ok().filter(|field| trained.contains_key(field));
            field.ok_or_else(|| fault(format!("no field {name:?} is trained")))
        }
        None if trained.contains_key(&Field::Type) => Ok(Field::Type),
        None => trained.keys().next().copied().ok_or_else(|| fault("none is trained".to_owned())),
    }
}

fn predictions(
    desk: &Desk,
    field: Field,
    texts: Vec<String>,
    truncate: bool,
) -> Result<Vec<Vec<Prediction>>, Problem> {
    let mut tickets = Vec::with_capacity(texts.len());
    let mut prepared = Vec::with_capacity(texts.len());
    for (i, text) in texts.into_iter().enumerate() {
        let place = format!("input {i}");
        if text.trim().is_empty() {
            return Err(Problem::new(Code::Input, &place, "it is empty", "Send some text"));
        }
        let ticket = Ticket { id: i.to_string(), body: Some(text), ..Ticket::default() };
        let read = desk.engine.prepare(&ticket)?;
        if read.tokens_cut() > 0 && !truncate {
            let problem = "it is longer than the encoder reads";
            let next = "Send a shorter text, or \"truncate\": true to leave out its middle";
            return Err(Problem::new(Code::Limit, &place, problem, next));
        }
        tickets.push(ticket);
        prepared.push(read);
    }
    let features = desk.engine.gather(prepared)?;
    let labels = desk.engine.bundle().fields[&field].space.len();
    let decisions = desk.engine.decide_features(&tickets, &features, &[], labels)?;
    let all = decisions.into_iter().map(|mut decision| {
        let decided =
            decision.fields.remove(&field).ok_or_else(|| Problem::internal("a field was not decided"))?;
        let first = Prediction { score: decided.confidence.get(), label: decided.label };
        let others = decided.alternatives.into_iter();
        let others = others.map(|other| Prediction { score: other.confidence.get(), label: other.label });
        Ok([first].into_iter().chain(others).collect())
    });
    all.collect()
}

/// What the service is, as text-embeddings-inference says it.
#[utoipa::path(
    get, path = "/info", tag = "compatible", security(("key" = [])),
    responses(
        (status = 200, description = "The model and the bounds", body = Object),
        (status = "4XX", description = "TEI's form of an error"),
        (status = "5XX", description = "TEI's form of an error"),
    )
)]
pub(crate) async fn info(State(app): State<Arc<App>>, caller: Result<Caller, Problem>) -> Response {
    let answer = caller.and_then(|caller| caller.may(Scope::Triage)).map(|()| {
        let desk = app.desk.load();
        let limits = &app.settings.limits;
        Json(json!({
            "model_id": desk.engine.bundle().info.model,
            "model_sha": desk.id,
            "model_dtype": "int8",
            "model_type": {"embedding": {"pooling": "mean"}},
            "max_concurrent_requests": limits.requests,
            "max_input_length": desk.engine.encoders().max_tokens(),
            "max_batch_tokens": limits.batch_tokens,
            "max_client_batch_size": MOST_TEXTS,
            "auto_truncate": false,
            "tokenization_workers": rayon::current_num_threads(),
            "version": env!("CARGO_PKG_VERSION"),
        }))
    });
    answer.map_err(Tei).into_response()
}
