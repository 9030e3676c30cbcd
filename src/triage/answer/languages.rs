//! The languages whose replies are understood, each with a file of its own.
//!
//! A language without a file confirms nothing.

use std::sync::LazyLock;

use super::grammar::Grammar;

/// The files.
const FILES: [(&str, &str); 7] = [
    ("en", include_str!("languages/en.toml")),
    ("de", include_str!("languages/de.toml")),
    ("fr", include_str!("languages/fr.toml")),
    ("es", include_str!("languages/es.toml")),
    ("pt", include_str!("languages/pt.toml")),
    ("nl", include_str!("languages/nl.toml")),
    ("it", include_str!("languages/it.toml")),
];

/// The grammars. A file that can't be read has none; a test sees to it that all can be.
pub(super) static LANGUAGES: LazyLock<Vec<Grammar>> = LazyLock::new(|| {
    FILES.iter().filter_map(|(language, text)| Grammar::read(language, text).ok()).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read() {
        for (language, text) in FILES {
            Grammar::read(language, text).unwrap_or_else(|why| panic!("{language}: {why}"));
        }
    }
}
