//! Resolved tickets, to be found again: their embeddings in 8 bits, what was written and how they were resolved.
//!
//! ```text
//! BUNDLE/index/desk.json       names, companies, shared words, the desk's signature: what masking goes by
//! BUNDLE/index/000001.cases    a segment: cases sorted by customer, embeddings, texts; more as tickets are resolved
//! ```
//!
//! A segment never changes; adding writes another beside it. Each is mapped and checked against its hash when it is opened.
//! A search names whose cases may be found before it looks at any: a customer's lie together.

mod segment;
mod similar;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use firstline_fault::{InternalError, Result, UserError};
use firstline_ticket::{Field, Ticket};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mask::{Known, KnownBuilder, Masker};
use crate::reply::{Endings, EndingsBuilder, Reach, first_reply, open_up, sentences, slots};
use crate::usual::{Usual, UsualBuilder};
use firstline_triage::{Bundle, compose};
use segment::Segment;
pub use similar::Similar;

/// The folder in a bundle.
pub(crate) const INDEX: &str = "index";
const DESK: &str = "desk.json";
const SUFFIX: &str = "cases";
/// What a case keeps of a ticket's text, in characters: enough to compare words with, and to recognise it.
const PROBLEM: usize = 600;
/// And of its resolution.
const RESOLUTION: usize = 2_000;

/// A resolved ticket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// The ticket's id.
    pub id: String,
    /// [`Bundle::ticket_hash`].
    pub hash: u64,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// Whose it is; empty where that is not known.
    pub customer: String,
    /// Its language, ISO 639-1; empty where it can't be told.
    pub language: String,
    /// Board, type and subtype.
    pub category: [Option<String>; 3],
    /// What it was about, as the models read it, cut.
    pub problem: String,
    /// What the desk answered first, sentence by sentence.
    pub reply: Vec<Said>,
    /// How it was resolved, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
}

/// A sentence that a technician wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The sentence, with slots for what belongs to its ticket.
    pub text: String,
    /// To whom it may be shown.
    pub reach: Reach,
}

/// What is known of the desk that a history came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    /// For masking.
    pub known: Known,
    /// For cutting signatures off.
    pub endings: Endings,
    /// Sentences that say nothing of the matter.
    pub usual: Usual,
}

/// Reads a history and learns what is known of its desk.
#[derive(Debug, Default)]
pub struct DeskBuilder {
    known: KnownBuilder,
    endings: EndingsBuilder,
    usual: UsualBuilder,
}

impl DeskBuilder {
    /// Learns from a ticket.
    pub fn add(&mut self, ticket: &Ticket) {
        self.known.add(ticket);
        self.endings.add(ticket);
        self.usual.add(ticket);
    }

    /// What was learnt.
    pub fn finish(self) -> Desk {
        Desk { known: self.known.finish(), endings: self.endings.finish(), usual: self.usual.finish() }
    }
}

impl Case {
    /// The case that `ticket` is; `None` where it was not resolved, or nobody wrote how.
    pub fn of(ticket: &Ticket, masker: &Masker, endings: &Endings) -> Option<Self> {
        let resolution = ticket
            .resolution
            .as_deref()
            .map(|r| cut(&firstline_triage::normalize::normalize(r).text, RESOLUTION));
        let slots = slots(ticket, masker);
        let reply: Vec<Said> = first_reply(ticket)
            .map(|text| sentences(text, ticket, endings))
            .unwrap_or_default()
            .iter()
            .map(|sentence| {
                let (text, reach) = open_up(sentence, &slots, masker);
                Said { text, reach }
            })
            .collect();
        if reply.is_empty() && resolution.is_none() {
            return None;
        }
        let problem = compose(ticket).text();
        let label = |field| ticket.label(field).map(str::to_owned);
        Some(Self {
            id: ticket.id.clone(),
            hash: Bundle::ticket_hash(ticket),
            opened_at: ticket.opened_at,
            customer: ticket.customer.as_deref().unwrap_or_default().trim().to_owned(),
            language: language_of(ticket, &problem),
            category: [Field::Board, Field::Type, Field::Subtype].map(label),
            problem: cut(&problem, PROBLEM),
            reply,
            resolution,
        })
    }
}

/// The language of a ticket: as it says, else as its text looks; empty where neither tells.
pub fn language_of(ticket: &Ticket, text: &str) -> String {
    /// Of fewer letters no language can be told.
    const LEAST: usize = 20;
    if let Some(said) = ticket.extra_str("language") {
        return said.trim().to_lowercase().chars().take(2).collect();
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).take(LEAST).count();
    let told = whatlang::detect(text).filter(|info| letters == LEAST && info.confidence() > 0.3);
    told.and_then(|info| crate::voice::iso_639_1(info.lang())).unwrap_or_default().to_owned()
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Whose cases a search may find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Everybody's.
    All,
    /// Those of the customer of this [key](firstline_ticket::customer_key).
    Only(&'a str),
    /// Those of all customers but that.
    Others(&'a str),
}

/// A case that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    segment: u32,
    row: u32,
    /// Cosine of the two texts' embeddings.
    pub cosine: f32,
}

/// The cases of a bundle.
#[derive(Debug)]
pub struct Index {
    segments: Vec<Segment>,
    dimensions: usize,
    masker: Masker,
    endings: Endings,
    usual: Usual,
}

impl Index {
    /// Opens the index of the bundle in `dir`, which may have none yet.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it is damaged or of other embeddings.
    pub fn open(dir: &Path, dimensions: usize) -> Result<Self> {
        let folder = dir.join(INDEX);
        let segments: Vec<Segment> =
            files(&folder)?.iter().map(|path| Segment::open(path, dimensions)).collect::<Result<_>>()?;
        let Desk { known, endings, usual } = match fs::read(folder.join(DESK)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| segment::damaged(&folder.join(DESK), e.to_string()))?,
            // Without it nobody knows what is private.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && segments.is_empty() => Desk::default(),
            Err(e) => return Err(UserError::io(folder.join(DESK).display(), &e).into()),
        };
        Ok(Self { segments, dimensions, masker: Masker::new(known)?, endings, usual })
    }

    /// Whether the bundle in `dir` has an index.
    pub fn is_there(dir: &Path) -> bool {
        dir.join(INDEX).join(DESK).exists()
    }

    /// What is known of the desk of the bundle in `dir`.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it is damaged.
    pub fn desk(dir: &Path) -> Result<Desk> {
        let path = dir.join(INDEX).join(DESK);
        let bytes = fs::read(&path).map_err(|e| UserError::io(path.display(), &e))?;
        Ok(serde_json::from_slice(&bytes).map_err(|e| segment::damaged(&path, e.to_string()))?)
    }

    /// Puts the index of the bundle in `from` in the place of that in `dir`.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when the folders can't be renamed.
    pub fn replace(dir: &Path, from: &Path) -> Result<()> {
        let (old, new, aside) = (dir.join(INDEX), from.join(INDEX), from.join("old"));
        let io = |e: std::io::Error| UserError::io(old.display(), &e);
        if old.exists() {
            fs::rename(&old, &aside).map_err(io)?;
        }
        if let Err(error) = fs::rename(&new, &old) {
            // The old one must not go down with what was to replace it.
            if aside.exists() {
                fs::rename(&aside, &old).map_err(io)?;
            }
            return Err(io(error).into());
        }
        Ok(())
    }

    /// Writes what is known of the desk of the bundle in `dir`, and begins its index where there is none.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be written.
    pub fn write_desk(dir: &Path, desk: &Desk) -> Result<()> {
        let folder = dir.join(INDEX);
        fs::create_dir_all(&folder).map_err(|e| UserError::io(folder.display(), &e))?;
        let json = serde_json::to_vec(desk).map_err(|e| InternalError::new(format!("the desk: {e}")))?;
        let path = folder.join(DESK);
        firstline_nn::write_file(&[json], &path).map_err(|e| UserError::io(path.display(), &e))?;
        Ok(())
    }

    /// Adds `cases` with their embeddings (`n x dimensions`, unit length) to the index of the bundle in `dir`: a segment more.
    ///
    /// # Errors
    /// [`Code::Io`](firstline_fault::Code::Io) when it can't be written.
    pub fn add(dir: &Path, cases: &[Case], embeddings: &[f32]) -> Result<()> {
        if cases.is_empty() {
            return Ok(());
        }
        let folder = dir.join(INDEX);
        let last = files(&folder)?.last().and_then(|path| number(path)).unwrap_or(0);
        segment::write(&folder.join(format!("{:06}.{SUFFIX}", last + 1)), cases, embeddings)
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.segments.iter().map(Segment::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What finds private things in texts, by what is known of the desk.
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// The desk's sentences that say nothing of the matter.
    pub fn usual(&self) -> &Usual {
        &self.usual
    }

    /// The lines of the desk's signature.
    pub fn endings(&self) -> &Endings {
        &self.endings
    }

    /// The `k` nearest cases of those that may be found, nearest first.
    ///
    /// # Errors
    /// An internal error when the query has other dimensions.
    pub fn nearest(&self, query: &[f32], whose: Whose<'_>, k: usize) -> Result<Vec<Near>> {
        if query.len() != self.dimensions {
            return Err(InternalError::new(format!("a query of {} values", query.len())).into());
        }
        let mut all = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            let hits = segment.nearest(query, whose, k)?;
            all.extend(hits.into_iter().map(|(row, cosine)| Near { segment: s as u32, row, cosine }));
        }
        all.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then((a.segment, a.row).cmp(&(b.segment, b.row))));
        all.truncate(k);
        Ok(all)
    }

    /// The case.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when it can't be read.
    pub fn case(&self, near: Near) -> Result<Case> {
        let segment = self.segments.get(near.segment as usize);
        segment.ok_or_else(|| InternalError::new("a case of another index"))?.case(near.row)
    }

    /// Hands every case to `look`, one after the other.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when one can't be read.
    pub fn each(&self, look: &mut dyn FnMut(Case)) -> Result<()> {
        for segment in &self.segments {
            for row in segment.rows() {
                look(segment.case(row)?);
            }
        }
        Ok(())
    }

    /// The [`Case::hash`] of all cases.
    ///
    /// # Errors
    /// [`Code::Bundle`](firstline_fault::Code::Bundle) when one can't be read.
    pub fn hashes(&self) -> Result<HashSet<u64>> {
        let mut all = HashSet::new();
        self.each(&mut |case| {
            all.insert(case.hash);
        })?;
        Ok(all)
    }
}

/// The segments in `folder`, oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(UserError::io(folder.display(), &e).into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| UserError::io(folder.display(), &e))?.path();
        if number(&path).is_some() {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn number(path: &Path) -> Option<u32> {
    let is_ours = path.extension().is_some_and(|e| e == SUFFIX);
    path.file_stem().filter(|_| is_ours)?.to_str()?.parse().ok()
}
