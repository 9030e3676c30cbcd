//! The condition language of ConnectWise's lists: `board/id = 3 and (lastUpdated >= [2026-03-01T00:00:00Z] or summary like "*mail*")`.
//!
//! Conditions are compared with records as they are shown, so that what can be read can be asked for. Junk is refused, never ignored.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Deepest nesting of parentheses.
const MOST_DEPTH: usize = 32;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Is { field: String, op: Op, value: Operand },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Like,
    Contains,
    In,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Text(String),
    Number(f64),
    Bool(bool),
    Time(Timestamp),
    Null,
    Many(Vec<Operand>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Word(String),
    Operator(String),
    Text(String),
    Bracketed(String),
}

impl Condition {
    /// Reads a condition.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, at: 0 };
        let found = reader.any(0)?;
        match reader.peek() {
            None => Ok(found),
            Some(token) => Err(format!("{token:?} is not expected there")),
        }
    }

    /// The fields that it asks for.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::fields).collect(),
            Self::Not(part) => part.fields(),
            Self::Is { field, .. } => vec![field],
        }
    }

    /// The time before which nothing that meets it was changed, so that such records need not be made.
    pub(super) fn since(&self) -> Option<Timestamp> {
        match self {
            Self::All(parts) => parts.iter().filter_map(Self::since).max(),
            Self::Is { field, op: Op::Greater | Op::GreaterEqual, value: Operand::Time(at) } => {
                let field = field.strip_prefix("_info/").unwrap_or(field);
                (field == "lastUpdated").then_some(*at)
            }
            _ => None,
        }
    }

    /// The only values that a field with ids has in records that meet it, so that others need not be made.
    pub(super) fn ids(&self, name: &str) -> Option<BTreeSet<i64>> {
        let id = |operand: &Operand| match operand {
            Operand::Number(id) => Some(*id as i64),
            _ => None,
        };
        match self {
            Self::All(parts) => parts.iter().find_map(|part| part.ids(name)),
            Self::Is { field, op: Op::Equal, value } if field == name => {
                id(value).map(|id| BTreeSet::from([id]))
            }
            Self::Is { field, op: Op::In, value: Operand::Many(values) } if field == name => {
                values.iter().map(id).collect()
            }
            _ => None,
        }
    }

    /// Whether a record meets it.
    pub(super) fn holds(&self, record: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::Not(part) => !part.holds(record),
            Self::Is { field, op, value } => compare(at(record, field), *op, value),
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn any(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.all(depth)?];
        while self.word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.one(depth)?];
        while self.word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > MOST_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.any(depth + 1)?;
            return if self.peek() == Some(&Token::Close) {
                self.at += 1;
                Ok(inner)
            } else {
                Err("a parenthesis is not closed".to_owned())
            };
        }
        let Some(Token::Word(field)) = self.peek().cloned() else {
            return Err("a field is missing".to_owned());
        };
        self.at += 1;
        let not = self.word("not");
        let op = self.op()?;
        let value = if op == Op::In { self.many()? } else { self.value()? };
        let found = Condition::Is { field, op, value };
        Ok(if not { Condition::Not(Box::new(found)) } else { found })
    }

    fn op(&mut self) -> Result<Op, String> {
        let op = match self.peek() {
            Some(Token::Operator(sign)) => match sign.as_str() {
                "=" => Op::Equal,
                "!=" | "<>" => Op::NotEqual,
                "<" => Op::Less,
                "<=" => Op::LessEqual,
                ">" => Op::Greater,
                ">=" => Op::GreaterEqual,
                other => return Err(format!("{other:?} is no operator")),
            },
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "like" => Op::Like,
                "contains" => Op::Contains,
                "in" => Op::In,
                other => return Err(format!("{other:?} is no operator")),
            },
            _ => return Err("an operator is missing".to_owned()),
        };
        self.at += 1;
        Ok(op)
    }

    fn value(&mut self) -> Result<Operand, String> {
        let value = match self.peek() {
            Some(Token::Text(text)) => Operand::Text(text.clone()),
            Some(Token::Bracketed(time)) => {
                Operand::Time(time_of(time).ok_or(format!("[{time}] is no time"))?)
            }
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                "null" => Operand::Null,
                number => Operand::Number(number.parse().map_err(|_| format!("{word:?} is no value"))?),
            },
            _ => return Err("a value is missing".to_owned()),
        };
        self.at += 1;
        Ok(value)
    }

    fn many(&mut self) -> Result<Operand, String> {
        if self.peek() != Some(&Token::Open) {
            return Err("\"in\" needs a list in parentheses".to_owned());
        }
        self.at += 1;
        let mut values = vec![self.value()?];
        while self.peek() == Some(&Token::Comma) {
            self.at += 1;
            values.push(self.value()?);
        }
        if self.peek() != Some(&Token::Close) {
            return Err("a list is not closed".to_owned());
        }
        self.at += 1;
        Ok(Operand::Many(values))
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            c if c.is_whitespace() => (None, c.len_utf8()),
            '(' => (Some(Token::Open), 1),
            ')' => (Some(Token::Close), 1),
            ',' => (Some(Token::Comma), 1),
            '"' | '\'' => {
                let inner = &rest[1..];
                let end = inner.find(c).ok_or("a string is not closed")?;
                (Some(Token::Text(inner[..end].to_owned())), end + 2)
            }
            '[' => {
                let end = rest.find(']').ok_or("a time is not closed")?;
                (Some(Token::Bracketed(rest[1..end].to_owned())), end + 1)
            }
            '=' | '!' | '<' | '>' => {
                let end = rest.find(|c| !"=!<>".contains(c)).unwrap_or(rest.len());
                (Some(Token::Operator(rest[..end].to_owned())), end)
            }
            _ => {
                let is_end = |c: char| c.is_whitespace() || "()=!<>,[]\"'".contains(c);
                let end =
                    rest.find(is_end).filter(|end| *end > 0).ok_or_else(|| format!("{c:?} is not expected"));
                let end = if rest.contains(is_end) { end? } else { rest.len() };
                (Some(Token::Word(rest[..end].to_owned())), end)
            }
        };
        found.extend(token);
        rest = &rest[length..];
    }
    Ok(found)
}

/// A time as conditions write it: UTC, with `Z` or without. An offset in a plus misbehaves, as with the real one.
pub(super) fn time_of(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|_| text.ends_with('Z')).or_else(|| {
        let naive: DateTime = text.parse().ok().filter(|_| !text.contains('+'))?;
        naive.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// A value of a record by its path. Times of `_info` are asked for without it.
pub(super) fn at<'a>(record: &'a Value, field: &str) -> Option<&'a Value> {
    let mut value = record;
    for part in field.split('/') {
        value = value.get(part).or_else(|| value.get("_info").and_then(|info| info.get(part)))?;
    }
    Some(value).filter(|value| !value.is_null())
}

fn compare(found: Option<&Value>, op: Op, wanted: &Operand) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    if op == Op::In {
        let Operand::Many(values) = wanted else { return false };
        return values.iter().any(|value| compare(found, Op::Equal, value));
    }
    let Some(found) = found else {
        return matches!((op, wanted), (Op::Equal, Operand::Null))
            || op == Op::NotEqual && *wanted != Operand::Null;
    };
    if let (Op::Like | Op::Contains, Some(text), Operand::Text(pattern)) = (op, found.as_str(), wanted) {
        let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
        return if op == Op::Contains { text.contains(&pattern) } else { like(&text, &pattern) };
    }
    let order = match wanted {
        Operand::Text(text) => found.as_str().map(|found| found.to_lowercase().cmp(&text.to_lowercase())),
        Operand::Number(number) => found.as_f64().and_then(|found| found.partial_cmp(number)),
        Operand::Bool(wanted) => found.as_bool().map(|found| found.cmp(wanted)),
        Operand::Time(time) => found.as_str().and_then(time_of).map(|found| found.cmp(time)),
        Operand::Null | Operand::Many(_) => None,
    };
    matches!(
        (op, order),
        (Op::NotEqual, None | Some(Less | Greater))
            | (Op::Equal, Some(Equal))
            | (Op::Less, Some(Less))
            | (Op::LessEqual, Some(Less | Equal))
            | (Op::Greater, Some(Greater))
            | (Op::GreaterEqual, Some(Greater | Equal))
    )
}

/// Whether `text` is like `pattern`, in which a star is anything.
fn like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(condition: &str) -> bool {
        let record = json!({"id": 7, "summary": "Outlook Mail", "board": {"id": 3, "name": "Help"}, "closedFlag": false,
            "_info": {"lastUpdated": "2026-03-01T08:00:00Z"}});
        Condition::parse(condition).unwrap().holds(&record)
    }

    #[test]
    fn conditions_are_read_as_connectwise_reads_them() {
        for met in [
            "board/id = 3 and closedFlag = False",
            "(board/id=3 AND closedFlag=False)",
            "lastUpdated>=[2026-03-01T08:00:00Z]",
            "lastUpdated > [2026-03-01T07:59:59]",
            "_info/lastUpdated < [2026-03-02T00:00:00Z]",
            "id in (1, 7)",
            "board/name in ('Help','Other')",
            "summary like \"*mail*\"",
            "summary not like \"*fax*\"",
            "summary contains \"look\"",
            "parentTicketId = null",
            "id = 1 or id = 7 and board/id = 3",
            "closedFlag != True",
        ] {
            assert!(holds(met), "{met}");
        }
        for not in [
            "id = 1",
            "lastUpdated > [2026-03-01T08:00:00Z]",
            "summary like \"mail*\"",
            "(id = 7 or id = 8) and board/id = 4",
        ] {
            assert!(!holds(not), "{not}");
        }
    }

    #[test]
    fn junk_is_refused() {
        for junk in [
            "id",
            "id =",
            "= 3",
            "id = 3 and",
            "(id = 3",
            "id ~ 3",
            "lastUpdated > [never]",
            "lastUpdated > [2026-03-01T08:00:00+00:00]",
            "id in 3",
            "id = 3)",
            "summary = \"x",
        ] {
            assert!(Condition::parse(junk).is_err(), "{junk}");
        }
        assert!(Condition::parse(&"(".repeat(10_000)).is_err());
    }
}
