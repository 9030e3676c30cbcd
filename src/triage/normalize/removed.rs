//! What the normaliser took away, counted by kind.

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
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Kind; 10] = [
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
    ];
}

/// Bytes taken away, by [`Kind`], each counted in the text as it stood when it was cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    bytes: [usize; Kind::ALL.len()],
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

    pub(super) fn add(&mut self, kind: Kind, bytes: usize) {
        self.bytes[kind as usize] += bytes;
    }
}
