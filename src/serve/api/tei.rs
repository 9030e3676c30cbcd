//! What text-embeddings-inference's clients call: `/embed`, `/predict` and `/info`, with errors in their form.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use firstline_fault::Code;
use firstline_ticket::{Field, Ticket};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::texts::{
    MOST_TEXTS, Texts, all_texts, check_dimensions, embed_texts, in_pieces, large, read_texts, refuse,
    with_body,
};
use super::wire::FieldName;
use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::live_bundle::LiveBundle;
use crate::problem::Problem;
use crate::shared::Shared;
use crate::wording::kind;

/// An error as TEI's clients read it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeiError {
    /// What is wrong.
    error: String,
    error_type: TeiErrorType,
}

/// On which side the fault is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum TeiErrorType {
    /// The caller's.
    Validation,
    /// Too much at a time.
    Overloaded,
    /// The service's.
    Backend,
}

/// A problem, to be answered in TEI's form.
struct Tei(Problem);

impl From<Problem> for Tei {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Tei {
    fn into_response(self) -> Response {
        let error_type = match self.0.status {
            429 => TeiErrorType::Overloaded,
            500.. => TeiErrorType::Backend,
            _ => TeiErrorType::Validation,
        };
        let body = TeiError { error: self.0.detail.clone(), error_type };
        with_body(self.0.into_response(), &body)
    }
}

/// Texts to be embedded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmbedRequest {
    /// One text, or several.
    #[serde(deserialize_with = "read_texts")]
    inputs: Texts,
    /// Whether the middle of a text that is too long may be left out.
    #[serde(default)]
    truncate: bool,
    /// Embeddings are of unit length; `false` is refused.
    #[serde(default)]
    normalize: Option<bool>,
    /// Only the model's own number.
    #[serde(default)]
    dimensions: Option<usize>,
    /// Refused: the model has no prompts.
    #[serde(default)]
    prompt_name: Option<String>,
    /// Refused with `truncate`: it is the middle that is left out.
    #[serde(default)]
    truncation_direction: Option<String>,
}

/// Embeds texts, as text-embeddings-inference does.
#[utoipa::path(
    post, path = "/embed", tag = "compatible", security(("key" = ["triage"])),
    request_body = EmbedRequest,
    responses(
        (status = 200, description = "Embeddings, in order", body = Vec<Vec<f32>>),
    )
)]
pub(crate) async fn embed(
    State(shared): State<Arc<Shared>>,
    caller: Result<Caller, Problem>,
    body: Result<Body<EmbedRequest>, Problem>,
) -> Response {
    let answer = async {
        let caller = caller?;
        caller.may(Scope::Triage)?;
        let Body(request) = body?;
        refuse("normalize", request.normalize == Some(false), "embeddings are of unit length here")?;
        refuse("prompt_name", request.prompt_name.is_some(), "there are no prompts here")?;
        refuse_direction(request.truncate, request.truncation_direction.as_deref())?;
        check_dimensions(request.dimensions, &shared.live.load())?;
        let texts = request.inputs.list();
        let from = (caller.key.as_str(), "inputs");
        large(&shared, embed_texts(&shared, from, texts, request.truncate).await?.rows).await
    };
    answer.await.map_err(Tei).into_response()
}

/// Text has no direction in which it is cut: its middle goes.
fn refuse_direction(truncate: bool, direction: Option<&str>) -> Result<(), Problem> {
    refuse(
        "truncation_direction",
        truncate && direction.is_some(),
        "the middle of a text is left out here, not an end",
    )
}

/// Texts to be classified: one, or several, which text-embeddings-inference has each in a list of its own.
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

/// Reads texts to be classified, and says of what is none where it stands.
fn read_inputs<'de, D: Deserializer<'de>>(from: D) -> Result<PredictInputs, D::Error> {
    let list = match Value::deserialize(from)? {
        Value::String(text) => return Ok(PredictInputs::One(text)),
        Value::Array(list) => list,
        other => {
            let problem = format!("it is {} where a text or a list of texts belongs", kind(&other));
            return Err(D::Error::custom(problem));
        }
    };
    let is_nested =
        |value: &Value| value.as_array().is_some_and(|inner| inner.iter().any(|value| !value.is_number()));
    if list.is_empty() || !list.iter().all(is_nested) {
        return all_texts(list).map(PredictInputs::Several).map_err(D::Error::custom);
    }
    let inner = |(i, value): (usize, Value)| -> Result<Vec<String>, String> {
        let inner = if let Value::Array(inner) = value { inner } else { Vec::new() };
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            other => Err(format!("input {i} holds {} where a text belongs", kind(&other))),
        };
        inner.into_iter().map(text).collect()
    };
    let lists: Result<Vec<_>, String> = list.into_iter().enumerate().map(inner).collect();
    lists.map(PredictInputs::Nested).map_err(D::Error::custom)
}

/// Texts to be classified.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictRequest {
    #[serde(deserialize_with = "read_inputs")]
    inputs: PredictInputs,
    /// Whether the middle of a text that is too long may be left out.
    #[serde(default)]
    truncate: bool,
    /// Refused where true: scores are probabilities.
    #[serde(default)]
    raw_scores: Option<bool>,
    /// Refused with `truncate`: it is the middle that is left out.
    #[serde(default)]
    truncation_direction: Option<String>,
    /// Which field's labels: by default `type`, or the first there is. Ours, not TEI's.
    #[serde(default)]
    #[schema(value_type = Option<FieldName>)]
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
    post, path = "/predict", tag = "compatible", security(("key" = ["triage"])),
    request_body = PredictRequest,
    responses(
        (status = 200, description = "Labels, in the order of the texts", body = Predictions),
    )
)]
pub(crate) async fn predict(
    State(shared): State<Arc<Shared>>,
    caller: Result<Caller, Problem>,
    body: Result<Body<PredictRequest>, Problem>,
) -> Response {
    let answer = async {
        let caller = caller?;
        caller.may(Scope::Triage)?;
        let Body(request) = body?;
        refuse("raw_scores", request.raw_scores == Some(true), "scores are probabilities here")?;
        refuse_direction(request.truncate, request.truncation_direction.as_deref())?;
        let live = shared.live.load_full();
        let field = field(&live, request.field.as_deref())?;
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
        refuse("inputs", texts.is_empty(), "it is an empty list")?;
        if texts.len() > 256 {
            return Err(Problem::new(
                Code::Limit,
                "inputs",
                format!("{} texts", texts.len()),
                "Send 1 to 256",
            ));
        }
        let predict = move |live: &LiveBundle, first, texts: &[String]| {
            predictions(live, field, (first, texts), request.truncate)
        };
        let pieces = in_pieces(&shared, (&caller.key, "inputs"), &live, texts, predict).await?;
        let all: Vec<_> = pieces.into_iter().flatten().collect();
        Ok(Json(match (one, all) {
            (true, mut all) => Predictions::One(all.pop().unwrap_or_default()),
            (false, all) => Predictions::Several(all),
        }))
    };
    answer.await.map_err(Tei).into_response()
}

fn field(live: &LiveBundle, named: Option<&str>) -> Result<Field, Problem> {
    let trained = &live.engine.bundle().fields;
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
    live: &LiveBundle,
    field: Field,
    (first, texts): (usize, &[String]),
    truncate: bool,
) -> Result<Vec<Vec<Prediction>>, Problem> {
    let mut tickets = Vec::with_capacity(texts.len());
    let mut prepared = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        let place = format!("input {}", first + i);
        if text.trim().is_empty() {
            return Err(Problem::new(Code::Input, &place, "it is empty", "Send some text"));
        }
        let ticket = Ticket { id: i.to_string(), body: Some(text.clone()), ..Ticket::default() };
        let read = live.engine.prepare(&ticket)?;
        if read.tokens_cut() > 0 && !truncate {
            let problem = "it is longer than the encoder reads";
            let next = "Send a shorter text, or \"truncate\": true to leave out its middle";
            return Err(Problem::new(Code::Limit, &place, problem, next));
        }
        tickets.push(ticket);
        prepared.push(read);
    }
    let features = live.engine.gather(prepared)?;
    let labels = live.engine.bundle().fields[&field].space.len();
    let decisions = live.engine.decide_features(&tickets, &features, &[], labels)?;
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

/// The model and the bounds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Info {
    model_id: String,
    /// The id of the bundle and policy.
    model_sha: String,
    #[schema(example = "int8")]
    model_dtype: &'static str,
    model_type: ModelType,
    max_concurrent_requests: usize,
    /// Tokens of a text.
    max_input_length: usize,
    max_batch_tokens: usize,
    /// Texts of a call.
    max_client_batch_size: usize,
    /// Always false: text is cut only where the caller asks for it.
    auto_truncate: bool,
    tokenization_workers: usize,
    version: &'static str,
}

/// What the model does.
#[derive(Debug, Serialize, ToSchema)]
struct ModelType {
    embedding: EmbeddingModel,
}

/// How it embeds.
#[derive(Debug, Serialize, ToSchema)]
struct EmbeddingModel {
    #[schema(example = "mean")]
    pooling: &'static str,
}

/// What the service is, as text-embeddings-inference says it.
#[utoipa::path(
    get, path = "/info", tag = "compatible", security(("key" = ["triage"])),
    responses((status = 200, description = "The model and the bounds", body = Info))
)]
pub(crate) async fn info(State(shared): State<Arc<Shared>>, caller: Result<Caller, Problem>) -> Response {
    let answer = caller.and_then(|caller| caller.may(Scope::Triage)).map(|()| {
        let live = shared.live.load();
        let limits = &shared.settings.limits;
        Json(Info {
            model_id: live.engine.bundle().info.model.clone(),
            model_sha: live.id.clone(),
            model_dtype: "int8",
            model_type: ModelType { embedding: EmbeddingModel { pooling: "mean" } },
            max_concurrent_requests: limits.requests,
            max_input_length: live.engine.encoders().max_tokens(),
            max_batch_tokens: limits.batch_tokens,
            max_client_batch_size: MOST_TEXTS,
            auto_truncate: false,
            tokenization_workers: rayon::current_num_threads(),
            version: env!("CARGO_PKG_VERSION"),
        })
    });
    answer.map_err(Tei).into_response()
}
