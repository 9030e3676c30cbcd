//! A reply as words: in lower case, without accents, with what stood between them as far as it says something.
//!
//! One pass, linear in the text. Must never drop a word: where one is left over, nothing is understood.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words that are kept of a text: beyond them it confirms nothing, and what it denies stands before.
const MOST: usize = 160;
/// Signs that may turn the words around.
const DOUBTS: [&str; 12] = [":(", ":-(", ":'(", ":/", ":-/", "...", "…", "\"", "“", "”", "„", "«"];
/// Emoji that say what the words say.
const GLAD: &str = "👍👌🙏✅✔☑😊🙂😀😃😄😁😆😉😎🤗🥳🎉❤♥💪👏☺💯☀🌞🍀⭐🌟🤝💐🥰😍🤩💚💙🧡💛🎊🥂🍾🌹🌸🌷";
/// What may stand behind an apostrophe as the end of an English or German word.
const ENDINGS: [&str; 7] = ["s", "t", "ve", "re", "ll", "d", "m"];

/// A word of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// It, folded.
    pub(super) word: String,
    /// It with German umlauts that were written as two letters, where that makes another word.
    pub(super) other: Option<String>,
    /// Whether it began with a capital letter.
    pub(super) capital: bool,
    /// Whether a sentence or a part of one ends behind it.
    pub(super) ends: bool,
    /// The sentence that it stands in.
    pub(super) sentence: usize,
}

/// The words of a reply.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    pub(super) list: Vec<Token>,
    has_digits: bool,
    asks: bool,
    doubts: bool,
    /// Words that were there, kept or not.
    count: usize,
}

/// A name or a word as words are compared.
pub(super) fn folded(text: &str) -> String {
    Tokens::new(text).words().join(" ")
}

fn fold_char(c: char, out: &mut String) {
    match c {
        'ß' => out.push_str("ss"),
        'œ' | 'Œ' => out.push_str("oe"),
        'æ' | 'Æ' => out.push_str("ae"),
        'ø' | 'Ø' => out.push('o'),
        'ı' => out.push('i'),
        c => out.extend(c.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase)),
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`' | '´')
}

impl Tokens {
    /// The words of `text`.
    pub(super) fn new(text: &str) -> Self {
        let mut all = Self { doubts: DOUBTS.iter().any(|sign| text.contains(sign)), ..Self::default() };
        let (mut word, mut capital, mut sentence) = (String::new(), false, 0);
        // The mark before the word that is being read.
        let (mut joined, mut next_joined) = (false, false);
        for c in text.chars().chain(['\n']) {
            if c.is_alphanumeric() || is_combining_mark(c) {
                if word.is_empty() {
                    capital = c.is_uppercase();
                    joined = next_joined;
                }
                all.has_digits |= c.is_numeric();
                fold_char(c, &mut word);
                next_joined = false;
                continue;
            }
            if !word.is_empty() {
                all.push(std::mem::take(&mut word), (capital, joined), sentence);
                next_joined = is_apostrophe(c);
            } else if !is_apostrophe(c) {
                next_joined = false;
            }
            all.doubts |= is_symbol(c) && !GLAD.contains(c) && !is_tone(c);
            all.asks |= matches!(c, '?' | '¿' | '？' | '؟' | ';' if c != ';');
            let ends_sentence = matches!(c, '.' | '!' | '?' | '\n' | '…' | ':' | ';');
            if ends_sentence || matches!(c, ',' | '-' | '–' | '—' | '(' | ')') || is_symbol(c) {
                if let Some(last) = all.list.last_mut() {
                    last.ends = true;
                }
                sentence += usize::from(
                    ends_sentence && all.list.last().is_some_and(|last| last.sentence == sentence),
                );
            }
        }
        all
    }

    fn push(&mut self, word: String, (capital, joined): (bool, bool), sentence: usize) {
        if joined
            && ENDINGS.contains(&word.as_str())
            && let Some(last) = self.list.last_mut()
        {
            last.word.push_str(&word);
            return;
        }
        self.count += 1;
        if self.list.len() < MOST {
            let other = ["ae", "oe", "ue"].iter().any(|two| word.contains(two));
            let other = other.then(|| word.replace("ae", "a").replace("oe", "o").replace("ue", "u"));
            self.list.push(Token { word, other, capital, ends: false, sentence });
        }
    }

    /// Whether there is no word at all.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether a sign stands anywhere that may mean the opposite of the words: quotation marks, dots that trail off, a face that is not
    /// glad.
    pub(super) fn doubts(&self) -> bool {
        self.doubts
    }

    /// Whether a digit stands anywhere.
    pub(super) fn has_digits(&self) -> bool {
        self.has_digits
    }

    /// Whether a question mark stands anywhere.
    pub(super) fn asks(&self) -> bool {
        self.asks
    }

    /// The words, folded.
    pub(super) fn words(self) -> Vec<String> {
        self.list.into_iter().map(|token| token.word).collect()
    }
}

/// The tone of the hand before it.
fn is_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}' | '\u{200d}' | '\u{fe0f}')
}

/// Emoji and other signs that stand between words.
fn is_symbol(c: char) -> bool {
    c as u32 >= 0x2190 && !c.is_alphanumeric()
}
