//! Files that pages load: a style sheet, two scripts, an icon. They are part of the program.
//!
//! An address holds a hash of the content, so that a browser may keep the file for ever. Must never hold anything of a desk.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::style::STYLE;

/// A file that pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Its media type.
    pub media: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

pub(crate) const STYLE_CSS: &str = "app.css";
pub(crate) const HTMX_JS: &str = "htmx.js";
pub(crate) const REVIEW_JS: &str = "review.js";
pub(crate) const ICON: &str = "icon.svg";

/// Hexadecimal digits of the hash in an address.
const DIGITS: usize = 16;

/// The style of the application after that of the parts, whose themes can be chosen as well.
static CSS: LazyLock<String> = LazyLock::new(|| {
    let block = |css: &'static str| {
        css.split_once(":root {").and_then(|(_, rest)| rest.split_once('}')).map(|(block, _)| block)
    };
    let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap_or((STYLE, ""));
    let chosen = [("light", light), ("dark", dark)]
        .map(|(name, css)| format!(":root[data-theme=\"{name}\"] {{{}}}\n", block(css).unwrap_or_default()));
    [STYLE, &chosen.concat(), include_str!("assets/app.css"), include_str!("assets/manage.css")].concat()
});

struct File {
    name: &'static str,
    path: String,
    asset: Asset,
}

static FILES: LazyLock<[File; 4]> = LazyLock::new(|| {
    let file = |name, media, bytes: &'static [u8]| {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        File { name, path: format!("/assets/{}-{name}", &hash[..DIGITS]), asset: Asset { media, bytes } }
    };
    [
        file(STYLE_CSS, "text/css; charset=utf-8", CSS.as_bytes()),
        file(HTMX_JS, "text/javascript; charset=utf-8", include_bytes!("vendor/htmx-2.0.11.min.js")),
        file(REVIEW_JS, "text/javascript; charset=utf-8", include_bytes!("assets/review.js")),
        file(ICON, "image/svg+xml", include_bytes!("assets/icon.svg")),
    ]
});

/// The address of the file of this name.
pub(crate) fn path(name: &str) -> &'static str {
    FILES.iter().find(|file| file.name == name).map_or("", |file| &file.path)
}

/// The file at an address, such as `/assets/0123456789abcdef-app.css`.
pub fn asset(path: &str) -> Option<Asset> {
    FILES.iter().find(|file| file.path == path).map(|file| file.asset)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is vendored is what its maker published, as version 2.0.11 of the package `htmx.org`.
    #[test]
    fn htmx_is_the_file_that_was_published() {
        let hash: String = Sha256::digest(include_bytes!("vendor/htmx-2.0.11.min.js"))
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(hash, "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717");
        assert!(include_str!("vendor/htmx-LICENSE").starts_with("Zero-Clause BSD"));
    }

    #[test]
    fn an_address_leads_to_its_file_and_no_other_does() {
        for name in [STYLE_CSS, HTMX_JS, REVIEW_JS, ICON] {
            let found = asset(path(name)).unwrap();
            assert!(!found.bytes.is_empty() && path(name).ends_with(name), "{name}");
        }
        assert_eq!([asset("/assets/app.css"), asset("/assets/0-app.css"), asset("")], [None; 3]);
    }

    #[test]
    fn our_own_script_stays_small_and_nothing_loads_from_elsewhere() {
        let script = include_str!("assets/review.js");
        assert!(script.len() < 10_000, "{} bytes", script.len());
        for far in ["http:", "https:", "//cdn", "eval(", "innerHTML", "new Function"] {
            assert!(!script.contains(far) && !CSS.contains(far), "{far}");
        }
        assert!(!CSS.contains("url(") && !CSS.contains("@import"));
        assert!(CSS.contains(":root[data-theme=\"dark\"] {\n    color-scheme: dark;"));
    }
}
