//! From a ticket to the one text that every part of the model reads.

use firstline_ticket::Ticket;

use crate::normalize::{Kind, Reading};

/// Longest subject and body handed on, in characters. The encoder's own limit is in tokens and is kept by
/// the tokenizer; this bound only keeps hostile tickets cheap.
const MAX_SUBJECT_CHARS: usize = 500;
const MAX_BODY_CHARS: usize = 12_000;

/// A ticket's text as the model sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// Normalised subject.
    pub subject: String,
    /// Normalised first message.
    pub body: String,
    /// Whether the text is a monitoring alert.
    pub is_alert: bool,
    /// What the bounds left out of subject and body. Models don't read it, rules do.
    pub left_out: String,
    /// Characters left out because the ticket was longer than the bounds; bytes of what the normaliser left out.
    pub cut_chars: usize,
}

impl Input {
    /// Length of the text in bytes.
    pub fn len(&self) -> usize {
        self.subject.len() + self.body.len()
    }

    /// Tokens that the cut characters would about have been, four to a token.
    pub fn tokens_cut(&self) -> usize {
        self.cut_chars.div_ceil(4)
    }

    /// Whether nothing was left of the text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Subject and body as one text for the encoder, a blank line between them.
    pub fn text(&self) -> String {
        match (self.subject.is_empty(), self.body.is_empty()) {
            (true, _) => self.body.clone(),
            (_, true) => self.subject.clone(),
            _ => format!("{}\n\n{}", self.subject, self.body),
        }
    }
}

/// The text of a ticket that was read, without the subject where the body only repeats it.
pub fn compose(read: &Reading) -> Input {
    let is_alert = read.is_alert();
    let Reading { subject, body, .. } = read;
    let truncated = [subject, body].map(|text| text.removed.bytes(Kind::Truncated)).iter().sum::<usize>();
    let subject = head_and_tail(&subject.text, MAX_SUBJECT_CHARS);
    let body = head_and_tail(&body.text, MAX_BODY_CHARS);
    let repeated = body.text.trim() == subject.text.trim();
    Input {
        subject: if repeated { String::new() } else { subject.text },
        body: body.text,
        is_alert,
        left_out: format!("{}\n{}", subject.left_out, body.left_out).trim().to_owned(),
        cut_chars: truncated + subject.cut + body.cut,
    }
}

/// A text within its bound.
struct Bounded {
    text: String,
    left_out: String,
    /// Characters that were left out.
    cut: usize,
}

/// Keeps the first three quarters and the last quarter of `limit` characters.
fn head_and_tail(text: &str, limit: usize) -> Bounded {
    let chars = if text.len() <= limit { 0 } else { text.chars().count() };
    if chars <= limit {
        return Bounded { text: text.to_owned(), left_out: String::new(), cut: 0 };
    }
    let at = |nth: usize| text.char_indices().nth(nth).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (at(limit / 4 * 3), at(chars - limit / 4));
    Bounded {
        text: format!("{}\n{}", &text[..head], &text[tail..]),
        left_out: text[head..tail].to_owned(),
        cut: chars - limit,
    }
}

/// Whether a machine opened the ticket, by what the PSA calls its source.
pub fn is_machine(ticket: &Ticket) -> bool {
    let source = ticket.source.as_deref().unwrap_or_default().to_lowercase();
    ticket.contact.is_none() && ["monitor", "rmm", "alert"].iter().any(|word| source.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::read;

    fn ticket(subject: &str, body: &str) -> Ticket {
        Ticket { id: "1".into(), subject: Some(subject.into()), body: Some(body.into()), ..Ticket::default() }
    }

    #[test]
    fn subject_and_body_become_one_text() {
        assert_eq!(
            compose(&read(&ticket("VPN down", "Since 9 this morning."))).text(),
            "VPN down\n\nSince 9 this morning."
        );
        assert_eq!(compose(&read(&ticket("VPN down", "VPN down"))).text(), "VPN down");
        assert_eq!(compose(&read(&ticket("", "VPN down"))).text(), "VPN down");
    }

    #[test]
    fn long_text_keeps_head_and_tail_and_counts_the_cut() {
        let Bounded { text, left_out, cut } =
            head_and_tail(&format!("{}{}", "a".repeat(900), "é".repeat(300)), 800);
        assert!(text.starts_with("aaa") && text.ends_with("ééé"));
        assert_eq!((text.chars().count(), left_out.chars().count(), cut), (801, 400, 400));
    }
}
