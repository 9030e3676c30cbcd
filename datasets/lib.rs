//! Generates the ticket history of an invented service provider: the same settings and seed give the same
//! tickets, byte for byte, on every machine.
//!
//! The way of the data: `settings` and the embedded `catalog` make a `world` (customers, people, technicians);
//! `arrivals` says what happens when; `desk` files, assigns and works it off through a `queue`; `course` says what
//! becomes of it beside the work; `text` and `talk` put it into words, one ticket at a time, and `record` writes what
//! the PSA keeps of it.
//!
//! This crate never reads a clock, a file or the machine's time-zone data, never calls a mathematical function
//! whose last digit differs between platforms, and never copies a real ticket.

mod arrivals;
mod calendar;
mod card;
mod catalog;
mod course;
mod desk;
mod desk_files;
mod dice;
mod facts;
mod history;
mod phrase;
mod queue;
mod record;
mod rules;
mod settings;
mod talk;
mod text;
mod world;

pub use card::card;
pub use desk_files::{rules_file, tiers_file};
pub use history::{GeneratedHistory, generate};
pub use settings::{
    CalendarSettings, Customers, DeskSettings, Labels, Mix, Product, Replies, Settings, Text,
};
