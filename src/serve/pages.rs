//! The pages for people: what a browser asks for, made from the store by the room `pages`, and answered as HTML.
//!
//! Every action is a form that works without a script, and ends in the same function as the API's. Must never put a ticket's words into
//! an address, nor show what its reader may not see.

mod answer;
mod batch;
mod choices;
mod choose;
mod decide;
mod form;
mod look;
mod queue;
mod review;
mod view;
mod viewer;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::shared::Shared;

/// All pages, and the files that they load.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/assets/{name}", get(answer::get_asset))
        .route("/look", post(choose::choose))
        .route("/review", get(review::page).post(review::search))
        .route("/review/queue", get(queue::lines))
        .route("/review/batch", post(batch::approve))
        .route("/review/{id}", get(review::page_of).post(decide::decide))
        .route("/review/{id}/choices", post(decide::choices))
        .route("/review/{id}/edit", post(decide::edit))
        .route("/review/{id}/undo", post(decide::undo))
        .route("/review/{id}/presence", post(review::presence))
}
