//! Tickets' texts as somebody hostile would write them: plain, HTML, quoted, damaged. Must not panic, must not take long, and
//! every offset must lead back into the original.
#![no_main]

use firstline_triage::normalize::normalize;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let original = String::from_utf8_lossy(bytes);
    let out = normalize(&original);
    let (mut written, mut read) = (0, 0);
    for segment in out.segments() {
        assert_eq!(segment.output.start, written);
        assert!(segment.source.start >= read);
        let source = original.get(segment.source.clone()).expect("a source range slices the original");
        let text = out.text.get(segment.output.clone()).expect("an output range slices the text");
        assert!(!segment.verbatim || source == text);
        written = segment.output.end;
        read = if segment.verbatim { segment.source.end } else { segment.source.start };
    }
    assert_eq!(written, out.text.len());
    assert!(out.text.lines().all(|line| line == line.trim()), "{:?}", out.text);
});
