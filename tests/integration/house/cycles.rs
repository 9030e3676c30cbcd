//! Which modules of a crate import one another in a circle, read from its source: `mod` lines, `use` trees, and the paths in
//! its code that begin with `crate` or `super`. A path is followed through `use` to the module that has the thing.
//!
//! At each level of the module tree, a module stands for all that is below it, so that a folder that needs its neighbour and is
//! needed by it is a circle even where no two files are. What only tests see is left out. It must never pass over a module
//! whose file it does not find.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where a module is in the tree, from the crate's root.
type Place = Vec<String>;

/// Who needs whom at one level, and what shows it.
type Edges = BTreeMap<String, BTreeMap<String, String>>;

/// The modules of a crate by their place.
#[derive(Debug, Default)]
pub(crate) struct Modules(BTreeMap<Place, Module>);

/// What a module's file says.
#[derive(Debug, Default)]
struct Module {
    /// Modules that it declares, each in a file of its own.
    children: Vec<String>,
    /// What its `use` lines bring in: a name, and the path that it stands for.
    uses: Vec<(String, Vec<String>)>,
    /// Paths in its code.
    paths: Vec<Vec<String>>,
}

impl Modules {
    /// The crate in the folder `root`.
    pub(crate) fn read(root: &Path) -> Self {
        Self::load(&|path| std::fs::read_to_string(root.join(path)).ok())
    }

    /// The crate whose files `file` gives by their path.
    fn load(file: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut modules = Self::default();
        modules.add(Vec::new(), "", &file("lib.rs").expect("a crate has a lib.rs"), file);
        modules
    }

    /// Adds the module at `place` with this `text`, and all that are below it in `folder`.
    fn add(&mut self, place: Place, folder: &str, text: &str, file: &dyn Fn(&str) -> Option<String>) {
        let module = Module::parse(&tokens(text));
        for child in &module.children {
            let below = format!("{folder}{child}/");
            let text = file(&format!("{folder}{child}.rs")).or_else(|| file(&format!("{below}mod.rs")));
            let text = text.unwrap_or_else(|| panic!("no file of the module {folder}{child}"));
            self.add([&place[..], std::slice::from_ref(child)].concat(), &below, &text, file);
        }
        self.0.insert(place, module);
    }

    /// The circles, each with the edges that make it; none in a crate that has none.
    pub(crate) fn cycles(&self) -> Vec<String> {
        let mut levels: BTreeMap<Place, Edges> = BTreeMap::new();
        for (place, module) in &self.0 {
            for path in module.uses.iter().map(|(_, path)| path).chain(&module.paths) {
                let Some(target) = self.follow(place, path, &mut BTreeSet::new()) else { continue };
                let shared = place.iter().zip(&target).take_while(|(a, b)| a == b).count();
                let (Some(from), Some(to)) = (place.get(shared), target.get(shared)) else { continue };
                let edges =
                    levels.entry(place[..shared].to_vec()).or_default().entry(from.clone()).or_default();
                let shown = || format!("{} has {}", place.join("::"), path.join("::"));
                edges.entry(to.clone()).or_insert_with(shown);
            }
        }
        levels.iter().flat_map(|(level, edges)| circles(&level.join("::"), edges)).collect()
    }

    /// The module that `path` leads to from the one at `place`, through the `use` lines that are not in `seen`; `None` where it
    /// leads out of the crate.
    fn follow(
        &self,
        place: &[String],
        path: &[String],
        seen: &mut BTreeSet<(Place, String)>,
    ) -> Option<Place> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => place.to_vec(),
            "super" => place.split_last()?.1.to_vec(),
            child if self.0[place].children.iter().any(|c| c == child) => {
                rest = path;
                place.to_vec()
            }
            _ => return None,
        };
        while let Some((name, below)) = rest.split_first() {
            let module = &self.0[&at];
            if name == "super" {
                at.pop();
            } else if module.children.contains(name) {
                at.push(name.clone());
            } else {
                let used = module.uses.iter().find(|(used, _)| used == name);
                let Some((_, used)) = used.filter(|_| seen.insert((at.clone(), name.clone()))) else { break };
                let Some(target) = self.follow(&at, used, seen) else { break };
                at = target;
            }
            rest = below;
        }
        Some(at)
    }
}

/// The circles among `edges`, of the modules at `level`.
fn circles(level: &str, edges: &Edges) -> Vec<String> {
    let mut circles = Vec::new();
    for (from, to) in edges {
        for (to, why) in to.iter().filter(|(to, _)| reached(edges, to).contains(from.as_str())) {
            circles.push(format!("in crate::{level}: {from} -> {to}, since {why}"));
        }
    }
    circles
}

/// All that `edges` lead to from `from`.
fn reached<'a>(edges: &'a Edges, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        let to = edges.get(module).into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        next.extend(to.filter(|&to| reached.insert(to)));
    }
    reached
}

impl Module {
    fn parse(tokens: &[String]) -> Self {
        let mut module = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            let (name, after) = (rest.get(1), rest.get(2).map(String::as_str));
            at += match token.as_str() {
                "#" if rest.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"].map(String::from)) => {
                    item(rest)
                }
                "mod" if after == Some(";") => {
                    module.children.extend(name.cloned());
                    3
                }
                "use" if name.is_some_and(|t| t != "<") => {
                    let end = rest.iter().position(|t| t == ";").unwrap_or(rest.len());
                    module.bring_in(&mut Vec::new(), &rest[1..end]);
                    end
                }
                "crate" | "super" if after.is_some() && name.is_some_and(|t| t == "::") => {
                    let path = path(rest);
                    module.paths.push(path.to_vec());
                    2 * path.len() - 1
                }
                _ => 1,
            };
        }
        module
    }

    /// Notes what a `use` tree brings in below `prefix`.
    fn bring_in(&mut self, prefix: &mut Vec<String>, tree: &[String]) {
        for branch in split(tree) {
            let path = path(branch);
            let depth = prefix.len();
            prefix.extend(path.iter().filter(|name| *name != "self" || depth == 0).cloned());
            let rest = &branch[(2 * path.len()).saturating_sub(1).min(branch.len())..];
            match rest.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["::", "{", .., "}"] => self.bring_in(prefix, &rest[2..rest.len() - 1]),
                ["{", .., "}"] => self.bring_in(prefix, &rest[1..rest.len() - 1]),
                ["as", name] => self.uses.push((name.to_owned(), prefix.clone())),
                _ => self.uses.extend(prefix.last().map(|name| (name.clone(), prefix.clone()))),
            }
            prefix.truncate(depth);
        }
    }
}

/// The names that `tokens` begin with, `::` between them.
fn path(tokens: &[String]) -> Vec<String> {
    let is_name = |token: &String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut names = Vec::new();
    for pair in tokens.chunks(2) {
        if !is_name(&pair[0]) {
            break;
        }
        names.push(pair[0].clone());
        if pair.get(1).is_none_or(|between| between != "::") {
            break;
        }
    }
    names
}

/// The parts of a list, its commas at the outermost level between them.
fn split(tokens: &[String]) -> Vec<&[String]> {
    let mut depth = 0;
    let outer = |token: &String| {
        depth += i32::from(token == "{") - i32::from(token == "}");
        token == "," && depth == 0
    };
    tokens.split(outer).filter(|part| !part.is_empty()).collect()
}

/// Tokens of the attribute that `tokens` begin with and of the item behind it.
fn item(tokens: &[String]) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && (token == ";" || token == "}") {
            return i + 1;
        }
    }
    tokens.len()
}

/// Names, `::` and single characters of a Rust text, without its comments, its strings and its characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' if raw_string(rest).is_some() => raw_string(rest).unwrap_or_default(),
            '\'' => character(rest),
            c if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(rest[..end].to_owned());
                end
            }
            ':' if rest.starts_with("::") => {
                tokens.push("::".to_owned());
                2
            }
            c => {
                tokens.extend((!c.is_whitespace()).then(|| c.to_string()));
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

/// Length of the block comment that `text` begins with; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (1, 2);
    while depth > 0 {
        let Some(next) = text[at..].find(['/', '*']) else { return text.len() };
        at += next;
        match &text[at..] {
            rest if rest.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            rest if rest.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// Length of the string that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Length of the raw string that `text` begins with, where it does.
fn raw_string(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')?;
    let marks = behind.len() - behind.trim_start_matches('#').len();
    let inner = behind[marks..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(marks));
    let length = inner.find(&close)? + close.len();
    Some(text.len() - inner.len() + length)
}

/// Length of the character that `text` begins with, or of the mark of a lifetime.
fn character(text: &str) -> usize {
    let inner = &text[1..];
    if inner.starts_with('\\') {
        return inner[2..].find('\'').map_or(text.len(), |end| end + 4);
    }
    let length = inner.chars().next().map_or(0, char::len_utf8);
    if inner[length..].starts_with('\'') { length + 2 } else { 1 }
}

/// The circles of a made-up crate: paths of its files, and their texts.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    let file = |path: &str| files.iter().find(|(of, _)| *of == path).map(|(_, text)| (*text).to_owned());
    Modules::load(&file).cycles()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let lib = "mod a; mod b; pub use b::{Thing, deep::Other as Renamed};";
    let deep = ("b/deep.rs", "pub struct Other;");
    for needs_b in [
        "use crate::Thing;",
        "use crate::{b, other::c};",
        "use super::{b::{self}};",
        "pub(crate) use crate::Renamed;",
        "fn f(x: &'static crate::Thing) -> char { '\"' }",
        "fn f() { super::b::deep::g(r#\"\"//\"#) }",
        "fn f() { let _ = '\\''; let _ = super::b::X; }",
    ] {
        let b = ("b/mod.rs", "mod deep; use crate::a::f; pub struct Thing;");
        let found = of(&[("lib.rs", lib), ("a.rs", needs_b), b, deep]);
        assert_eq!(found.len(), 2, "{needs_b}: {found:?}");
        assert!(found[0].starts_with("in crate::: a -> b, since a has "), "{found:?}");
    }
    // Between folders, though no two files need one another; and below the root.
    let folders = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; mod y;"),
        ("a/x.rs", "use crate::b::x;"),
        ("a/y.rs", "use super::x::T; mod z;"),
        ("a/y/z.rs", ""),
        ("b/mod.rs", "mod x; mod y;"),
        ("b/x.rs", "use super::y::S;"),
        ("b/y.rs", "use super::x::R; use super::super::a::y;"),
    ];
    let found = of(&folders);
    assert_eq!(found.iter().filter(|line| line.starts_with("in crate::b: ")).count(), 2, "{found:?}");
    assert_eq!(found.iter().filter(|line| line.starts_with("in crate::: ")).count(), 2, "{found:?}");
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn a_crate_without_a_circle_has_none() {
    let files = [
        ("lib.rs", "//! use crate::x;\nmod a; mod b; mod c; pub use c::{C, Deep};\n#[cfg(test)] mod tests;"),
        (
            "a.rs",
            "use std::crate_like::b; use crate::C; fn b() { \"crate::b::f\"; /* super::b /* */ super::b */ }",
        ),
        (
            "b.rs",
            "use crate::a; // c\n#[cfg(test)]\nmod tests { use crate::d; }\n#[cfg(test)] use crate::b::x;",
        ),
        (
            "c/mod.rs",
            "mod deep; pub use deep::Deep; pub struct C;\n#[cfg(test)]\nfn f() -> [u8; 2] { crate::a::f(); [1, 2] }",
        ),
        ("c/deep.rs", "use super::C; use super::super::c::C as D; pub struct Deep;"),
    ];
    assert_eq!(of(&files), [""; 0]);
}

#[test]
#[should_panic(expected = "no file of the module a")]
fn a_module_without_a_file_is_not_passed_over() {
    of(&[("lib.rs", "mod a;")]);
}
