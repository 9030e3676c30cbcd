//! The service: HTTP in, decisions and drafts out, and all of it on record.
//!
//! The only async room. A request's tickets are read and checked at once (`intake`), wait in a bounded queue (`queue`), and are
//! decided and recorded in batches; first responses, jobs and upkeep have lanes of their own (`lanes`). What waits longer than a
//! process lives is in the store. `shared` is what requests and lanes have in common, `api` what is sent and answered, `pages` what people see in
//! a browser.
//!
//! Must never log a ticket's words or a key's secret, open a connection by itself, or answer before what it says is on record.

mod accounts;
mod anchoring;
mod api;
mod app;
mod attempts;
mod auth;
mod bands;
mod bell;
mod body;
mod bounded_json;
mod connection;
mod connections;
mod cookie;
mod distance;
mod edit_check;
mod extract;
mod intake;
mod item;
mod lanes;
mod leases;
mod live_bundle;
mod memory;
mod metrics;
mod open_reviews;
mod origin;
mod pages;
mod passwords;
mod peers;
mod problem;
mod queue;
mod readiness;
mod reviewing;
pub mod rollout;
mod server;
mod settings;
mod shared;
mod shares;
mod signing_in;
mod ticket_bounds;
mod wording;
mod writing_time;

pub use accounts::{NewLink, person_name};
pub use app::App;
pub use auth::{NewKey, Person, Scope};
pub use distance::{distance, reply_distance};
pub use live_bundle::{Parts, ReadParts, served_id};
pub use server::{log, serve};
pub use settings::{DEFAULT_SETTINGS, Limits, LogFormat, Login, Reviewing, Rollout, Secret, Settings};
pub use writing_time::WritingTime;
