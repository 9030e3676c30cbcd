//! Which encoding bytes are in, from the bytes alone.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// UTF-16 without a byte-order mark: western text has a NUL in every other byte.
pub(crate) fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.len() / 2;
    let nuls = |at: usize| head.chunks_exact(2).filter(|pair| pair[at] == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    // Half of one side and next to none of the other: stray NULs in 8-bit text fall on both sides.
    let (many, few) = (pairs / 2, pairs / 20);
    match () {
        () if pairs < 4 => None,
        () if odd > many && even <= few => Some(UTF_16LE),
        () if even > many && odd <= few => Some(UTF_16BE),
        () => None,
    }
}

/// The encoding of a sample that begins at the first byte beyond ASCII; `whole` says that no more follows.
/// UTF-8 with a few bad bytes (a text cut by a database column) is still UTF-8.
pub(crate) fn of_sample(sample: &[u8], whole: bool) -> &'static Encoding {
    let (mut good, mut bad) = (0usize, 0usize);
    let mut chunks = sample.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        let cut_off = !whole && chunks.peek().is_none();
        bad += usize::from(!chunk.invalid().is_empty() && !cut_off);
    }
    if bad == 0 || good > 4 * bad {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, whole);
    detector.guess(None, Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::WINDOWS_1252;

    #[test]
    fn utf16_shows_by_its_nuls() {
        let le: Vec<u8> = "id,subject\n1,Größe".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "id,subject\n1,Größe".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(utf16_without_mark(&le), Some(UTF_16LE));
        assert_eq!(utf16_without_mark(&be), Some(UTF_16BE));
        assert_eq!(utf16_without_mark(b"id,subject\n1,a\0b\0\0c"), None);
        assert_eq!(utf16_without_mark(b""), None);
    }

    #[test]
    fn a_cut_or_damaged_utf8_text_stays_utf8() {
        let text = "Größenänderung für Müller – übermäßig".as_bytes();
        assert_eq!(of_sample(&text[..text.len() - 3], true), UTF_8);
        let mut damaged = text.to_vec();
        damaged.push(0xff);
        assert_eq!(of_sample(&damaged, true), UTF_8);
        assert_eq!(of_sample(b"\xc3", false), UTF_8);
        assert_eq!(of_sample(b"\xe4nderung f\xfcr M\xfcller", true), WINDOWS_1252);
    }
}
