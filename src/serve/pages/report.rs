//! `GET /report/day-90`: the report as one file, under a policy of its own: it loads nothing, and its style stands in it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use super::viewer::Viewer;
use crate::api::kpis::one_at_a_time;
use crate::api::rollout::none_begun;
use crate::auth::Scope;
use crate::problem::Problem;
use crate::rollout;
use crate::shared::Shared;

/// Nothing is loaded, nothing is sent, nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The report.
pub(super) async fn day90(State(shared): State<Arc<Shared>>, viewer: Viewer) -> Response {
    match made(&shared, &viewer).await {
        Ok(html) => ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        Err(problem) => viewer.problem(&problem, ""),
    }
}

async fn made(shared: &Arc<Shared>, viewer: &Viewer) -> Result<String, Problem> {
    viewer.caller.may_for_all(Scope::Review)?;
    let one = one_at_a_time().await?;
    let made = shared.blocking(move |shared| {
        let _one = one;
        let (rules, now) = (shared.desk()?, shared.clock.now());
        Ok(rollout::report_day90(shared.store.as_ref(), &rules, now)?.map(|report| report.html(rules.zone())))
    });
    made.await?.ok_or_else(none_begun)
}
