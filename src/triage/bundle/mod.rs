//! The bundle: everything a trained engine needs, in one folder, whose names and their writers are in [`layout`].
//!
//! A bundle is written beside its place, with its index, and renamed into it, so that a reader never sees half of one. Its files are hostile until their hashes and shapes are
//! checked. It must never decide by anything but what it holds.

mod encoder_files;
mod hashes;
mod info;
mod judge;
mod kept;
pub mod layout;
mod place;
mod read;
mod tensors;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use firstline_ticket::{Field, Ticket};

use crate::answer::{AnswerModel, Answers};
use crate::features::Vocabulary;
use crate::habits::Habits;
use crate::model::{FieldModel, Hierarchy, Reserve};
use crate::reader::Reader;

pub use encoder_files::EncoderFiles;
pub use hashes::{sha256_file, sha256_hex};
pub use info::{BUNDLE_FORMAT, BundleInfo, SplitFacts};
pub use place::replace_folder;

/// A trained engine, but for its encoders' weights.
#[derive(Debug)]
pub struct Bundle {
    /// What the bundle says about itself.
    pub info: BundleInfo,
    /// The features of the sparse block.
    pub vocabulary: Vocabulary,
    /// Embeddings of the history, `n x d` row-major.
    pub history: Vec<f32>,
    /// [`Bundle::ticket_hash`] of all tickets that training has seen or set aside, sorted.
    pub seen: Vec<u64>,
    /// One model a trained field.
    pub fields: BTreeMap<Field, FieldModel>,
    /// What board, type and subtype go together, of those that are trained.
    pub hierarchy: Option<Hierarchy>,
    /// What senders put around every mail: its tickets are read without. `None` where training read them with it.
    pub habits: Option<Arc<Habits>>,
    /// What it decided on the tickets that were kept for certifying.
    pub reserve: Reserve,
    /// The classifier of customers' replies; `None` where the history has too few to learn from.
    pub answers: Option<Arc<AnswerModel>>,
}

impl Bundle {
    /// Whether training has seen this ticket, or set it aside as a repeat of one that it has seen.
    pub fn has_seen(&self, ticket: &Ticket) -> bool {
        self.seen.binary_search(&Self::ticket_hash(ticket)).is_ok()
    }

    /// What reads tickets as training read them.
    pub fn reader(&self) -> Reader {
        Reader::new(self.info.words.clone(), self.habits.clone().unwrap_or_default())
    }

    /// What reads what customers write after a reply.
    pub fn answers(&self) -> Answers {
        Answers::new(self.answers.clone())
    }

    /// The hash under which [`Bundle::seen`] keeps a ticket: of its id and text, since two exports may both
    /// number from 1.
    pub fn ticket_hash(ticket: &Ticket) -> u64 {
        let text = |s: &Option<String>| s.clone().unwrap_or_default();
        xxhash_rust::xxh3::xxh3_64(
            [&ticket.id, "\0", &text(&ticket.subject), "\0", &text(&ticket.body)].concat().as_bytes(),
        )
    }
}
