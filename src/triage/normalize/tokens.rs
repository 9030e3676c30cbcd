//! The HTML tokenizer, kept from running out of stack.
//!
//! html5gum 0.9 reads `a="b"` after `a="b"` by states that call each other directly, so that one tag with
//! some ten thousand attributes overflows the stack. The guard ends its input at the first tag beyond
//! [`MAX_ATTRIBUTES`] and starts afresh behind that tag.

use std::cell::Cell;
use std::convert::Infallible;
use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Emitter, ForwardingEmitter, Readable, Reader, Span, StringReader, Tokenizer};

/// More than any mail program writes, and few enough for the smallest stack.
const MAX_ATTRIBUTES: usize = 256;

/// Hands every event of `html` to `sink`, with the byte range it came from. The range is the tokenizer's
/// word: it may need to be brought to character borders.
pub(super) fn tokenize(html: &str, mut sink: impl FnMut(&CallbackEvent<'_>, Range<usize>)) {
    let mut start = 0;
    while start < html.len() {
        let stop = Cell::new(false);
        let (mut attributes, mut reached) = (0, start);
        let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| {
            match event {
                CallbackEvent::AttributeName { .. } => attributes += 1,
                CallbackEvent::AttributeValue { .. } | CallbackEvent::Error(_) => {}
                _ => attributes = 0,
            }
            stop.set(stop.get() || attributes > MAX_ATTRIBUTES);
            reached = start + span.end;
            sink(&event, start + span.start..reached);
            None::<Infallible>
        });
        // Scripts and styles hold text that only looks like tags.
        emitter.naively_switch_states(true);
        let reader = Guarded { html: html[start..].to_reader(), stop: &stop };
        let Ok(()) = Tokenizer::new_with_emitter(reader, Unchecked { emitter, stop: &stop }).finish();
        let rest = html.as_bytes().get(reached..).filter(|_| stop.get()).unwrap_or_default();
        let Some(end) = rest.iter().position(|&b| b == b'>') else { return };
        start = reached + end + 1;
    }
}

/// Looks at no character for faults, which takes time. Once the input is cut off, faults are told: the last of them says where.
struct Unchecked<'a, E> {
    emitter: E,
    stop: &'a Cell<bool>,
}

impl<E: Emitter> ForwardingEmitter for Unchecked<'_, E> {
    type Token = E::Token;

    fn inner(&mut self) -> &mut impl Emitter<Token = E::Token> {
        &mut self.emitter
    }

    fn should_emit_errors(&mut self) -> bool {
        self.stop.get()
    }
}

/// Ends when it is told to.
struct Guarded<'a> {
    html: StringReader<'a>,
    stop: &'a Cell<bool>,
}

impl Reader for Guarded<'_> {
    type Error = Infallible;

    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        if self.stop.get() { Ok(None) } else { self.html.read_byte() }
    }

    fn try_read_string(&mut self, s: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        if self.stop.get() { Ok(false) } else { self.html.try_read_string(s, case_sensitive) }
    }

    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        buffer: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, Infallible> {
        if self.stop.get() { Ok(None) } else { self.html.read_until(needle, buffer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_with_too_many_attributes_is_passed_over() {
        let html = format!("a<p {}>b<i>c", "x=\"\" ".repeat(100_000));
        let mut seen = Vec::new();
        tokenize(&html, |event, range| match event {
            CallbackEvent::String { value } => {
                seen.push((String::from_utf8_lossy(value).into_owned(), range));
            }
            CallbackEvent::CloseStartTag { .. } => seen.push((">".into(), range)),
            _ => {}
        });
        let end = html.len();
        assert_eq!(seen.iter().map(|(text, _)| text.as_str()).collect::<String>(), "ab>c");
        assert_eq!(seen[1].1, end - 5..end - 4);
        assert_eq!(seen[3].1, end - 1..end);
    }
}
