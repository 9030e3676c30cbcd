//! The service: HTTP in, decisions and drafts out, and all of it on record.
//!
//! The only async room. A request's tickets are read and checked at once, wait in a bounded queue (`queue`), are decided in
//! batches and put on record by two threads (`decide`); first responses are drafted in a lane of their own (`drafts`), jobs
//! behind everything else (`jobs`). What waits longer than a process lives is in the store.
//!
//! Must never log a ticket's words or a key's secret, open a connection by itself, or answer before what it says is on record.

mod api;
mod app;
mod auth;
mod decide;
mod desk;
mod distance;
mod drafts;
mod extract;
mod intake;
mod item;
mod jobs;
mod metrics;
mod problem;
mod queue;
mod server;
mod settings;

pub use api::app as router;
pub use app::App;
pub use auth::{NewKey, Scope};
pub use desk::{Desk, Parts, ReadParts};
pub use distance::distance;
pub use drafts::WritingTime;
pub use server::{log, serve};
pub use firstline_ticket::Phase;
pub use settings::{DEFAULT_SETTINGS, Limits, LogFormat, Secret, Settings};
