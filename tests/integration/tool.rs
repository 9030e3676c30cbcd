//! Running the program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// A temporary folder in which the program is run.
pub(crate) struct Dir(tempfile::TempDir);

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program with `args`, in this folder, with a model cache shared by all tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firstline"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env("FIRSTLINE_CACHE", cache())
            .env("XDG_STATE_HOME", self.0.path().join("state"))
            .env_remove("FIRSTLINE_MODELS");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.command(args).stdin(Stdio::null()).output().unwrap().into()
    }

    /// Runs and expects success.
    pub(crate) fn ok(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}\n{}\n{}", run.stdout, run.stderr);
        run
    }

    /// Runs and expects the fault `code` with the exit status for faults of the user's.
    pub(crate) fn fails(&self, args: &[&str], code: &str) -> Run {
        let run = self.run(args);
        assert!(run.code == 1 && run.stderr.contains(code), "{args:?}: status {}\n{}", run.code, run.stderr);
        run
    }
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The lines of standard output, each a JSON object.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A cache inside the build folder: the tiny model is made there once.
fn cache() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A generated history of 700 tickets, and a bundle learnt from it with the tiny model: made once for all tests.
pub(crate) static TRAINED: LazyLock<Dir> = LazyLock::new(|| {
    let dir = Dir::new();
    dir.ok(&["dev", "generate", "--tickets", "700", "--seed", "3", "--out", "history.jsonl"]);
    dir.ok(&[
        "train",
        "--tickets",
        "history.jsonl",
        "--model",
        "tiny-random",
        "--bundle",
        "bundle",
        "--seed",
        "1",
        "--fine-tune",
        "never",
    ]);
    dir
});
