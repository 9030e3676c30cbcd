//! Patterns of words, and where they match.
//!
//! `word`, `(a|b c)` one of several, `[a|b]` one of several or nothing, `<part>` a named list, `@` a name, `*` up to three words.
//! Places are bits of a number, so that each part of a pattern is tried once for all places: linear in pattern and text. Must never be
//! made of what a customer wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tokens::Token;

/// Words that a pattern is matched against at most: one bit less than the places have.
pub(super) const MOST: usize = 63;
/// Words that `*` stands for at most.
const GAP: usize = 3;
/// Letters of a word that may be misspelt by one, and of one in which a letter may be another.
const LONG: usize = 5;
const LONGER: usize = 6;
/// Letters at a word's end in which it is never misspelt: they tell "solved" from "solve".
const END: usize = 2;

/// A pattern.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Word(String),
    Seq(Vec<Pattern>),
    Any(Vec<Pattern>),
    Maybe(Box<Pattern>),
    Part(Arc<Pattern>),
    Name,
    Gap,
}

/// Named lists of patterns.
pub(super) type Parts = BTreeMap<String, Arc<Pattern>>;

/// The words that are matched, and which of them may be names or misspelt.
pub(super) struct Text<'a> {
    pub(super) tokens: &'a [Token],
    /// Whether words may be misspelt by a letter.
    pub(super) lenient: bool,
    pub(super) is_name: &'a dyn Fn(usize) -> bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str, parts: &Parts) -> Result<Self, String> {
        let mut chars: Vec<char> = text.chars().collect();
        chars.push('\n');
        let mut at = 0;
        let whole = choice(&chars, &mut at, '\n', parts).map_err(|why| format!("{text:?}: {why}"))?;
        if at == chars.len() { Ok(whole) } else { Err(format!("{text:?}: it ends too early")) }
    }

    /// The places where it ends, of those that it begins at: bit `n` is the place before the word `n`.
    pub(super) fn ends(&self, starts: u64, text: &Text<'_>) -> u64 {
        if starts == 0 {
            return 0;
        }
        match self {
            Self::Word(word) => step(starts, text, |token, _| is(token, word, text.lenient)),
            Self::Name => step(starts, text, |_, at| (text.is_name)(at)),
            Self::Seq(all) => all.iter().fold(starts, |places, part| part.ends(places, text)),
            Self::Any(all) => all.iter().fold(0, |places, part| places | part.ends(starts, text)),
            Self::Maybe(part) => starts | part.ends(starts, text),
            Self::Part(part) => part.ends(starts, text),
            Self::Gap => {
                let mut places = starts;
                for _ in 0..GAP {
                    places |= step(places, text, |_, _| true);
                }
                places
            }
        }
    }
}

fn step(starts: u64, text: &Text<'_>, fits: impl Fn(&Token, usize) -> bool) -> u64 {
    let mut ends = 0;
    for (at, token) in text.tokens.iter().take(MOST).enumerate() {
        if starts >> at & 1 == 1 && fits(token, at) {
            ends |= 1 << (at + 1);
        }
    }
    ends
}

fn is(token: &Token, word: &str, lenient: bool) -> bool {
    token.word == word
        || token.other.as_deref() == Some(word)
        || lenient && word.len() >= LONG && is_near(&token.word, word)
}

/// Whether two words differ by one letter within: left out, put in, changed, or two of them exchanged. Both begin alike and end alike, and
/// no vowel stands for another: "solve", "behoben" and "beheben", "works" and "worked" are other words, not misspelt ones.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.first() != b.first() || a.len().abs_diff(b.len()) > 1 || a.len() + 1 < LONG {
        return false;
    }
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[same..], &b[same..]);
    let is_vowel = |letter: u8| b"aeiouy".contains(&letter);
    match (x.len(), y.len()) {
        (0, _) | (_, 0) => a.len() == b.len(),
        (n, m) if n == m => {
            x[1..] == y[1..] && n > END && same + n >= LONGER && !(is_vowel(x[0]) && is_vowel(y[0]))
                || n > 1 && x[0] == y[1] && x[1] == y[0] && x[2..] == y[2..]
        }
        (n, m) if n > m => x[1..] == *y && m >= END,
        (n, _) => *x == y[1..] && n >= END,
    }
}

fn choice(chars: &[char], at: &mut usize, end: char, parts: &Parts) -> Result<Pattern, String> {
    let mut all = vec![Vec::new()];
    loop {
        let c = *chars.get(*at).ok_or_else(|| format!("{end:?} is missing"))?;
        *at += 1;
        let list = all.last_mut().ok_or("nothing to choose from")?;
        match c {
            c if c == end => break,
            ' ' => {}
            '|' => all.push(Vec::new()),
            '(' => list.push(choice(chars, at, ')', parts)?),
            '[' => list.push(Pattern::Maybe(Box::new(choice(chars, at, ']', parts)?))),
            '@' => list.push(Pattern::Name),
            '*' => list.push(Pattern::Gap),
            '<' => {
                let name = until(chars, at, |c| c == '>');
                *at += 1;
                let part = parts.get(&name).ok_or_else(|| format!("there is no part {name:?}"))?;
                list.push(Pattern::Part(Arc::clone(part)));
            }
            c if c.is_alphanumeric() => {
                *at -= 1;
                let word = until(chars, at, |c| !c.is_alphanumeric());
                if super::tokens::folded(&word) != word {
                    return Err(format!("{word:?} is not folded"));
                }
                list.push(Pattern::Word(word));
            }
            c => return Err(format!("{c:?} has no meaning")),
        }
    }
    if all.iter().any(Vec::is_empty) {
        return Err("a choice is empty".to_owned());
    }
    let mut all: Vec<Pattern> = all.into_iter().map(Pattern::Seq).collect();
    Ok(if all.len() == 1 { all.remove(0) } else { Pattern::Any(all) })
}

fn until(chars: &[char], at: &mut usize, is_end: impl Fn(char) -> bool) -> String {
    let word: String = chars[*at..].iter().take_while(|c| !is_end(**c)).collect();
    *at += word.chars().count();
    word
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokens;
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let parts = Parts::from([(
            "thing".to_owned(),
            Arc::new(Pattern::parse("it|the mail", &Parts::new()).unwrap()),
        )]);
        let tokens = Tokens::new(text).list;
        let text = Text { tokens: &tokens, lenient: true, is_name: &|at| tokens[at].capital };
        Pattern::parse(pattern, &parts).unwrap().ends(1, &text) >> tokens.len() & 1 == 1
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text) in [
            ("<thing> works [again|now]", "The mail works"),
            ("<thing> works [again|now]", "it works now"),
            ("(a|b c) d", "b c d"),
            ("thanks @", "Thanks Mara"),
            ("not * working", "not at all working"),
            ("not * working", "not working"),
            ("working", "wokring"),
            ("working", "workking"),
            ("resolved", "resoved"),
            ("lauft wieder", "Laeuft wieder"),
            ("its ok", "it's ok"),
        ] {
            assert!(matches(pattern, text), "{pattern}: {text}");
        }
        for (pattern, text) in [
            ("<thing> works", "it"),
            ("<thing> works", "it works not"),
            ("thanks @", "thanks but"),
            ("not * working", "not in any way at all working"),
            ("works", "worms"),
            ("works", "work"),
            ("working", "workings"),
            ("solved", "solve"),
            ("behoben", "beheben"),
            ("regle", "regler"),
            ("funktioniert", "funktionierte"),
            ("werkt", "werkte"),
            ("problems", "problem"),
            ("solved", "unsolved"),
        ] {
            assert!(!matches(pattern, text), "{pattern}: {text}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for bad in ["(a", "a)", "<nothing>", "a||b", "[]", "Gross", "a,b", "läuft"] {
            assert!(Pattern::parse(bad, &Parts::new()).is_err(), "{bad}");
        }
    }
}
