//! The whole pipeline: mails as they come in, properties that hold for any text, and hostile sizes.

mod hostile;
mod properties;
mod samples;
