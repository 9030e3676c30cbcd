//! What goes over the wire, apart from what the rooms call it: schemas of the OpenAPI document, made from the domain's types.
//!
//! Drafts, figures and enumerations are taken to pieces, so that what the domain gains can't be forgotten here.

mod decision;
mod draft;
mod kpis;
mod reading;
mod ticket;
mod words;

pub(crate) use decision::{Decision, ItemFault, labels};
pub(crate) use draft::{CheckResult, Draft};
pub(crate) use kpis::Kpis;
pub(crate) use reading::Reading;
pub(crate) use ticket::Ticket;
pub(crate) use words::{
    ActionOrigin, ActionState, ActorKind, Basis, Changed, DraftState, FieldName, InitialBasis, JobState,
    KeptBy, Kind, Origin, Phase, ResponseBasis, Route,
};
