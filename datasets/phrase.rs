//! Small phrase grammars: `[one|other]` is a choice, `{name}` a fact of the ticket or a pool of wordings,
//! `\[ \] \|` stand for themselves. Parsed once, rendered often; nesting is bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dice::Dice;
use crate::facts::{Fact, Facts};

/// Choices within choices, at the most.
const MAX_DEPTH: usize = 6;

/// Named wordings that phrases may refer to.
pub(crate) type Pools = BTreeMap<String, Arc<[Phrase]>>;

/// A parsed phrase.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phrase(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Fact(Fact),
    Choice(Arc<[Phrase]>),
}

impl Phrase {
    /// Parses `source`; `Err` tells what is wrong in words.
    pub(crate) fn parse(source: &str, pools: &Pools) -> Result<Self, String> {
        let mut parser = Parser { chars: source.chars().peekable(), pools };
        let phrase = parser.sequence(0)?;
        match parser.chars.next() {
            None => Ok(phrase),
            Some(c) => Err(format!("unexpected {c:?} in {source:?}")),
        }
    }

    /// Writes the phrase with one choice taken at each fork.
    pub(crate) fn render(&self, facts: &Facts, dice: &mut Dice) -> String {
        let mut out = String::new();
        self.write(facts, dice, &mut out);
        tidy(&out)
    }

    fn write(&self, facts: &Facts, dice: &mut Dice, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Fact(fact) => out.push_str(facts.get(*fact)),
                Part::Choice(options) => dice.pick(options).write(facts, dice, out),
            }
        }
    }
}

struct Parser<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    pools: &'a Pools,
}

impl Parser<'_> {
    fn sequence(&mut self, depth: usize) -> Result<Phrase, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(&c) = self.chars.peek() {
            if depth > 0 && (c == '|' || c == ']') {
                break;
            }
            self.chars.next();
            match c {
                '\\' if matches!(self.chars.peek(), Some('[' | ']' | '|')) => text.extend(self.chars.next()),
                '[' | '{' => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(if c == '[' { self.choice(depth + 1)? } else { self.slot()? });
                }
                ']' | '}' => return Err(format!("stray {c:?}")),
                _ => text.push(c),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Phrase(parts))
    }

    fn choice(&mut self, depth: usize) -> Result<Part, String> {
        if depth > MAX_DEPTH {
            return Err("choices nested too deeply".into());
        }
        let mut options = Vec::new();
        loop {
            options.push(self.sequence(depth)?);
            match self.chars.next() {
                Some('|') => {}
                Some(']') => return Ok(Part::Choice(options.into())),
                _ => return Err("a choice without its end".into()),
            }
        }
    }

    fn slot(&mut self) -> Result<Part, String> {
        let mut name = String::new();
        loop {
            match self.chars.next() {
                Some('}') => break,
                Some(c) => name.push(c),
                None => return Err(format!("a slot without its end: {name:?}")),
            }
        }
        if let Some(fact) = Fact::by_name(&name) {
            return Ok(Part::Fact(fact));
        }
        let pool = self.pools.get(&name).ok_or_else(|| format!("no fact or pool {name:?}"))?;
        Ok(Part::Choice(Arc::clone(pool)))
    }
}

/// Removes the double blanks and the blanks before punctuation that empty choices leave.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let after_blank = out.ends_with(' ');
        if c == ' ' && (after_blank || out.is_empty()) {
            continue;
        }
        if after_blank && matches!(c, ',' | '.' | '\n') {
            out.pop();
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    fn render(source: &str) -> String {
        let mut facts = Facts::default();
        facts.set(Fact::Device, "LT-1".into());
        let pool: Arc<[Phrase]> = vec![Phrase::parse("{device} now", &Pools::new()).unwrap()].into();
        let pools = Pools::from([("p".to_owned(), pool)]);
        Phrase::parse(source, &pools).unwrap().render(&facts, &mut Dice::new(0, Stream::Words, 0))
    }

    #[test]
    fn choices_slots_pools_and_escapes() {
        assert_eq!(render(r"\[x\] [a|a] {device}\new: {p}"), r"[x] a LT-1\new: LT-1 now");
        assert_eq!(render("one [|] , two [] "), "one, two");
        assert!(["1 3", "2 3"].contains(&render("[1|[2|2]] 3").as_str()));
    }

    #[test]
    fn faulty_phrases_are_refused() {
        for bad in ["[a|b", "a]", "{device", "{nothing}", "[[[[[[[a]]]]]]]"] {
            assert!(Phrase::parse(bad, &Pools::new()).is_err(), "{bad}");
        }
    }
}
