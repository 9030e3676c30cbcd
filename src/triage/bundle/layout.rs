//! Every name that a bundle's folder can hold, and who writes it.
//!
//! ```text
//! bundle.json           train           what it is: format, model, fields, label spaces, mixtures, hashes of the files below
//! weights.safetensors   train           vocabulary, heads, embeddings and labels of the history, hashes of its tickets
//! encoder/              train           the encoder's files and its manifest
//! tuned/                train           the same of what fine-tuning made of it, where it did
//! index/                train, index    resolved tickets with their replies: customers' words
//! writer/               drafts tune     the language model that drafts are written with, where it was taught
//! ```
//!
//! A folder that holds any other name is no bundle: it must never be replaced.

/// What the bundle says about itself.
pub const INFO: &str = "bundle.json";
/// Weights and the history's vectors.
pub const WEIGHTS: &str = "weights.safetensors";
/// The encoder's folder.
pub const ENCODER: &str = "encoder";
/// The folder of what fine-tuning made of the encoder.
pub const TUNED: &str = "tuned";
/// An encoder's manifest, in its folder.
pub const MANIFEST: &str = "manifest.toml";
/// The folder of resolved tickets.
pub const INDEX: &str = "index";
/// The folder of the language model that was taught on the history.
pub const WRITER: &str = "writer";

/// Every name that can stand in a bundle's folder.
pub const ALL: [&str; 6] = [INFO, WEIGHTS, ENCODER, TUNED, INDEX, WRITER];
