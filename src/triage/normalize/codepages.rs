//! The code pages in which UTF-8 is misread, from character back to byte.
//!
//! Must never know a character that its page does not have.

use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1254};

/// The upper halves of the two pages of DOS, which no encoding of the web has.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// One code page.
#[derive(Debug)]
pub(super) struct Codepage {
    /// Which one.
    pub(super) name: Name,
    bytes: Vec<(char, u8)>,
}

/// The pages that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Western,
    Turkish,
    Central,
    Cyrillic,
    Dos437,
    Dos850,
    Mac,
}

/// The pages, the commonest first.
pub(super) static CODEPAGES: LazyLock<[Codepage; 7]> = LazyLock::new(|| {
    [
        Codepage::web(Name::Western, WINDOWS_1252),
        Codepage::web(Name::Turkish, WINDOWS_1254),
        Codepage::web(Name::Central, WINDOWS_1250),
        Codepage::web(Name::Cyrillic, WINDOWS_1251),
        Codepage::new(Name::Dos437, CP437),
        Codepage::new(Name::Dos850, CP850),
        Codepage::web(Name::Mac, MACINTOSH),
    ]
});

impl Codepage {
    fn web(name: Name, encoding: &'static Encoding) -> Self {
        let bytes: Vec<u8> = (0x80..=0xff).collect();
        let (text, _) = encoding.decode_without_bom_handling(&bytes);
        Self::new(name, &text)
    }

    fn new(name: Name, upper: &str) -> Self {
        let mut bytes: Vec<(char, u8)> =
            upper.chars().zip(0x80..=0xff).filter(|&(c, _)| c != '\u{fffd}').collect();
        if name == Name::Western {
            // Latin-1 leaves control characters where Windows-1252 has signs.
            bytes.extend((0x80..=0x9f).map(|byte| (char::from(byte), byte)));
        }
        bytes.sort_unstable();
        bytes.dedup_by_key(|&mut (c, _)| c);
        Self { name, bytes }
    }

    /// The byte that `c` was read from, if one of the upper half.
    pub(super) fn byte(&self, c: char) -> Option<u8> {
        let at = self.bytes.binary_search_by_key(&c, |&(c, _)| c).ok()?;
        Some(self.bytes[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_upper_half() {
        for page in CODEPAGES.iter() {
            assert!((120..=160).contains(&page.bytes.len()), "{:?}: {}", page.name, page.bytes.len());
        }
        let of = |name| CODEPAGES.iter().find(|page| page.name == name).unwrap();
        assert_eq!(of(Name::Dos437).byte('├'), Some(0xc3));
        assert_eq!(of(Name::Dos850).byte('Ô'), Some(0xe2));
        assert_eq!(of(Name::Mac).byte('√'), Some(0xc3));
        assert_eq!(of(Name::Cyrillic).byte('Р'), Some(0xd0));
        assert_eq!(of(Name::Western).byte('\u{9d}'), Some(0x9d));
    }
}
