//! Lines of histories that no connector understood, kept in a file so that nothing of them is lost.
//!
//! The wording of a PSA's history is nowhere written down. The file is bounded; what is in it stays on this machine.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use crate::ui::Ui;

/// Longest file, in bytes: no more is kept then.
const MOST: u64 = 16 << 20;

/// The file of a connection.
#[derive(Debug)]
pub(super) struct Unread {
    path: PathBuf,
    said: bool,
}

impl Unread {
    /// That of the connection `name`, in the state directory that systemd gives, or beside the settings.
    pub(super) fn beside(settings: &Path, name: &str) -> Self {
        let given = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        let folder = given.or_else(|| settings.parent().map(Path::to_owned)).unwrap_or_default();
        let word: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        Self { path: folder.join(format!("{word}.unread.jsonl")), said: false }
    }

    /// Keeps lines, each with its ticket. Where they can't be kept, that is said once and nothing else stops.
    pub(super) fn keep(&mut self, lines: &[(String, String)], ui: &Ui) {
        if lines.is_empty() {
            return;
        }
        let kept = self.append(lines);
        if !std::mem::replace(&mut self.said, true) {
            let place = self.path.display();
            match kept {
                Ok(()) => ui.say(format_args!("History lines that were not understood are kept in {place}")),
                Err(error) => ui.say(format_args!(
                    "History lines that were not understood can't be kept: {place}: {error}"
                )),
            }
        }
    }

    fn append(&self, lines: &[(String, String)]) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        if file.metadata()?.len() >= MOST {
            return Ok(());
        }
        let now = Timestamp::now();
        let text: String = lines
            .iter()
            .map(|(ticket, line)| format!("{}\n", json!({"at": now, "ticket": ticket, "line": line})))
            .collect();
        file.write_all(text.as_bytes())
    }
}
