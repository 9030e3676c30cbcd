//! `POST /v1/bundle`: another bundle in service.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use firstline_fault::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{Caller, Scope};
use crate::extract::Body;
use crate::problem::Problem;
use crate::shared::Shared;

/// A bundle to be put in service.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BundleRequest {
    /// The name of a folder beside the one in service; without it, that one is read anew.
    #[serde(default)]
    bundle: Option<String>,
}

/// The bundle in service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BundleInService {
    /// The id of the bundle and policy.
    bundle: String,
    /// The id of everything that shapes a draft.
    drafting: String,
}

/// Reads the bundle anew, or another one, and puts it in service without dropping a request.
///
/// The bundle is everybody's: a key that is held to some customers can't replace it.
#[utoipa::path(
    post, path = "/v1/bundle", tag = "service", security(("key" = ["admin"])),
    request_body = BundleRequest,
    responses(
        (status = 200, description = "It is in service", body = BundleInService),
    )
)]
pub(crate) async fn replace_bundle(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Body(request): Body<BundleRequest>,
) -> Result<Json<BundleInService>, Problem> {
    caller.may_for_all(Scope::Admin)?;
    let folder = request.bundle.map(|name| beside(&shared, &name)).transpose()?;
    let live = shared.blocking(move |shared| {
        let swapped = shared.swap(folder);
        Ok(swapped.inspect_err(|error| tracing::error!(%error, "a bundle was not put in service"))?)
    });
    let live = live.await?;
    Ok(Json(BundleInService { bundle: live.id.clone(), drafting: live.drafting.clone() }))
}

/// A folder beside the bundle in service: no key may make the service read elsewhere.
fn beside(shared: &Shared, name: &str) -> Result<PathBuf, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(plain) {
        let next = "Name a folder that lies beside the bundle in service";
        return Err(Problem::new(Code::Request, "bundle", "no plain name", next));
    }
    let folder = shared.live.load().folder.with_file_name(name);
    if !folder.join("bundle.json").is_file() {
        let next = "Name a folder that lies beside the bundle in service";
        return Err(Problem::new(Code::NotFound, "bundle", "there is no such bundle", next));
    }
    Ok(folder)
}
