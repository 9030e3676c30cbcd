//! The pure pipeline from a ticket to calibrated decisions: normalize, features, model, policy; and the bundle that carries a
//! trained engine.
//!
//! This room never opens a socket, never looks at the wall clock and knows neither service desks' protocols
//! nor how a head was fitted: the same ticket and the same bundle always give the same decision.

mod acknowledgements;
mod answer;
pub mod bundle;
mod engine;
mod explain;
mod features;
mod habits;
mod kind;
mod lists;
mod model;
pub mod normalize;
mod policy;
mod reader;
mod reading;
mod settle;
mod site_words;
mod storm;

pub use acknowledgements::{Acknowledgements, AcknowledgementsBuilder};
pub use answer::{
    Answer, AnswerCertificate, AnswerModel, AnswerReading, Answers, Said, answer_buckets, answer_scale,
    answer_words,
};
pub use bundle::{
    BUNDLE_FORMAT, Bundle, BundleInfo, EncoderFiles, SplitFacts, layout, sha256_file, sha256_hex,
};
pub use engine::{Engine, Prepared};
pub use explain::Explanation;
pub use features::{
    BUCKETS, Encoders, Features, Input, Neighbours, SparseRow, SparseRows, Vocabulary, VocabularyBuilder,
    compose, context_features, is_machine, ngram_buckets, side_by_side,
};
pub use firstline_ticket::customer_key;
pub use habits::{Habits, HabitsBuilder, Writer};
pub use kind::is_written_by_contact;
pub use model::{
    Calibrator, Closing, Correctness, Decoded, Evidence, FieldModel, HIERARCHY, Head, Hierarchy, Judgement,
    Member, Mixture, Opinion, Ordinal, Reserve, Reserved, SIGNS, Signs, argmax, axpy, decide_together,
    log_softmax, retire, softmax,
};
pub use normalize::Reading;
pub use policy::{DEFAULT_POLICY, Hours, Policy, Ranks, Rule, Shift};
pub use reader::Reader;
pub use reading::what_is_read;
pub use settle::settle;
pub use site_words::{BUILT_IN_WORDS, SiteWords};
