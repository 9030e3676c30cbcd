//! JSON as .NET writes it: Autotask may sign a form whose strings have more escapes than the bytes that it sends.

/// How the digits of an escape may be written: .NET's serializers differ.
pub(super) const FORMS: [Hex; 2] = [Hex::Upper, Hex::Lower];

/// The case of hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hex {
    Upper,
    Lower,
}

/// `json` with `& < > ' " \` +` and all non-ASCII characters in its strings escaped as `\uXXXX`. Existing escapes are kept, except that of
/// a quotation mark.
pub(super) fn escaped(json: &str, hex: Hex) -> String {
    let mut out = String::with_capacity(json.len());
    let mut inside = false;
    let mut rest = json.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                inside = !inside;
                out.push(c);
            }
            '\\' if inside => match rest.next() {
                Some('"') => unit(&mut out, '"', hex),
                next => {
                    out.push(c);
                    out.extend(next);
                }
            },
            '&' | '<' | '>' | '\'' | '`' | '+' if inside => unit(&mut out, c, hex),
            c if inside && !c.is_ascii() => unit(&mut out, c, hex),
            c => out.push(c),
        }
    }
    out
}

fn unit(out: &mut String, c: char, hex: Hex) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&match hex {
            Hex::Upper => format!("\\u{unit:04X}"),
            Hex::Lower => format!("\\u{unit:04x}"),
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_are_written_as_dot_net_does_and_the_rest_stays() {
        for (given, wanted) in [
            (r#"{"a<b": "R&D's <Büro>"}"#, r#"{"a\u003Cb": "R\u0026D\u0027s \u003CB\u00FCro\u003E"}"#),
            (r#"{"a": "say \"no\" + `1`"}"#, r#"{"a": "say \u0022no\u0022 \u002B \u00601\u0060"}"#),
            (r#"{"a": "C:\\x\\", "b": 1e+5}"#, r#"{"a": "C:\\x\\", "b": 1e+5}"#),
            (r#"{"a": "é\né"}"#, r#"{"a": "\u00E9\n\u00E9"}"#),
            (r#"["日本 😀"]"#, r#"["\u65E5\u672C \uD83D\uDE00"]"#),
            (r#"{"a": "open \"#, r#"{"a": "open \"#),
            ("", ""),
        ] {
            assert_eq!(escaped(given, Hex::Upper), wanted);
        }
        assert_eq!(escaped(r#"["é<"]"#, Hex::Lower), r#"["\u00e9\u003c"]"#);
    }

    proptest! {
        #[test]
        fn it_says_the_same_and_is_ascii(texts in proptest::collection::vec(any::<String>(), 0..4)) {
            let json = serde_json::to_string(&texts).unwrap();
            for hex in FORMS {
                let escaped = escaped(&json, hex);
                prop_assert!(escaped.is_ascii());
                prop_assert_eq!(&serde_json::from_str::<Vec<String>>(&escaped).unwrap(), &texts);
            }
        }
    }
}
