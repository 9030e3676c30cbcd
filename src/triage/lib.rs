//! The pure pipeline from a ticket to calibrated decisions and a first response: normalize, embed, heads, mixture, decide,
//! retrieve, draft, guard; and the bundle that carries a trained engine.
//!
//! This room never opens a socket, never looks at the wall clock and knows neither service desks' protocols
//! nor how a head was fitted: the same ticket and the same bundle always give the same decision.

mod again;
mod bundle;
mod calibrator;
mod consensus;
mod context;
mod correctness;
mod draft;
mod encoders;
mod engine;
mod guard;
mod head;
mod hierarchy;
mod index;
mod input;
mod mask;
mod mixture;
mod neighbours;
mod ngrams;
pub mod normalize;
mod ordinal;
mod policy;
mod reply;
mod reviews;
mod sparse;
mod template;
mod things;
mod usual;
mod vocabulary;
mod voice;
mod writer;

pub use again::settle;
pub use bundle::{
    BUNDLE_FORMAT, Bundle, BundleInfo, EncoderFiles, FieldModel, HIERARCHY, Judgement, Member, Opinion,
    Reserve, SplitFacts, argmax, decide_together, retire, sha256_file, sha256_hex,
};
pub use calibrator::Calibrator;
pub use consensus::say_the_same;
pub use context::context_features;
pub use correctness::{Correctness, Evidence, SIGNS, Signs};
pub use draft::{Drafter, Lesson};
pub use encoders::{Encoders, side_by_side};
pub use engine::{Engine, Features, Prepared, model_fault};
pub use firstline_ticket::customer_key;
pub use guard::{Grounds, guard};
pub use head::{Head, axpy};
pub use hierarchy::{Decoded, Hierarchy};
pub use index::{Case, Desk, DeskBuilder, Index, Near, Said, Similar, Whose, language_of};
pub use input::{Input, compose};
pub use mask::{Found, Known, KnownBuilder, Masker, Private, SHARED_BY};
pub use mixture::{Mixture, log_softmax, softmax};
pub use neighbours::Neighbours;
pub use ngrams::{BUCKETS, ngram_buckets};
pub use ordinal::Ordinal;
pub use policy::{DEFAULT_POLICY, Policy, Ranks, Rule};
pub use reply::{Endings, EndingsBuilder, Reach, Slot, fill, first_reply, open_up, sentences, slots};
pub use reviews::{ENOUGH, Reviews, logit};
pub use sparse::{SparseRow, SparseRows};
pub use template::{Template, Templates, is_sound};
pub use usual::{Usual, UsualBuilder};
pub use vocabulary::{Vocabulary, VocabularyBuilder};
pub use voice::{DEFAULT_VOICE, ForCustomer, Phrases, Voice};
pub use writer::Writer;
