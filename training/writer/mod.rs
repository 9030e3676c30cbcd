//! Teaching a small language model how this desk answers: low-rank adapters learn, from a ticket and the sentences found for
//! it, which of them its technician sent.
//!
//! Must never teach a word that not everybody may see, nor keep a model whose drafts are not better by more than chance.

mod choice;
mod lessons;
mod teach;

pub use choice::{Way, WriterChoice, is_better};
pub use lessons::lessons;
pub use teach::{TeachOptions, teach};
