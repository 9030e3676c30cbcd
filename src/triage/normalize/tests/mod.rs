//! The whole pipeline: mails as they come in, kinds of mail in many languages, properties that hold for any text, and hostile sizes.

mod blocks;
mod hostile;
mod kinds;
mod languages;
mod notes;
mod properties;
mod rarer;
mod samples;
