//! What the normaliser took away: counted by kind, and where it stood.

use std::ops::Range;

use serde::{Serialize, Serializer};

/// Why bytes were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTML tags, comments, styles and scripts.
    Markup,
    /// Text an earlier mail already said.
    Quote,
    /// A sender's closing words and contact block.
    Signature,
    /// Legal notes, external-sender banners, virus-scan footers.
    Disclaimer,
    /// Mail headers such as `From:` and `Sent:`, and the markers above quoted and forwarded mail.
    Header,
    /// What a portal or service desk puts round every message.
    Boilerplate,
    /// Lines of a monitoring alert that say neither what nor where.
    AlertNoise,
    /// Control, zero-width and direction characters.
    Invisible,
    /// The rest of long runs, long tokens and blank space.
    Run,
    /// The middle of a text over the size limit.
    Truncated,
    /// HTML that no reader sees.
    Hidden,
    /// Marks that stand for an image, and addresses behind a link.
    Mark,
    /// Lines that open or close the mails of a contact, a customer or the desk, whatever these are about.
    Habit,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Kind; 13] = [
        Kind::Markup,
        Kind::Quote,
        Kind::Signature,
        Kind::Disclaimer,
        Kind::Header,
        Kind::Boilerplate,
        Kind::AlertNoise,
        Kind::Invisible,
        Kind::Run,
        Kind::Truncated,
        Kind::Hidden,
        Kind::Mark,
        Kind::Habit,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Markup => "markup",
            Kind::Quote => "quote",
            Kind::Signature => "signature",
            Kind::Disclaimer => "disclaimer",
            Kind::Header => "header",
            Kind::Boilerplate => "boilerplate",
            Kind::AlertNoise => "alert_noise",
            Kind::Invisible => "invisible",
            Kind::Run => "run",
            Kind::Truncated => "truncated",
            Kind::Hidden => "hidden",
            Kind::Mark => "mark",
            Kind::Habit => "habit",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// A stretch of the original that was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Why.
    pub reason: Kind,
    /// Byte range in the original.
    pub source: Range<usize>,
}

/// Bytes taken away, by [`Kind`], each counted in the text as it stood when it was cut; and which stretches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    bytes: [usize; Kind::ALL.len()],
    cuts: Vec<Cut>,
}

impl Removed {
    /// Bytes taken away for this reason.
    pub fn bytes(&self, kind: Kind) -> usize {
        self.bytes[kind as usize]
    }

    /// Bytes taken away for any reason.
    pub fn total(&self) -> usize {
        self.bytes.iter().sum()
    }

    /// The stretches that a reader might miss, in the order of the original. Tags, invisible characters and runs are not listed.
    pub fn cuts(&self) -> &[Cut] {
        &self.cuts
    }

    /// Forgets which stretches they were; the counts stay.
    pub(super) fn forget_cuts(&mut self) {
        self.cuts = Vec::new();
    }

    pub(super) fn add(&mut self, kind: Kind, bytes: usize) {
        self.bytes[kind as usize] += bytes;
    }

    /// Counts `bytes` that stood at `source` in the original.
    pub(super) fn cut(&mut self, kind: Kind, bytes: usize, source: Range<usize>) {
        self.add(kind, bytes);
        if !source.is_empty() {
            self.cuts.push(Cut { reason: kind, source });
        }
    }

    /// Puts the stretches in order, and joins those of one reason between which nothing is left.
    pub(super) fn join(&mut self, is_left: impl Fn(Range<usize>) -> bool) {
        self.cuts.sort_by_key(|cut| (cut.source.start, cut.source.end));
        let mut joined: Vec<Cut> = Vec::new();
        for cut in self.cuts.drain(..) {
            match joined.last_mut() {
                Some(last)
                    if last.reason == cut.reason
                        && (cut.source.start <= last.source.end
                            || !is_left(last.source.end..cut.source.start)) =>
                {
                    last.source.end = last.source.end.max(cut.source.end);
                }
                _ => joined.push(cut),
            }
        }
        self.cuts = joined;
    }
}
