//! What the segments of a name say, and what a name says by them. Must never let a segment with a strange word rank by a word
//! in it, nor one rank outvote another.

use super::Said;

/// What one part of a name says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token {
    /// A word, of a rank.
    Rank(usize),
    /// A rank that counts only where nothing else in the name says one.
    Aside(usize),
    /// A place in the order, or a name with a number in it.
    Place(Place),
    /// One of several places.
    Unsure,
    /// The opposite of what follows.
    Turn,
    /// Nothing.
    Filler,
    /// A number of something.
    Number,
    /// A range, behind a place; something else elsewhere.
    Joint,
    /// Something else.
    Unknown,
}

/// A place in the order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) rank: usize,
    /// The number as it was written.
    pub(super) number: Option<usize>,
}

/// What one segment says.
#[derive(Debug, Default)]
pub(super) struct Segment {
    ranks: Vec<usize>,
    asides: Vec<usize>,
    /// The places; `None` for one of several.
    places: Vec<Option<Place>>,
    has_filler: bool,
    has_unknown: bool,
    /// What stands behind a turning word, where there is one.
    turned: Option<Turned>,
}

/// What stands behind a turning word.
#[derive(Debug, Default)]
struct Turned {
    says: bool,
    has_filler: bool,
    has_unknown: bool,
}

impl Segment {
    /// Hears the next token.
    pub(super) fn add(&mut self, token: Token) {
        if let Some(turned) = &mut self.turned {
            return turned.add(token);
        }
        match token {
            Token::Rank(rank) => self.ranks.push(rank),
            Token::Aside(rank) => self.asides.push(rank),
            // "P1 server down" is a name of the first place, "server P1" one of a server.
            Token::Place(place) if self.hears_places() => self.places.push(Some(place)),
            Token::Unsure if self.hears_places() => self.places.push(None),
            Token::Turn => self.turned = Some(Turned::default()),
            Token::Filler => self.has_filler = true,
            Token::Number => {}
            Token::Place(_) | Token::Unsure | Token::Joint | Token::Unknown => self.has_unknown = true,
        }
    }

    fn hears_places(&self) -> bool {
        !self.has_unknown || !self.places.is_empty()
    }

    /// Whether it turns the segments behind it: "do not use - high", but neither "not urgent: P3" nor "non VIP - high".
    fn turns_others(&self) -> bool {
        let says = !(self.ranks.is_empty() && self.asides.is_empty() && self.places.is_empty());
        self.turned
            .as_ref()
            .is_some_and(|behind| !says && !behind.says && (behind.has_unknown || !behind.has_filler))
    }
}

impl Turned {
    fn add(&mut self, token: Token) {
        match token {
            Token::Rank(_) | Token::Aside(_) | Token::Place(_) | Token::Unsure => self.says = true,
            Token::Filler => self.has_filler = true,
            Token::Unknown | Token::Joint => self.has_unknown = true,
            Token::Turn | Token::Number => {}
        }
    }
}

/// What the segments of a name say together.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Ranks of segments that say nothing else.
    bare: Vec<usize>,
    /// Ranks of segments with other known words.
    filled: Vec<usize>,
    places: Vec<Option<Place>>,
    asides: Vec<usize>,
}

impl Heard {
    /// Hears `segments` up to one that turns the rest.
    pub(super) fn of(segments: Vec<Segment>) -> Self {
        let mut heard = Self::default();
        for segment in segments {
            if segment.turns_others() {
                break;
            }
            heard.places.extend(segment.places);
            if segment.has_unknown {
                continue;
            }
            let plain = !segment.has_filler && segment.asides.is_empty();
            if plain { &mut heard.bare } else { &mut heard.filled }.extend(segment.ranks);
            heard.asides.extend(segment.asides);
        }
        heard
    }

    /// The rank that the words name, or else the places, or else what stands aside.
    pub(super) fn said(&self) -> Option<Said> {
        let words = if self.bare.is_empty() { &self.filled } else { &self.bare };
        let place = agreed(&self.places).flatten();
        let aside = || agreed(&self.asides).filter(|_| words.is_empty() && self.places.is_empty());
        let rank = agreed(words).or(place.map(|place| place.rank)).or_else(aside)?;
        Some(Said { rank, place: place.and_then(|place| place.number) })
    }
}

/// What all of `said` say; `None` where there is none, or two differ.
fn agreed<T: Copy + PartialEq>(said: &[T]) -> Option<T> {
    let first = *said.first()?;
    said.iter().all(|other| *other == first).then_some(first)
}
