//! Aligns decoded character references with their source: `&eacute;` with `é`.

use std::convert::Infallible;
use std::ops::Range;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// Longer than any named reference; a longer numeric one is aligned coarsely.
const MAX_REFERENCE: usize = 40;

/// Splits a text run of the tokenizer's into verbatim pieces (`None`) and decoded ones. `value` is what the
/// tokenizer made of `html[range]`. Where the two cannot be aligned, the rest is one decoded piece.
pub(super) fn pieces(
    html: &str,
    range: Range<usize>,
    value: &str,
    mut piece: impl FnMut(Range<usize>, Option<&str>),
) {
    let (mut at, mut value) = (range.start, value);
    while at < range.end {
        let raw = &html[at..range.end];
        let plain = raw.find('&').unwrap_or(raw.len());
        let Some(rest) = value.strip_prefix(&raw[..plain]) else { break };
        if plain > 0 {
            piece(at..at + plain, None);
        }
        (at, value) = (at + plain, rest);
        if at == range.end {
            break;
        }
        let reference = reference(&html[at..range.end]);
        let decoded = decode(reference);
        let Some(rest) = value.strip_prefix(decoded.as_str()) else { break };
        let unchanged = decoded == reference;
        piece(at..at + reference.len(), (!unchanged).then_some(&decoded));
        (at, value) = (at + reference.len(), rest);
    }
    if !value.is_empty() {
        piece(at..range.end, Some(value));
    }
}

/// The longest stretch from the `&` that `text` starts with that may be one reference.
pub(super) fn reference(text: &str) -> &str {
    let name =
        text.bytes().skip(1).take(MAX_REFERENCE).take_while(|&b| b.is_ascii_alphanumeric() || b == b'#');
    let end = 1 + name.count();
    &text[..end + usize::from(text[end..].starts_with(';'))]
}

pub(super) fn decode(reference: &str) -> String {
    match reference {
        "&amp;" => "&".into(),
        "&lt;" => "<".into(),
        "&gt;" => ">".into(),
        "&quot;" => "\"".into(),
        "&nbsp;" => "\u{a0}".into(),
        _ => decode_any(reference),
    }
}

fn decode_any(reference: &str) -> String {
    let mut decoded = String::new();
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
        if let CallbackEvent::String { value } = event {
            decoded.push_str(&String::from_utf8_lossy(value));
        }
        None::<Infallible>
    });
    let Ok(()) = Tokenizer::new_with_emitter(reference, emitter).finish();
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(html: &str, value: &str) -> Vec<(String, Option<String>)> {
        let mut all = Vec::new();
        pieces(html, 0..html.len(), value, |range, new| {
            all.push((html[range].to_owned(), new.map(str::to_owned)));
        });
        all
    }

    #[test]
    fn references_are_found_one_by_one() {
        let got = collect("a&lt;b &x & &eacute;", "a<b &x & é");
        let want = [("a", None), ("&lt;", Some("<")), ("b ", None), ("&x", None), (" ", None), ("&", None)];
        for ((raw, new), (want_raw, want_new)) in got.iter().zip(want) {
            assert_eq!((raw.as_str(), new.as_deref()), (want_raw, want_new));
        }
        assert_eq!(got.last(), Some(&("&eacute;".into(), Some("é".into()))));
    }

    #[test]
    fn what_cannot_be_aligned_is_one_piece() {
        let got = collect("ok &lt; rest", "ok ? rest");
        assert_eq!(got, [("ok ".into(), None), ("&lt; rest".into(), Some("? rest".into()))]);
    }
}
