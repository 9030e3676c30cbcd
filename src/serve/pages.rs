//! The pages for people: what a browser asks for, made from the store by the room `pages`, and answered as HTML.
//!
//! Every action is a form that works without a script, and ends in the same function as the API's. Must never put a ticket's words into
//! an address, nor show what its reader may not see.

mod answer;
mod baseline;
mod batch;
mod choices;
mod decide;
mod form;
mod incidents;
mod look;
mod outbox;
mod queue;
mod report;
mod review;
mod rollout;
mod rollout_view;
mod told;
mod view;
mod viewer;
mod week;
mod week_facts;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::shared::Shared;

/// All pages, and the files that they load.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/assets/{name}", get(answer::get_asset))
        .route("/look", post(look::choose))
        .route("/review", get(review::page).post(review::search))
        .route("/review/queue", get(queue::lines))
        .route("/review/batch", post(batch::approve))
        .route("/review/{id}", get(review::page_of).post(decide::decide))
        .route("/review/{id}/choices", post(decide::choices))
        .route("/review/{id}/edit", post(decide::edit))
        .route("/review/{id}/undo", post(decide::undo))
        .route("/review/{id}/presence", post(review::presence))
        .merge(of_the_manager())
}

/// The manager's pages.
fn of_the_manager() -> Router<Arc<Shared>> {
    Router::new()
        .route("/week", get(week::page))
        .route("/rollout", get(rollout::page))
        .route("/rollout/stop", post(rollout::stop))
        .route("/rollout/hold", post(rollout::hold))
        .route("/rollout/resume", post(rollout::resume))
        .route("/rollout/holds/{id}", get(rollout::held))
        .route("/rollout/sign", post(rollout::sign))
        .route("/rollout/gate", post(rollout::gate))
        .route("/rollout/promote", post(rollout::promote))
        .route("/baseline", get(baseline::page))
        .route("/incidents", get(incidents::page).post(incidents::report))
        .route("/incidents/{id}", post(incidents::decide))
        .route("/outbox", get(outbox::page))
        .route("/outbox/{id}/retry", post(outbox::retry))
        .route("/outbox/{id}/cancel", post(outbox::cancel))
        .route("/report/day-90", get(report::day90))
}
