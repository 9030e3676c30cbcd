//! Service desks that connectors are tested with, since no live one is at hand: ConnectWise PSA, Autotask and HaloPSA, as far as their
//! protocols are known.
//!
//! One [`World`] holds what a desk is and does; a dialect for each PSA shows it on the wire, with that PSA's refusals, limits and habits.
//! Each write of an API user is counted by ticket, and requests can be made to go wrong in every way that is known of them.
//! Must never accept what the real PSA is known to refuse, nor borrow code from the connectors that it is to test.

pub mod autotask;
mod clock;
pub mod connectwise;
mod control;
mod deed;
mod faults;
pub mod halo;
mod hooks;
mod http;
mod script;
mod server;
mod tls;
mod world;

pub use clock::Clock;
pub use deed::{Deed, Happened};
pub use faults::{Fault, Faults, Trouble, TroubleBody};
pub use hooks::{Delivery, HookTrouble};
pub use http::{Reply, Request};
pub use script::{Script, Step};
pub use server::{Fake, FakeOptions, Logged, Which};
pub use tls::Certificates;
pub use world::{
    Author, Board, Change, Company, Contact, Id, Kind, Mail, NewTicket, Note, Priority, Rule, Shape, Source,
    Stage, Status, Subkind, Technician, Ticket, TimeEntry, World, Write,
};
