//! The grammar of a language: what says that something is done, what says thanks, and what says that it is not done.
//!
//! A reply confirms where all of it, from its first word to its last, is made of what the grammar knows, and some of that says that the
//! matter is done. It denies where something of it says that it is not. Must never pass over a word of a reply that confirms.

use std::sync::Arc;

use serde::Deserialize;

use super::MOST_WORDS;
use super::pattern::{self, Parts, Pattern, Text};
use super::tokens::{Token, Tokens};

/// Sentences of a reply that are looked at for what denies.
const SENTENCES: usize = 40;

/// What a reply that is understood as a whole says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parse {
    /// It is done, in these words.
    Done(String),
    /// Thanks and the like.
    Thanks,
}

/// A language's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Named lists, each of which may use those before it.
    parts: Vec<Part>,
    /// Says that the matter is done, or may be closed.
    done: Vec<String>,
    /// Says thanks.
    thanks: Vec<String>,
    /// Says nothing: greetings, farewells, courtesies.
    polite: Vec<String>,
    /// Says, anywhere in a sentence, that the matter is not done.
    denied: Vec<String>,
    /// Looks so and says nothing of it.
    harmless: Vec<String>,
    /// Words that are no names, wherever they stand.
    no_names: Vec<String>,
    /// Says that it was so, which beside a time of `day` may be over: "worked this morning".
    past: Vec<String>,
    /// Times of a day.
    day: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    name: String,
    is: Vec<String>,
}

/// The grammar of a language.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) language: &'static str,
    done: Vec<Pattern>,
    thanks: Vec<Pattern>,
    polite: Vec<Pattern>,
    denied: Pattern,
    harmless: Pattern,
    no_names: Vec<String>,
    past: Vec<String>,
    day: Vec<String>,
}

/// What has been said up to a place: nothing, thanks, that it is done, or both.
const THANKS: usize = 1;
const DONE: usize = 2;

impl Grammar {
    /// Reads the file of a language.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(language: &'static str, text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        let mut parts = Parts::new();
        for Part { name, is } in file.parts {
            parts.insert(name, Arc::new(Pattern::Any(all(&is, &parts)?)));
        }
        Ok(Self {
            language,
            done: all(&file.done, &parts)?,
            thanks: all(&file.thanks, &parts)?,
            polite: all(&file.polite, &parts)?,
            denied: Pattern::Any(all(&file.denied, &parts)?),
            harmless: Pattern::Any(all(&file.harmless, &parts)?),
            no_names: file.no_names,
            past: file.past,
            day: file.day,
        })
    }

    /// What the whole reply says; `None` where a word of it has no place in the grammar, or its form rules it out.
    pub(super) fn parse(&self, tokens: &Tokens, names: &[String]) -> Option<Parse> {
        let ruled_out = tokens.asks() || tokens.doubts() || tokens.has_digits() || tokens.len() > MOST_WORDS;
        if ruled_out || self.may_be_over(&tokens.list) {
            return None;
        }
        let is_name = |at: usize| self.is_name(&tokens.list, at, names);
        let [strict, lenient] =
            [false, true].map(|lenient| Text { tokens: &tokens.list, lenient, is_name: &is_name });
        self.whole(&strict).or_else(|| self.whole(&lenient))
    }

    /// Whether it says that something was so at a time of day.
    fn may_be_over(&self, tokens: &[Token]) -> bool {
        let has = |words: &[String]| tokens.iter().any(|token| words.contains(&token.word));
        has(&self.past) && has(&self.day)
    }

    fn whole(&self, text: &Text<'_>) -> Option<Parse> {
        let n = text.tokens.len();
        // By place and by what has been said until there: whether it is reached, and the words that said that it is done.
        let mut reached: Vec<[Option<(usize, usize)>; 4]> = vec![[None; 4]; n + 1];
        reached[0][0] = Some((0, 0));
        let lists = [(&self.done, DONE), (&self.thanks, THANKS), (&self.polite, 0)];
        for at in 0..n {
            if reached[at].iter().all(Option::is_none) {
                continue;
            }
            for (list, says) in lists {
                let ends = list.iter().fold(0, |ends, pattern| ends | pattern.ends(1 << at, text));
                for end in (at + 1..=n).filter(|end| ends >> end & 1 == 1) {
                    for said in 0..4 {
                        let Some(words) = reached[at][said] else { continue };
                        let words = if says == DONE && said & DONE == 0 { (at, end) } else { words };
                        reached[end][said | says].get_or_insert(words);
                    }
                }
            }
        }
        let last = reached[n];
        if let Some((from, to)) = last[DONE].or(last[DONE | THANKS]) {
            return Some(Parse::Done(words(&text.tokens[from..to])));
        }
        last[THANKS].map(|_| Parse::Thanks)
    }

    /// The words of a reply that say that it is not done.
    pub(super) fn denies(&self, tokens: &Tokens) -> Option<String> {
        let sentences = tokens.list.chunk_by(|a, b| a.sentence == b.sentence);
        sentences.take(SENTENCES).find_map(|sentence| self.denies_in(sentence))
    }

    fn denies_in(&self, sentence: &[Token]) -> Option<String> {
        let mut sentence = sentence[..sentence.len().min(pattern::MOST)].to_vec();
        self.harmless_out(&mut sentence);
        let text = Text { tokens: &sentence, lenient: false, is_name: &|_| false };
        (0..sentence.len()).find_map(|at| {
            let ends = self.denied.ends(1 << at, &text);
            (ends != 0).then(|| words(&sentence[at..ends.trailing_zeros() as usize]))
        })
    }

    /// Takes out of a sentence what looks like a denial and is none.
    fn harmless_out(&self, sentence: &mut [Token]) {
        let mut found = Vec::new();
        let text = Text { tokens: sentence, lenient: false, is_name: &|_| false };
        for at in 0..sentence.len() {
            let ends = self.harmless.ends(1 << at, &text);
            if ends != 0 {
                found.push(at..64 - ends.leading_zeros() as usize - 1);
            }
        }
        for token in found.into_iter().flatten() {
            sentence[token].word.clear();
            sentence[token].other = None;
        }
    }

    /// Whether a word is a name: one of the ticket's people, or one that is written like a name where only a name can stand.
    fn is_name(&self, tokens: &[Token], at: usize, names: &[String]) -> bool {
        let token = &tokens[at];
        let letters = token.word.chars().all(char::is_alphabetic);
        let known = names.contains(&token.word);
        let looks =
            token.capital && (token.ends || tokens.get(at + 1).is_some_and(|next| next.capital && next.ends));
        letters && !self.no_names.contains(&token.word) && (known || looks)
    }
}

fn all(texts: &[String], parts: &Parts) -> Result<Vec<Pattern>, String> {
    texts.iter().map(|text| Pattern::parse(text, parts)).collect()
}

fn words(tokens: &[Token]) -> String {
    let words = tokens.iter().map(|token| token.word.as_str()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
