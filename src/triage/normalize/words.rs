//! The words and phrases of `phrases.toml`, ready to be looked up.
//!
//! Words are the last resort, where neither structure nor markup tells what a line is. Must never hold a phrase itself: they are
//! data.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, Anchored, Input, StartKind};
use serde::Deserialize;
use toml::Table;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::lines::fold;
use crate::lists::{self, Lists};

/// The built-in phrases.
pub(crate) const PHRASES: &str = include_str!("phrases.toml");
/// Lists whose phrases are looked up without accents.
const BARE: [&str; 1] = ["note_words"];

thread_local! {
    static SITE_WORDS: Cell<Option<&'static Words>> = const { Cell::new(None) };
    static SITE_OPENERS: Cell<Option<&'static Phrases>> = const { Cell::new(None) };
}

/// All phrases.
pub(super) static WORDS: Lists<Words> = Lists::new(
    || match toml::from_str(PHRASES) {
        Ok(words) => words,
        // The file is part of the program, and tested: a fault in it is one of the build.
        Err(error) => unreachable!("phrases.toml: {error}"),
    },
    &SITE_WORDS,
);

/// How any legal note or banner starts.
pub(super) static NOTE_OPENERS: Lists<Phrases> = Lists::new(
    || match WORDS.built_in().note_openers() {
        Ok(openers) => openers,
        Err(error) => unreachable!("phrases.toml: {error}"),
    },
    &SITE_OPENERS,
);

/// Whether a list of the built-in phrases has this name.
pub(crate) fn has_list(name: &str) -> bool {
    toml::from_str::<Table>(PHRASES).is_ok_and(|lists| lists.contains_key(name))
}

/// The built-in phrases with a site's.
pub(crate) struct SitePhrases {
    words: Words,
    note_openers: Phrases,
}

impl SitePhrases {
    /// The built-in phrases with those of `more`, which are folded as lines are.
    pub(crate) fn new(more: &Table) -> Result<Self, String> {
        let mut all: Table = toml::from_str(PHRASES).map_err(|error| error.to_string())?;
        lists::add(&mut all, more, &written)?;
        let words: Words = all.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
        Ok(Self { note_openers: words.note_openers()?, words })
    }
}

/// Runs `read` with a site's phrases, or with the built-in ones alone where there are none.
pub(crate) fn under<R>(site: Option<&'static SitePhrases>, read: impl FnOnce() -> R) -> R {
    let openers = site.map(|site| &site.note_openers);
    WORDS.under(site.map(|site| &site.words), || NOTE_OPENERS.under(openers, read))
}

/// A site's phrase as lines are folded, without the comma or colon that a program writes behind it. A blank at its ends says that a word
/// ends there, where lines are looked through for it; of a list of whole lines or keys, it says nothing.
fn written(list: &str, phrase: &str) -> String {
    let whole = ["_keys", "_markers", "closings", "greetings"].iter().any(|end| list.ends_with(end));
    let phrase = if whole { phrase.trim() } else { phrase };
    let folded = fold(phrase.trim_end_matches([',', ':', '，', '：']));
    let bare = BARE.contains(&list).then(|| without_accents(&folded).into_owned());
    let [before, after] =
        [phrase.starts_with(' '), phrase.ends_with(' ')].map(|is| if is { " " } else { "" });
    format!("{before}{}{after}", bare.unwrap_or(folded))
}

/// Characters of a greeting in a script without capitals.
const GREETING_CHARS: usize = 16;

/// Whether a folded line only greets.
pub(super) fn is_greeting(folded: &str) -> bool {
    if WORDS.greetings.after_start(folded).is_none() {
        return false;
    }
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(5).count();
    let cased = folded.contains(char::is_lowercase);
    let short = cased || folded.chars().count() <= GREETING_CHARS;
    short && words <= 4 && !folded.ends_with(['?', '.'])
}

/// Lists of phrases, by what they are for; `phrases.toml` says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) original_markers: Phrases,
    pub(super) forward_markers: Phrases,
    pub(super) attribution_verbs: Phrases,
    pub(super) from_keys: Phrases,
    pub(super) date_keys: Phrases,
    pub(super) to_keys: Phrases,
    pub(super) subject_keys: Phrases,
    pub(super) other_keys: Phrases,
    pub(super) raw_keys: Phrases,
    pub(super) greetings: Phrases,
    pub(super) closings: Phrases,
    pub(super) contact_labels: Phrases,
    pub(super) request_words: Phrases,
    pub(super) note_labels: Phrases,
    pub(super) banner_lines: Phrases,
    pub(super) doubts: Phrases,
    pub(super) note_words: Phrases,
    pub(super) notice_subjects: Phrases,
    pub(super) notice_verbs: Phrases,
    pub(super) portal_lines: Phrases,
    pub(super) alert_openers: Phrases,
    pub(super) alert_phrases: Phrases,
    pub(super) alert_keys: Phrases,
    pub(super) alert_noise_keys: Phrases,
    pub(super) alert_link_lines: Phrases,
    pub(super) mobile_lines: Phrases,
    pub(super) programs: Phrases,
    pub(super) devices: Phrases,
    pub(super) sent_words: Phrases,
    pub(super) line_words: Phrases,
    pub(super) above_words: Phrases,
    pub(super) reply_words: Phrases,
    pub(super) reply_prefixes: Phrases,
    pub(super) forward_prefixes: Phrases,
    pub(super) intake_verbs: Phrases,
    pub(super) intake_things: Phrases,
    pub(super) intake_links: Phrases,
    pub(super) intake_keys: Phrases,
    pub(super) introducers: Phrases,
    pub(super) image_words: Phrases,
    pub(super) image_captions: Phrases,
    pub(super) empty_subjects: Phrases,
    pub(super) firms: Phrases,
    pub(super) registers: Phrases,
    pub(super) name_prefixes: Phrases,
    pub(super) postscripts: Phrases,
    pub(super) data_labels: Phrases,
    pub(super) professions: Phrases,
    pub(super) thank_words: Phrases,
    pub(super) signature_words: Phrases,
    pub(super) sent_links: Phrases,
    pub(super) get_words: Phrases,
    pub(super) misread_words: Phrases,
    pub(super) first_contact: Phrases,
    pub(super) first_contact_links: Phrases,
    pub(super) wanted: Phrases,
    pub(super) legal: Roots,
    pub(super) ambiguous_prefix: Vec<Ambiguous>,
    pub(super) note: Vec<Sentence>,
    pub(super) banner: Vec<Sentence>,
}

impl Words {
    fn note_openers(&self) -> Result<Phrases, String> {
        let sentences = self.note.iter().chain(&self.banner);
        Phrases::try_from(sentences.flat_map(|sentence| sentence.openers.list.clone()).collect::<Vec<_>>())
    }
}

/// A topic; `phrases.toml` says of each what its roots stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    Message,
    Secret,
    Recipient,
    Mistake,
    Delete,
    Notify,
    Forbidden,
    Privacy,
    Liable,
    Virus,
    Scanned,
    Print,
    Nature,
    Think,
    This,
    IfYou,
    Own,
    Outside,
    Organisation,
    Links,
    Care,
    Formula,
    Event,
    Talk,
    Plea,
}

/// Roots by topic, looked up together in a text as [`bare`] leaves it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "HashMap<Topic, Vec<String>>")]
pub(super) struct Roots {
    automaton: AhoCorasick,
    topics: Vec<Topic>,
}

impl TryFrom<HashMap<Topic, Vec<String>>> for Roots {
    type Error = String;

    fn try_from(lists: HashMap<Topic, Vec<String>>) -> Result<Self, String> {
        let all = lists.iter().flat_map(|(&topic, roots)| roots.iter().map(move |root| (topic, bare(root))));
        let (topics, roots): (Vec<Topic>, Vec<String>) = all.unzip();
        let automaton = AhoCorasick::new(&roots).map_err(|error| error.to_string())?;
        Ok(Self { automaton, topics })
    }
}

impl Roots {
    /// The topic of each root that stands in `bare`, and where the root ends.
    pub(super) fn of(&self, bare: &str) -> impl Iterator<Item = (Topic, usize)> {
        let found = self.automaton.find_overlapping_iter(bare);
        found.map(|found| (self.topics[found.pattern().as_usize()], found.end()))
    }
}

/// Lower case, without accents, each run of signs and blanks one blank; a blank at either end where a word ends there.
pub(super) fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    if text.is_ascii() {
        let mut parted = false;
        for c in text.chars() {
            let letter = c.is_ascii_alphanumeric();
            if letter || !parted {
                out.push(if letter { c.to_ascii_lowercase() } else { ' ' });
            }
            parted = !letter;
        }
        return out;
    }
    for c in text.nfd().filter(|&c| canonical_combining_class(c) == 0) {
        if c.is_alphanumeric() {
            let lower = c.to_lowercase().filter(|&c| canonical_combining_class(c) == 0);
            out.extend(lower.map(|c| match c {
                'ı' => 'i',
                'ł' => 'l',
                'đ' | 'ð' => 'd',
                'ø' => 'o',
                _ => c,
            }));
        } else if c != '\u{200c}' && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// A prefix of a subject that means one thing in one language and another in another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ambiguous {
    pub(super) prefix: String,
    pub(super) answer_under: Vec<String>,
    pub(super) answer_below: Phrases,
}

/// How a sentence starts, and what it holds besides, if anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sentence {
    openers: Phrases,
    holds: Phrases,
}

impl Sentence {
    pub(super) fn opens(&self, folded: &str) -> bool {
        self.openers.start(folded)
    }

    pub(super) fn is(&self, folded: &str) -> bool {
        self.opens(folded) && (self.holds.list.is_empty() || self.holds.within(folded))
    }
}

/// Phrases that are looked up together.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(super) struct Phrases {
    list: Vec<String>,
    all: HashSet<String>,
    automaton: AhoCorasick,
    starts: Edges,
    ends: Edges,
}

impl TryFrom<Vec<String>> for Phrases {
    type Error = String;

    fn try_from(list: Vec<String>) -> Result<Self, String> {
        let automaton = AhoCorasick::builder().start_kind(StartKind::Both).build(&list);
        let automaton = automaton.map_err(|error| error.to_string())?;
        Ok(Self {
            starts: Edges::of(list.iter().map(|phrase| phrase.bytes())),
            ends: Edges::of(list.iter().map(|phrase| phrase.bytes().rev())),
            all: list.iter().cloned().collect(),
            list,
            automaton,
        })
    }
}

impl Phrases {
    /// Whether `text` is one of them.
    pub(super) fn is(&self, text: &str) -> bool {
        self.starts.has_words(text) && self.all.contains(text)
    }

    /// Whether `text` starts with one of them.
    pub(super) fn start(&self, text: &str) -> bool {
        self.starts.has(text.bytes()) && self.automaton.is_match(Input::new(text).anchored(Anchored::Yes))
    }

    /// False only where `raw`, folded, does not start with the words of one of them: it tells most lines without folding them.
    pub(super) fn may_start(&self, raw: &str) -> bool {
        match raw.as_bytes().first_chunk::<3>() {
            Some(edge) if edge.iter().all(u8::is_ascii_alphanumeric) => {
                self.starts.has_long(edge.map(|byte| byte.to_ascii_lowercase()))
            }
            _ => true,
        }
    }

    /// Whether `text` holds one of them.
    pub(super) fn within(&self, text: &str) -> bool {
        self.automaton.is_match(text)
    }

    /// Whether one of them stands in `text` as words.
    pub(super) fn within_as_words(&self, text: &str) -> bool {
        self.automaton.find_overlapping_iter(text).any(|found| {
            let (before, phrase) = (&text[..found.start()], &text[found.start()..found.end()]);
            ends_word(before, phrase.chars().next())
                && starts_word(&text[found.end()..], phrase.chars().last())
        })
    }

    /// What follows the words that `text` starts with.
    pub(super) fn after_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        if !self.starts.has_words(text) {
            return None;
        }
        let input = Input::new(text).anchored(Anchored::Yes);
        let mut state = OverlappingState::start();
        let mut rest = None;
        loop {
            self.automaton.find_overlapping(input.clone(), &mut state);
            let Some(found) = state.get_match() else { return rest };
            let (phrase, after) = text.split_at(found.end());
            if starts_word(after, phrase.chars().last()) {
                rest = Some(after);
            }
        }
    }

    /// Whether `text` ends with one of them, as words.
    pub(super) fn end_as_words(&self, text: &str) -> bool {
        self.ends.has(text.bytes().rev())
            && self.list.iter().any(|phrase| {
                text.strip_suffix(phrase.as_str())
                    .is_some_and(|before| ends_word(before, phrase.chars().next()))
            })
    }
}

/// The first three bytes of phrases, or the last three from the end, of which most texts have others: looked at before the phrases are.
/// A phrase shares its bit with some bytes that no phrase has.
#[derive(Debug)]
struct Edges {
    /// First bytes of shorter phrases.
    short: [u64; 4],
    long: Box<[u64; 64]>,
}

impl Edges {
    /// Of phrases as their bytes are read from the end that counts.
    fn of<B: Iterator<Item = u8>>(phrases: impl Iterator<Item = B>) -> Self {
        let mut all = Self { short: [0; 4], long: Box::new([0; 64]) };
        for mut phrase in phrases {
            match [phrase.next(), phrase.next(), phrase.next()] {
                [Some(a), Some(b), Some(c)] => {
                    let (word, bit) = Self::place([a, b, c]);
                    all.long[word] |= bit;
                }
                [Some(a), ..] => all.short[usize::from(a / 64)] |= 1 << (a % 64),
                _ => all.short = [u64::MAX; 4],
            }
        }
        all
    }

    /// False only where no phrase starts as `text` does.
    fn has(&self, mut text: impl Iterator<Item = u8>) -> bool {
        let edge = std::array::from_fn(|_| text.next().unwrap_or_default());
        self.short[usize::from(edge[0] / 64)] & (1 << (edge[0] % 64)) != 0 || self.has_long(edge)
    }

    /// False only where `text` does not start with the words of a phrase: a shorter one ends where no letter follows.
    fn has_words(&self, text: &str) -> bool {
        match text.as_bytes().first_chunk::<3>() {
            Some(edge) if edge.iter().all(u8::is_ascii_alphanumeric) => self.has_long(*edge),
            _ => self.has(text.bytes()),
        }
    }

    fn has_long(&self, edge: [u8; 3]) -> bool {
        let (word, bit) = Self::place(edge);
        self.long[word] & bit != 0
    }

    fn place(edge: [u8; 3]) -> (usize, u64) {
        let [a, b, c] = edge;
        // Twelve bits of what a multiplication by the golden ratio spreads.
        let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) >> 20;
        (hash as usize / 64, 1 << (hash % 64))
    }
}

/// Roots bend their accents from case to case, and are looked up without.
pub(super) fn without_accents(folded: &str) -> Cow<'_, str> {
    if folded.is_ascii() {
        return Cow::Borrowed(folded);
    }
    folded.nfd().filter(|&c| canonical_combining_class(c) == 0).collect::<String>().into()
}

/// Whether no letter that belongs to a word of `next`'s comes before it. Scripts without capitals write no blanks between words, or
/// bend words by their beginnings.
fn ends_word(before: &str, next: Option<char>) -> bool {
    let cased = next.is_some_and(char::is_lowercase);
    !cased || !before.chars().next_back().is_some_and(char::is_alphanumeric)
}

fn starts_word(after: &str, last: Option<char>) -> bool {
    let cased = last.is_some_and(char::is_lowercase);
    !cased || !after.chars().next().is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_written_as_lines_are_folded() {
        let words = &*WORDS;
        for list in [
            &words.closings,
            &words.greetings,
            &words.from_keys,
            &words.original_markers,
            &words.portal_lines,
        ] {
            for phrase in &list.list {
                assert_eq!(fold(phrase), phrase.trim(), "{phrase:?}");
            }
        }
    }

    #[test]
    fn what_is_looked_at_before_the_phrases_misses_none() {
        let words = &*WORDS;
        for list in [&words.closings, &words.greetings, &words.contact_labels, &words.sent_words] {
            for phrase in &list.list {
                let line = format!("{phrase} now");
                assert!(
                    list.is(phrase) && list.start(&line) && list.after_start(&line).is_some(),
                    "{phrase:?}"
                );
                assert!(list.may_start(&line.to_ascii_uppercase()), "{phrase:?}");
                assert!(list.end_as_words(&format!("now {phrase}")), "{phrase:?}");
            }
        }
        assert!(!words.closings.may_start("The label printer") && !words.closings.is("the label printer"));
    }

    #[test]
    fn words_are_found_whole_where_the_script_has_blanks() {
        let sent = &WORDS.sent_words;
        assert!(
            sent.after_start("sent from my phone").is_some()
                && sent.after_start("sentinel is down").is_none()
        );
        assert!(sent.end_as_words("von meinem telefon gesendet") && !sent.end_as_words("nicht abgesendet"));
        assert!(sent.end_as_words("iphoneから送信"));
        assert!(WORDS.devices.within_as_words("from my iphone") && !WORDS.devices.within_as_words("algo"));
    }
}
