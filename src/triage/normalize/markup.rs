//! HTML mail to the plain text that a mail reader would show, in the conventions of plain-text mail: quoted
//! parts get `> `, and what a mail program marks as the mail that is answered `>> `; a signature gets a delimiter. So one set of rules
//! serves both.
//!
//! No tree and no recursion: depth is a counter, and a million open elements cost nothing. Must never drop
//! text that a reader sees; what is in angle brackets but is no element stays.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use html5gum::emitters::callback::CallbackEvent;

use super::elements::{
    BLOCKS, CLONED_CLASS, HIDDEN, HIDDEN_CLASSES, HIDING_STYLES, QUOTE_CLASSES, SEPARATOR_CLASSES,
    SIGNATURE_CLASSES, VOID,
};
use super::entity;
use super::html::{is_element, tag_name};
use super::lines::{ENDED, MARKED};
use super::removed::{Kind, Removed};
use super::text::{Editor, Text};
use super::tokens;

/// The line that stands for Outlook's border between a mail and the one it answers.
const SEPARATOR: &str = "-----Original Message-----";

/// Finds the styles that hide.
static HIDING: LazyLock<AhoCorasick> = LazyLock::new(|| match AhoCorasick::new(HIDING_STYLES) {
    Ok(found) => found,
    // The list is part of the program, and tested.
    Err(error) => unreachable!("hiding styles: {error}"),
});

/// The line that Outlook draws above a mail that is answered.
const RULE: &str = "________";
/// Bytes below such a border in which the old mail's headers start.
const HEADERS_NEAR: usize = 700;

/// The text of an HTML mail. The input must have no carriage returns and no NULs.
pub(super) fn to_text(html: &Text, removed: &mut Removed) -> Text {
    let mut writer = Writer::new(html);
    tokens::tokenize(html.as_str(), |event, range| writer.event(event, range));
    for range in std::mem::take(&mut writer.unseen) {
        removed.cut(Kind::Hidden, range.len(), html.source(range));
    }
    writer.finish()
}

/// A start tag as far as it has been read.
#[derive(Default)]
struct Tag {
    name: String,
    start: usize,
    attribute: Attribute,
    quote: bool,
    separator: bool,
    signature: bool,
    /// Whether its mark is of a program that repeats it.
    cloned: bool,
    office: bool,
    /// Whether its style or an attribute hides it.
    unseen: bool,
    /// Whether it draws a border above itself.
    bordered: bool,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Attribute {
    Naming,
    Style,
    Type,
    #[default]
    Other,
}

/// An element that no reader sees: its name, how many of the name are open in it, and where it starts.
struct Unseen {
    name: String,
    depth: usize,
    start: usize,
}

struct Writer<'a> {
    html: &'a str,
    editor: Editor<'a>,
    /// Everything before has been read.
    read: usize,
    tag: Tag,
    /// Line breaks at the end of what was written; two at the start, so that no text starts with a break.
    breaks: usize,
    bullet: bool,
    hidden: Option<&'static str>,
    hiding: Option<Unseen>,
    /// The name of an element that holds a signature, and how many of the name are open in it.
    signing: Option<(String, usize)>,
    /// Ranges of what no reader sees.
    unseen: Vec<Range<usize>>,
    /// Where the last end tag of an element stands, by its name.
    last_ends: HashMap<String, usize>,
    preformatted: usize,
    divs: usize,
    blockquotes: usize,
    /// Depth of the `div` that holds a quotation.
    quote_div: Option<usize>,
    /// Depth of the `blockquote` that a mail program marked as the mail that is answered.
    cited: Option<usize>,
}

impl<'a> Writer<'a> {
    fn new(html: &'a Text) -> Self {
        Self {
            html: html.as_str(),
            editor: Editor::new(html),
            read: 0,
            tag: Tag::default(),
            breaks: 2,
            bullet: false,
            hidden: None,
            hiding: None,
            signing: None,
            unseen: Vec::new(),
            last_ends: HashMap::new(),
            preformatted: 0,
            divs: 0,
            blockquotes: 0,
            quote_div: None,
            cited: None,
        }
    }

    /// Whether an end tag of the element stands at or behind `at`: without one, hiding it would swallow the mail.
    fn ends_behind(&mut self, name: &str, at: usize) -> bool {
        let html = self.html;
        let end = self.last_ends.entry(name.to_owned()).or_insert_with(|| {
            html.rmatch_indices("</")
                .find(|(end, _)| {
                    html.as_bytes()[end + 2..]
                        .get(..name.len())
                        .is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
                })
                .map_or(0, |(end, _)| end)
        });
        at <= *end
    }

    fn event(&mut self, event: &CallbackEvent<'_>, span: Range<usize>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                // A mail has thousands of tags: one buffer takes all names.
                let mut buffer = std::mem::take(&mut self.tag.name);
                buffer.clear();
                buffer.push_str(&String::from_utf8_lossy(name));
                self.tag = Tag { name: buffer, start: span.start, ..Tag::default() };
            }
            CallbackEvent::AttributeName { name } => {
                self.tag.unseen |= *name == b"hidden";
                self.tag.attribute = match *name {
                    b"class" | b"id" => Attribute::Naming,
                    b"style" => Attribute::Style,
                    b"type" => Attribute::Type,
                    _ => Attribute::Other,
                };
            }
            CallbackEvent::AttributeValue { value } => self.tag.valued(&String::from_utf8_lossy(value)),
            CallbackEvent::CloseStartTag { .. } => {
                let tag = std::mem::take(&mut self.tag);
                let range = self.claim(tag.start..span.end);
                self.start_tag(&tag, range);
                self.tag.name = tag.name;
            }
            CallbackEvent::EndTag { name } => {
                let range = self.claim(span);
                self.end_tag(&String::from_utf8_lossy(name), range);
            }
            CallbackEvent::String { value } => {
                let range = self.claim(span);
                self.string(range, &String::from_utf8_lossy(value));
            }
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } => {
                self.claim(span);
            }
            CallbackEvent::Error(_) => {}
        }
    }

    /// Makes a range of the tokenizer's safe to slice by and in order.
    fn claim(&mut self, range: Range<usize>) -> Range<usize> {
        let start = self.html.floor_char_boundary(range.start.max(self.read));
        let end = self.html.ceil_char_boundary(range.end.clamp(start, self.html.len()));
        self.read = end;
        start..end
    }

    fn start_tag(&mut self, tag: &Tag, at: Range<usize>) {
        let name = tag.name.as_str();
        if self.hidden.is_some() || self.goes_on_unseen(name, &at) {
            return;
        }
        if !is_element(name) {
            return self.verbatim(at);
        }
        if tag.unseen && VOID.binary_search(&name).is_err() && self.ends_behind(name, at.end) {
            self.hiding = Some(Unseen { name: name.to_owned(), depth: 1, start: at.end });
            return;
        }
        if let Some(&hidden) = HIDDEN.iter().find(|&&h| h == name) {
            // Office's settings in `<xml>`: unclosed, it would swallow the mail.
            let closed = name != "xml" || self.ends_behind(name, at.end);
            self.hidden = closed.then_some(hidden);
            return;
        }
        let signs = self.goes_on_signed(tag, &at);
        self.break_for(name, tag.office, at.clone());
        match name {
            "pre" => self.preformatted += 1,
            "li" => self.bullet = true,
            "blockquote" => {
                self.blockquotes += 1;
                if tag.quote {
                    self.cited.get_or_insert(self.blockquotes);
                }
            }
            "div" => {
                self.divs += 1;
                if tag.quote && self.quote_div.is_none() {
                    self.quote_div = Some(self.divs);
                }
            }
            _ => {}
        }
        if tag.separator {
            self.line(SEPARATOR, at);
        } else if signs {
            self.line(MARKED, at);
        } else if tag.bordered && self.headers_near(at.end) {
            self.line(RULE, at);
        }
    }

    /// Writes a line of the program's own.
    fn line(&mut self, words: &str, at: Range<usize>) {
        self.break_lines(1, at.clone());
        self.insert(at.clone(), words);
        self.break_lines(1, at);
    }

    /// Takes note of a tag in a signature, which a quotation ends; true where one starts.
    fn goes_on_signed(&mut self, tag: &Tag, at: &Range<usize>) -> bool {
        let name = tag.name.as_str();
        match &mut self.signing {
            Some((open, _))
                if tag.quote || tag.separator || name == "blockquote" || (open == "p" && name == "p") =>
            {
                self.signing = None;
                self.line(ENDED, at.clone());
                false
            }
            Some((open, depth)) => {
                *depth += usize::from(open == name);
                false
            }
            None => {
                let signs = tag.signature
                    && !tag.separator
                    && VOID.binary_search(&name).is_err()
                    && !(tag.cloned && self.is_repeated(at.end));
                self.signing = signs.then(|| (name.to_owned(), 1));
                signs
            }
        }
    }

    /// Whether the same mail holds a signature again: the program that repeats its mark with each line that is typed means the last.
    fn is_repeated(&self, at: usize) -> bool {
        let rest = &self.html[at..];
        rest.find(CLONED_CLASS).is_some_and(|next| !rest[..next].contains("<blockquote"))
    }

    /// Whether a bold word with a colon, and a line break, stand right behind `at`.
    fn headers_near(&self, at: usize) -> bool {
        let near = &self.html[at..self.html.floor_char_boundary(at + HEADERS_NEAR)];
        let bold = near.contains("<b>") || near.contains("<strong>") || near.contains("bold");
        bold && near.contains(':') && near.contains("<br")
    }

    /// Whether the tag stands in an element that no reader sees; the next paragraph ends one that has no end tag.
    fn goes_on_unseen(&mut self, name: &str, at: &Range<usize>) -> bool {
        let Some(hiding) = &mut self.hiding else { return false };
        if hiding.name != name {
            return true;
        }
        if name == "p" || name == "li" {
            let start = hiding.start;
            self.unseen.push(start..at.start);
            self.hiding = None;
            return false;
        }
        hiding.depth += 1;
        true
    }

    fn end_tag(&mut self, name: &str, at: Range<usize>) {
        if let Some(hidden) = self.hidden {
            if hidden == name {
                self.hidden = None;
            }
            return;
        }
        if let Some(hiding) = &mut self.hiding {
            hiding.depth -= usize::from(hiding.name == name);
            if hiding.depth == 0 {
                let start = hiding.start;
                self.unseen.push(start..at.start);
                self.hiding = None;
            }
            return;
        }
        if !is_element(name) {
            return self.verbatim(at);
        }
        if let Some((open, depth)) = &mut self.signing {
            *depth -= usize::from(open == name);
            if *depth == 0 {
                self.signing = None;
                self.line(ENDED, at.clone());
            }
        }
        match name {
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            "blockquote" => {
                if self.cited == Some(self.blockquotes) {
                    self.cited = None;
                }
                self.blockquotes = self.blockquotes.saturating_sub(1);
            }
            "div" => {
                if self.quote_div == Some(self.divs) {
                    self.quote_div = None;
                }
                self.divs = self.divs.saturating_sub(1);
            }
            _ => {}
        }
        // A line break has no end tag, and a cell's gap stands before it.
        if !matches!(name, "br" | "td" | "th") {
            self.break_for(name, true, at);
        }
    }

    /// The white space that an element starts or ends with. Office sets its paragraphs without a gap.
    fn break_for(&mut self, name: &str, office: bool, at: Range<usize>) {
        match name {
            "br" if self.breaks < 2 => {
                self.editor.put(at, "\n");
                self.breaks += 1;
            }
            "p" if !office => self.break_lines(2, at),
            "td" | "th" if self.breaks == 0 => self.editor.put(at, "\t"),
            "span" | "o:p" | "b" | "a" => {}
            _ if BLOCKS.binary_search(&name).is_ok() => self.break_lines(1, at),
            _ => {}
        }
    }

    fn break_lines(&mut self, wanted: usize, at: Range<usize>) {
        for _ in self.breaks..wanted {
            self.editor.put(at.clone(), "\n");
        }
        self.breaks = self.breaks.max(wanted);
    }

    fn string(&mut self, range: Range<usize>, value: &str) {
        if self.hidden.is_some() || self.hiding.is_some() {
            return;
        }
        let html = self.html;
        entity::pieces(html, range, value, |piece, decoded| match decoded {
            None => self.verbatim(piece),
            Some(text) => self.insert(piece, text),
        });
    }

    /// Writes a stretch of the source as it stands, its line breaks as spaces.
    fn verbatim(&mut self, range: Range<usize>) {
        let mut from = range.start;
        for part in self.html[range].split_inclusive('\n') {
            let to = from + part.len();
            let at_start = self.breaks > 0 && self.preformatted == 0;
            let lead = if at_start { part.len() - part.trim_ascii_start().len() } else { 0 };
            if lead < part.len() && (self.breaks == 0 || !part.trim_ascii().is_empty()) {
                self.start_line(from + lead);
                self.editor.keep(from + lead..to - usize::from(part.ends_with('\n')));
            }
            if part.ends_with('\n') {
                self.source_break(to - 1..to);
            }
            from = to;
        }
    }

    fn source_break(&mut self, at: Range<usize>) {
        if self.preformatted > 0 && self.breaks < 2 {
            self.editor.put(at, "\n");
            self.breaks += 1;
        } else if self.breaks == 0 {
            self.editor.put(at, " ");
        }
    }

    fn insert(&mut self, at: Range<usize>, text: &str) {
        self.start_line(at.start);
        self.editor.put(at, if text == "\n" { " " } else { text });
    }

    /// What a line starts with, before its first word.
    fn start_line(&mut self, at: usize) {
        if self.breaks > 0 && (self.cited.is_some() || self.quote_div.is_some()) {
            self.editor.put(at..at, ">> ");
        } else if self.breaks > 0 && self.blockquotes > 0 {
            self.editor.put(at..at, "> ");
        }
        if std::mem::take(&mut self.bullet) {
            self.editor.put(at..at, "- ");
        }
        self.breaks = 0;
    }

    /// Ends the text: a tag that the end cut short stays if it is none, as in `a <b and c`.
    fn finish(mut self) -> Text {
        let rest = self.html.get(self.read..).unwrap_or_default();
        let is_tag = rest.strip_prefix('<').is_some_and(|tag| is_element(tag_name(tag).0));
        if self.hidden.is_none()
            && self.hiding.is_none()
            && rest.starts_with('<')
            && !rest.starts_with("<!")
            && !is_tag
        {
            self.verbatim(self.read..self.html.len());
        }
        self.editor.finish()
    }
}

impl Tag {
    /// Takes note of an attribute's value.
    fn valued(&mut self, value: &str) {
        match self.attribute {
            Attribute::Naming => self.named(value),
            Attribute::Style => self.styled(value),
            Attribute::Type => self.quote |= value.eq_ignore_ascii_case("cite"),
            Attribute::Other => {}
        }
    }

    fn styled(&mut self, value: &str) {
        if !value.split(':').skip(1).any(may_tell) {
            return;
        }
        let style: String =
            value.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
        let goes_on = |rest: &str| rest.starts_with(|c: char| c == '.' || c.is_ascii_digit());
        self.unseen |= HIDING.find_overlapping_iter(&style).any(|found| !goes_on(&style[found.end()..]));
        let border = style.split(';').find_map(|part| part.strip_prefix("border-top:"));
        self.bordered |=
            border.is_some_and(|border| border.contains("solid")) && style.contains("border:none");
    }

    /// Takes note of the class or id by which mail programs mark their parts.
    fn named(&mut self, value: &str) {
        self.quote |= QUOTE_CLASSES.iter().any(|class| value.contains(class));
        self.unseen |= HIDDEN_CLASSES.contains(&value);
        if value.contains("ignature") {
            let mut names = value.split_ascii_whitespace().map(|name| name.trim_start_matches("x_"));
            self.cloned |= names.clone().any(|name| name == CLONED_CLASS);
            self.signature |= self.cloned || names.any(|name| SIGNATURE_CLASSES.contains(&name));
        }
        self.separator |= SEPARATOR_CLASSES.iter().any(|class| value.ends_with(class));
        self.office |= value.starts_with("Mso") || value.starts_with("xmso");
    }
}

/// Whether the value that starts here may be of [`HIDING_STYLES`], or `none`: of most styles, none is.
fn may_tell(value: &str) -> bool {
    let value = value.trim_start();
    let goes_on = |rest: &str| rest.starts_with(|c: char| c == '.' || c.is_ascii_digit());
    value.starts_with(['0', '-', 'n', 'N', 'h', 'H', 'a', 'A'])
        || value.strip_prefix('1').is_some_and(|rest| !goes_on(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        super::super::runs::space(&to_text(&Text::new(html), &mut Removed::default())).as_str().to_owned()
    }

    #[test]
    fn blocks_breaks_lists_and_tables() {
        assert_eq!(text("<div>a</div><div>b<br>c</div>"), "a\nb\nc");
        assert_eq!(text("<p>a\n  b</p>\n<p>c</p>"), "a b\n\nc");
        assert_eq!(text("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>"), "a\nb");
        assert_eq!(text("<ul><li>one</li> <li>two</li></ul>x"), "- one\n- two\nx");
        assert_eq!(text("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"), "a b\nc");
        assert_eq!(text("<pre>a\n b\nc</pre>"), "a\nb\nc");
        assert_eq!(text("x <b>bold</b><i>it</i> y"), "x boldit y");
    }

    #[test]
    fn hidden_parts_go_and_words_stay() {
        let html = "<head><title>T</title><style>p{a:b}</style></head><!-- c --><script>if(a<b)</script>\
                    <xml><w>Normal</w></xml>Hi <a href='https://t.example/x?y'>link</a><img src=x>";
        assert_eq!(text(html), "Hi link");
    }

    #[test]
    fn what_is_no_element_stays() {
        assert_eq!(
            text("<p>ping <server01> or <j@x.com>, 3 < 5, <o:p></o:p>ok</p>"),
            "ping <server01> or <j@x.com>, 3 < 5, ok"
        );
        assert_eq!(text("<p>see <https://x.example/a></p>"), "see <https://x.example/a>");
        assert_eq!(text("<p>a</p> is <broken and c"), "a\nis <broken and c");
        assert_eq!(text("<p>a</p><div style="), "a");
    }

    #[test]
    fn entities_are_decoded_and_mapped() {
        let html = Text::new("<p>T&ouml;ne &amp; &#8364;5 &notit; caf&eacute</p>");
        let out = to_text(&html, &mut Removed::default());
        assert_eq!(out.as_str(), "Töne & €5 ¬it; café\n");
        let changed: Vec<_> =
            out.segments().iter().filter(|s| !s.verbatim).map(|s| &html.as_str()[s.source.clone()]).collect();
        assert_eq!(changed[..5], ["&ouml;", "&amp;", "&#8364;", "&notit;", "&eacute"]);
    }

    #[test]
    fn quoted_parts_are_marked() {
        assert_eq!(text("new<blockquote>old<br>older</blockquote>end"), "new\n> old\n> older\nend");
        assert_eq!(
            text("new<div class=\"gmail_quote\"><div>x</div>y</div><div>z</div>"),
            "new\n>> x\n>> y\nz"
        );
        assert_eq!(
            text("new<div id=\"divRplyFwdMsg\">From: a</div>"),
            "new\n-----Original Message-----\nFrom: a"
        );
    }

    #[test]
    fn what_no_reader_sees_goes() {
        for html in [
            "<div style=\"display:none;max-height:0\">secret <div>offer</div></div>Hi",
            "<p hidden>secret</p><p>Hi</p>",
            "<span style='font-size:0px'>secret</span>Hi",
            "<p style='Display: None'>secret<p>Hi</p>",
            "<!--[if mso]>secret<![endif]--><div style='mso-hide:all'>secret</div>Hi",
        ] {
            assert_eq!(text(html), "Hi", "{html}");
        }
        for html in [
            "<div style='font-size:0.9em'>Hi</div>",
            "<div style='opacity:0.8'>Hi</div>",
            "<div style='display:none'>Hi",
            "<img style='display:none'>Hi<br>",
        ] {
            assert_eq!(text(html), "Hi", "{html}");
        }
    }

    #[test]
    fn every_style_that_hides_may_tell() {
        for style in HIDING_STYLES.iter().chain(&["border:none", "Display : NONE"]) {
            assert!(style.split(':').skip(1).any(may_tell), "{style}");
        }
    }

    #[test]
    fn mail_programs_mark_what_is_answered() {
        assert_eq!(text("a<blockquote type=\"cite\">old</blockquote>b"), "a\n>> old\nb");
        assert_eq!(
            text("a<div class=\"moz-cite-prefix\">Am 4.3. schrieb Jo:</div>"),
            "a\n>> Am 4.3. schrieb Jo:"
        );
        let bordered = "a<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>X:</b> y<br><b>Z:</b> w</p></div>";
        assert_eq!(text(bordered), "a\n________\n\nX: y\nZ: w");
    }
}
