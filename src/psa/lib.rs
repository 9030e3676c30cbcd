//! Tickets in: file exports of service desks become canonical JSONL; and the sheet of doubtful labels, out and in.
//!
//! ```text
//! bytes -> gzip -> text (UTF-8) -> CSV, markup -> rows -> columns --+-> ticket -> out | rejects
//!      \-> zip -> sheets ---------------/                           |
//!                       text -> lines or lists of JSON -> keys -----+
//! ```
//!
//! One pass in bounded memory: it holds one record, never the file (except a workbook, whose size is bounded), and remembers
//! what it has seen as 128-bit hashes. Input is hostile: no byte sequence may panic, and what
//! can't be read without guessing is refused with the flag that settles it. This crate never opens files,
//! never talks to a network and never looks at the clock.

mod aliases;
pub mod automation;
pub mod autotask;
mod blanks;
pub mod connector;
pub mod connectwise;
mod convert;
mod dates;
mod decode;
mod doubts;
mod encoding;
mod fault;
mod findings;
pub mod halo;
pub mod hook;
pub mod http;
mod import;
mod json;
mod layout;
mod lines;
pub mod mapped;
mod markup;
mod objects;
mod options;
pub mod pull;
mod records;
pub mod secret;
mod sink;
mod slot;
mod sniff;
mod source;
mod summary;
pub mod sync;
mod table;
mod told;
mod url;
mod wording;
mod workbook;

pub use doubts::{Correction, Doubt, read_corrections, read_doubted, write_doubts};
pub use import::{Outputs, import};
pub use options::{Format, ImportOptions, Mapping, Preset, parse_delimiter};
pub use slot::Slot;
pub use summary::{ColumnUse, ImportSummary, LabelCounts};

/// The longest record or line held, in bytes. A longer one is read to its end and rejected.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// How much of a bad record the rejects file repeats, in bytes.
pub const MAX_RAW_BYTES: usize = 64 << 10;
