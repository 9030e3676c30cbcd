//! The names of HTML that the normaliser knows; data only. Tables searched by halves say that they are sorted.

/// HTML elements, sorted. What is not here is text in angle brackets.
pub(super) const ELEMENTS: &[&str] = &[
    "a", "abbr", "address", "article", "aside", "audio", "b", "base", "basefont", "bdi", "bdo", "big",
    "blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup",
    "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "font",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "img", "input",
    "ins", "kbd", "label", "legend", "li", "link", "main", "map", "mark", "meta", "nav", "nobr", "noscript",
    "object", "ol", "option", "p", "pre", "q", "s", "samp", "script", "section", "select", "small", "span",
    "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template",
    "textarea", "tfoot", "th", "thead", "time", "title", "tr", "tt", "u", "ul", "var", "video", "xml",
];

/// Elements that start and end a line, sorted.
pub(super) const BLOCKS: &[&str] = &[
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li",
    "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
];

/// Namespaces of the elements that Office writes, as in `o:p`.
pub(super) const OFFICE_PREFIXES: &[&str] = &["o", "v", "w", "m", "x", "st1", "u1", "u2", "u3"];

/// Elements whose text no reader sees.
pub(super) const HIDDEN: &[&str] =
    &["script", "style", "title", "template", "svg", "noscript", "object", "xml"];

/// Parts of the class or id of an element that holds the mail being answered.
pub(super) const QUOTE_CLASSES: &[&str] = &[
    "gmail_quote", "gmail_attr", "yahoo_quoted", "protonmail_quote", "zmail_extra", "moz-cite-prefix",
    "tutanota_quote",
];

/// Ends of the class or id of an element below which the mail stands that is answered or passed on.
pub(super) const SEPARATOR_CLASSES: &[&str] =
    &["divRplyFwdMsg", "ms-outlook-mobile-reference-message", "OLK_SRC_BODY_SECTION"];

/// Elements that have no end tag, sorted.
pub(super) const VOID: &[&str] = &["base", "br", "col", "hr", "img", "input", "link", "meta"];

/// Styles that hide an element, without blanks. A number goes on where a digit or a point follows.
pub(super) const HIDING_STYLES: &[&str] = &[
    "display:none", "visibility:hidden", "mso-hide:all", "max-height:0", "font-size:0", "opacity:0",
    "max-width:0", "font-size:1px", "left:-9999px", "text-indent:-9999px",
];

/// Classes of an element that shows in a list of mails only.
pub(super) const HIDDEN_CLASSES: &[&str] = &["preheader", "preview-text", "mcnPreviewText"];

/// Class or id of an element that holds a signature.
pub(super) const SIGNATURE_CLASSES: &[&str] = &[
    "gmail_signature", "Signature", "ms-outlook-mobile-signature", "moz-signature",
    "protonmail_signature_block",
];

/// The same of a program that repeats it with each line that is typed.
pub(super) const CLONED_CLASS: &str = "AppleMailSignature";
