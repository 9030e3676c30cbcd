//! The model store: a folder per model, complete and checked or not there at all.
//!
//! Files come in beside it, under `.partial/NAME/`, and move into place with one rename. A lock file keeps
//! two processes from pulling the same model at once.

use std::env;
use std::fs::{self, File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::source::{OnProgress, Progress, Pull, Refusal, folder, hub, package};
use crate::tiny;
use crate::verify::{self, FileReport, FileState};
use crate::{Manifest, fault};
use firstline_fault::{Code, Error, Result};

/// Folder inside the root for what is half done.
const PARTIAL: &str = ".partial";
/// How often a waiting process looks again.
const LOCK_TICK: Duration = Duration::from_millis(200);

/// The folder of this user for everything that can be fetched again: the variable `FIRSTLINE_CACHE`, or
/// `firstline` inside the system's cache folder.
pub fn default_cache() -> PathBuf {
    if let Some(dir) = env::var_os("FIRSTLINE_CACHE").filter(|dir| !dir.is_empty()) {
        return dir.into();
    }
    directories::BaseDirs::new()
        .map_or_else(env::temp_dir, |dirs| dirs.cache_dir().to_owned())
        .join("firstline")
}

/// Where models live on this machine and where they may be fetched from.
#[derive(Debug, Clone)]
pub struct ModelStore {
    /// Folder that holds one folder a model.
    pub root: PathBuf,
    /// A local folder asked first: `FOLDER/NAME/FILE` or `FOLDER/FILE`.
    pub offline: Option<PathBuf>,
    /// Whether sources over the network may be asked.
    pub network: bool,
}

impl ModelStore {
    /// A store in `root` that may use the network.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), offline: None, network: true }
    }

    /// This user's store, inside [`default_cache`].
    pub fn open_default() -> Self {
        Self::new(default_cache().join("models"))
    }

    /// The shipped manifests, each with whether its model is here and complete.
    ///
    /// # Errors
    /// `E_IO` when a model's file is there but can't be read.
    pub fn list(&self) -> Result<Vec<(Manifest, bool)>> {
        let known = Manifest::embedded()?;
        known.into_iter().map(|m| self.is_complete(&m).map(|complete| (m, complete))).collect()
    }

    /// The model's folder, whether it is there or not.
    pub fn path(&self, manifest: &Manifest) -> PathBuf {
        self.root.join(&manifest.name)
    }

    /// Whether all files are here and are those of the manifest. Files are hashed once and again when they
    /// change.
    ///
    /// # Errors
    /// `E_IO` when a file is there but can't be read.
    pub fn is_complete(&self, manifest: &Manifest) -> Result<bool> {
        Ok(self.check(manifest)?.iter().all(FileReport::is_good))
    }

    /// Hashes every file anew and reports on each.
    ///
    /// # Errors
    /// `E_IO` when a file is there but can't be read.
    pub fn verify(&self, manifest: &Manifest) -> Result<Vec<FileReport>> {
        verify::check(&self.path(manifest), manifest, true)
    }

    /// The model's folder with all files checked, pulled first where they are not all here. `on_progress`
    /// stops the pull by `Break`; what was fetched so far is kept for the next time.
    ///
    /// # Errors
    /// `E_MODEL_SOURCE` when no source has the files, `E_MODEL_HASH` when one had others under their names,
    /// `E_IO` when the store can't be written, `E_INTERRUPTED`.
    pub fn ensure(
        &self,
        manifest: &Manifest,
        on_progress: &mut dyn FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<PathBuf> {
        let dir = self.path(manifest);
        if self.is_complete(manifest)? {
            return Ok(dir);
        }
        let partial = self.root.join(PARTIAL).join(&manifest.name);
        // The lock lies beside that folder, so that it can outlive it.
        fs::create_dir_all(self.root.join(PARTIAL)).map_err(|e| self.unwritable(&self.root, &e))?;
        let _lock = self.lock(manifest, on_progress)?;
        if !self.is_complete(manifest)? {
            fs::create_dir_all(&partial).map_err(|e| self.unwritable(&partial, &e))?;
            self.pull(manifest, &partial, on_progress)?;
            self.move_into_place(manifest, &partial)?;
        }
        let _ = fs::remove_dir_all(&partial);
        Ok(dir)
    }

    fn check(&self, manifest: &Manifest) -> Result<Vec<FileReport>> {
        verify::check(&self.path(manifest), manifest, false)
    }

    fn lock(&self, manifest: &Manifest, on_progress: OnProgress<'_>) -> Result<File> {
        let path = self.root.join(PARTIAL).join(format!("{}.lock", manifest.name));
        let file = File::create(&path).map_err(|e| self.unwritable(&path, &e))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    if on_progress(Progress::Waiting).is_break() {
                        return Err(fault::interrupted(&manifest.name));
                    }
                    thread::sleep(LOCK_TICK);
                }
                Err(TryLockError::Error(e)) => return Err(fault::io(path.display(), &e)),
            }
        }
    }

    fn pull(&self, manifest: &Manifest, partial: &Path, on_progress: OnProgress<'_>) -> Result<()> {
        let mut failures = Failures { lines: Vec::new(), mismatch: false };
        failures.add_standing(manifest, &self.check(manifest)?);
        for (source, ask) in self.sources(manifest) {
            let go_on = |told: ControlFlow<()>| match told {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(fault::interrupted(&manifest.name)),
            };
            go_on(on_progress(Progress::Trying { source }))?;
            clear(&partial.join("ready"))?;
            let why = match ask(&mut Pull { manifest, partial, source, on_progress: &mut *on_progress }) {
                Ok(()) => return Ok(()),
                Err(Refusal::Stop(error)) => return Err(error),
                Err(Refusal::Absent(why)) => why,
                Err(Refusal::Mismatch(why)) => {
                    failures.mismatch = true;
                    why
                }
            };
            go_on(on_progress(Progress::Failed { source, reason: &why }))?;
            failures.lines.push(format!("{source}: {why}"));
        }
        Err(failures.into_error(manifest, &self.path(manifest)))
    }

    /// The sources in the order in which they are asked.
    fn sources(&self, manifest: &Manifest) -> Vec<(&'static str, Ask<'_>)> {
        let mut sources: Vec<(&'static str, Ask<'_>)> =
            vec![("local folder", Box::new(|pull| folder::pull(pull, self.offline.as_deref())))];
        if manifest.sources.hub.is_some() {
            sources.push(("hub cache", Box::new(hub::from_cache)));
            sources.push(("hub", self.online(hub::download)));
        }
        if manifest.sources.package.is_some() || !manifest.sources.parts.is_empty() {
            sources.push(("Python package", self.online(package::pull)));
        }
        if manifest.sources.generated.is_some() {
            sources.push(("generator", Box::new(tiny::pull)));
        }
        sources
    }

    fn online(&self, ask: fn(&mut Pull<'_>) -> std::result::Result<(), Refusal>) -> Ask<'_> {
        if self.network {
            Box::new(ask)
        } else {
            Box::new(|_| Err(Refusal::Absent("the network is switched off".into())))
        }
    }

    /// Renames the ready folder to the model's. What stood there was not the model: it goes.
    fn move_into_place(&self, manifest: &Manifest, partial: &Path) -> Result<()> {
        let (ready, dir, old) = (partial.join("ready"), self.path(manifest), partial.join("old"));
        if let Some(problem) =
            verify::check(&ready, manifest, false)?.iter().find_map(|r| r.problem(manifest))
        {
            return Err(fault::internal(format_args!("a pulled model is not whole: {problem}")));
        }
        clear(&old)?;
        if dir.exists() {
            fs::rename(&dir, &old).map_err(|e| self.unwritable(&dir, &e))?;
        }
        fs::rename(&ready, &dir).map_err(|e| self.unwritable(&dir, &e))
    }

    fn unwritable(&self, path: &Path, error: &std::io::Error) -> Error {
        let next = "Check that you may write there, or name another folder with the variable FIRSTLINE_CACHE";
        fault::user(Code::Io, path.display(), error, next)
    }
}

/// Asks one source.
type Ask<'a> = Box<dyn Fn(&mut Pull<'_>) -> std::result::Result<(), Refusal> + 'a>;

/// What each source answered, for the error that closes a pull without success.
struct Failures {
    lines: Vec<String>,
    mismatch: bool,
}

impl Failures {
    /// Files that stand in the model's folder with another content.
    fn add_standing(&mut self, manifest: &Manifest, reports: &[FileReport]) {
        for report in reports.iter().filter(|r| r.state != FileState::Missing) {
            if let Some(problem) = report.problem(manifest) {
                self.lines.push(format!("the store: {problem}"));
                self.mismatch = true;
            }
        }
    }

    fn into_error(self, manifest: &Manifest, dir: &Path) -> Error {
        let code = if self.mismatch { Code::ModelHash } else { Code::ModelSource };
        let problem = format!("no source had the files of its manifest\n  - {}", self.lines.join("\n  - "));
        let mut next = format!("Copy these files to {}", dir.display());
        for file in &manifest.files {
            next += &format!("\n  - {}: {} bytes, sha256 {}", file.path, file.bytes, file.sha256);
        }
        fault::user(code, &manifest.name, problem, next)
    }
}

fn clear(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(fault::io(dir.display(), &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{Sources, write_tiny};

    struct Fixture {
        dir: TempDir,
        manifest: Manifest,
        store: ModelStore,
    }

    /// A store without network whose local folder holds a tiny model that nothing else can bring.
    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let offline = dir.path().join("usb");
        let mut manifest = write_tiny(&offline, 3).unwrap();
        manifest.sources = Sources::default();
        let store = ModelStore { root: dir.path().join("store"), offline: Some(offline), network: false };
        Fixture { dir, manifest, store }
    }

    fn quiet(_: Progress<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn a_local_folder_is_enough_and_what_was_pulled_stays() {
        let Fixture { dir, manifest, mut store } = fixture();
        let (mut last, mut trying) = ((0, 0), Vec::new());
        let got = store.ensure(&manifest, &mut |p| {
            match p {
                Progress::Bytes { done, total, .. } => last = (done, total),
                Progress::Trying { source } => trying.push(source.to_owned()),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        assert_eq!(got.unwrap(), store.path(&manifest));
        assert_eq!((last.0, trying), (last.1, vec!["local folder".to_owned()]));
        assert!(store.verify(&manifest).unwrap().iter().all(FileReport::is_good));
        assert!(!store.root.join(PARTIAL).join(&manifest.name).exists());
        fs::remove_dir_all(dir.path().join("usb")).unwrap();
        store.offline = None;
        store.ensure(&manifest, &mut quiet).unwrap();
    }

    #[test]
    fn the_named_folder_layout_works_too() {
        let Fixture { dir, manifest, mut store } = fixture();
        let named = dir.path().join("disk");
        fs::create_dir(&named).unwrap();
        fs::rename(dir.path().join("usb"), named.join(&manifest.name)).unwrap();
        store.offline = Some(named);
        store.ensure(&manifest, &mut quiet).unwrap();
    }

    #[test]
    fn a_wrong_hash_is_refused_and_named() {
        let Fixture { dir, manifest, store } = fixture();
        let path = dir.path().join("usb/config.json");
        let mut text = fs::read(&path).unwrap();
        text[0] = b' ';
        fs::write(&path, text).unwrap();
        let e = store.ensure(&manifest, &mut quiet).unwrap_err();
        assert_eq!(e.code(), Some(Code::ModelHash));
        assert!(e.to_string().contains("config.json has sha256"), "{e}");
        assert!(!store.path(&manifest).exists());
    }

    #[test]
    fn without_a_source_the_error_says_what_to_copy_where() {
        let Fixture { dir: _dir, mut store, .. } = fixture();
        store.offline = None;
        let mut manifest = Manifest::find(Manifest::DEFAULT).unwrap();
        // A commit that no cache of this machine has.
        let hub = manifest.sources.hub.as_mut().unwrap();
        hub.repo = "nobody/nothing".into();
        let e = store.ensure(&manifest, &mut quiet).unwrap_err();
        assert_eq!(e.code(), Some(Code::ModelSource));
        let text = e.to_string();
        let dir = store.path(&manifest).display().to_string();
        for part in
            ["local folder:", "hub cache:", "hub:", "Python package:", &dir, &manifest.files[1].sha256]
        {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn a_damaged_model_is_replaced() {
        let Fixture { dir: _dir, manifest, store } = fixture();
        let dir = store.ensure(&manifest, &mut quiet).unwrap();
        fs::write(dir.join("tokenizer.json"), b"{}").unwrap();
        assert!(!store.is_complete(&manifest).unwrap());
        store.ensure(&manifest, &mut quiet).unwrap();
        assert!(store.is_complete(&manifest).unwrap());
    }

    #[test]
    fn a_model_can_be_generated_and_a_pull_can_be_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = ModelStore::new(dir.path());
        store.network = false;
        let manifest = Manifest::find("tiny-random").unwrap();
        let e = store.ensure(&manifest, &mut |_| ControlFlow::Break(())).unwrap_err();
        assert_eq!(e.code(), Some(Code::Interrupted));
        store.ensure(&manifest, &mut quiet).unwrap();
        assert!(store.list().unwrap().iter().any(|(m, here)| *here && m.name == manifest.name));
    }

    #[test]
    fn two_pulls_at_once_leave_one_whole_model() {
        let Fixture { dir: _dir, manifest, store } = fixture();
        thread::scope(|scope| {
            let pulls: Vec<_> = (0..4).map(|_| scope.spawn(|| store.ensure(&manifest, &mut quiet))).collect();
            for pull in pulls {
                pull.join().unwrap().unwrap();
            }
        });
        assert!(store.is_complete(&manifest).unwrap());
    }
}
