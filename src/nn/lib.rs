//! Model files, tokenizers, a transformer encoder and a decoder.
//!
//! A [`Manifest`] says what a model consists of, a [`ModelStore`] brings its files onto this machine and
//! checks them, an [`Encoder`] turns text into vectors, a [`Decoder`] continues it. This crate prints nothing, knows
//! nothing of tickets, and trusts no file: sizes, shapes and hashes are checked before anything is allocated for them.

mod bert;
mod config;
mod decoder;
mod device;
mod encoder;
mod fault;
mod file_copy;
mod generate;
mod gguf;
mod hash;
mod int8;
mod lora;
mod manifest;
mod ops;
mod pack;
mod random;
mod rows;
mod smooth;
mod source;
mod store;
mod tiny;
mod tokenize;
mod tune;
mod vectors;
mod verify;
mod vocabulary;
mod weights;

pub use decoder::{Decoder, Sequence};
pub use device::device;
pub use encoder::{Embeddings, Encoder};
pub use file_copy::{FileCopy, write_file, write_private_file};
pub use firstline_kernels::{ISA_VARIABLE, Isa};
pub use generate::{Constrain, Finish, Generation, GoOn, Request, Sampling};
pub use lora::{Lesson, LoraOptions, LoraTuner};
pub use manifest::{
    Architecture, HubSource, Manifest, ModelFile, PackageSource, Pooling, Precision, Sources,
};
pub use rows::Rows;
pub use source::Progress;
pub use store::{ModelStore, default_cache};
pub use tiny::decoder::write_tiny_decoder;
pub use tiny::write_tiny;
pub use tokenize::{Tokenizer, Tokens};
pub use tune::{Example, TuneOptions, Tuner};
pub use vectors::{Hit, VECTOR_PANEL, Vectors};
pub use verify::{FileReport, FileState};
pub use vocabulary::{Message, Vocabulary};
