//! The Hugging Face hub: first what its cache on this machine holds, then a download that resumes.
//!
//! The hub's client sets no time limits of its own, so it works on a thread of its own that is listened to
//! with patience's end. The token is handed to the client and never shown.

use std::env;
use std::fs;
use std::net::{TcpStream, ToSocketAddrs};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use hf_hub::api::sync::{Api, ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use super::{Pull, Refusal, reason};
use crate::{Manifest, ModelFile};

/// Longest wait for a connection to the hub.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for the first sign of a file.
const FIRST_SIGN: Duration = Duration::from_secs(15);
/// Longest wait for more bytes.
const STALL: Duration = Duration::from_secs(60);
/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(200);
/// Variables that send the client through a proxy, which then makes the connection.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Takes the files from the hub's cache on this machine.
pub(crate) fn from_cache(pull: &mut Pull<'_>) -> Result<(), Refusal> {
    let Some(hub) = &pull.manifest.sources.hub else { return Err(unnamed()) };
    let Some(cache) = user_cache() else {
        return Err(Refusal::Absent("this user has no home folder".into()));
    };
    // A snapshot of the pinned commit, or else the newest one: the hashes decide.
    let pinned = cache.model(hub.repo.clone()).pointer_path(&hub.revision);
    let newest = cache.model(hub.repo.clone());
    pull.take_all(&|file| {
        let path = pinned.join(&file.path);
        if path.is_file() { Some(path) } else { newest.get(&file.path) }
    })
}

/// Downloads the files, going on where an earlier download was broken off.
pub(crate) fn download(pull: &mut Pull<'_>) -> Result<(), Refusal> {
    let manifest = pull.manifest;
    let Some(hub) = &manifest.sources.hub else { return Err(unnamed()) };
    if env::var("HF_HUB_OFFLINE").is_ok_and(|v| !matches!(v.as_str(), "" | "0")) {
        return Err(Refusal::Absent("HF_HUB_OFFLINE is set".into()));
    }
    let dir = pull.partial.join("hub");
    forget_finished_parts(&dir, manifest);
    let api = open(&dir).map_err(Refusal::Absent)?;
    let repo = api.repo(Repo::with_revision(hub.repo.clone(), RepoType::Model, hub.revision.clone()));
    if !PROXIES.iter().any(|name| env::var_os(name).is_some()) {
        probe(&repo.url("")).map_err(Refusal::Absent)?;
    }
    let events = spawn(api, repo, manifest.files.clone());
    let paths = listen(pull, &events)?;
    let taken = pull.take_all(&|file| {
        let at = manifest.files.iter().position(|f| f.path == file.path)?;
        paths.get(at).cloned()
    });
    if matches!(taken, Err(Refusal::Mismatch(_))) {
        // Nothing of it is worth going on from.
        let _ = fs::remove_dir_all(&dir);
    }
    taken
}

fn unnamed() -> Refusal {
    Refusal::Absent("the manifest names none".into())
}

/// The user's own hub cache. The client panics where there is no home folder, so that is asked first.
fn user_cache() -> Option<Cache> {
    (env::var_os("HF_HOME").is_some() || env::home_dir().is_some()).then(Cache::from_env)
}

fn open(dir: &Path) -> Result<Api, String> {
    let token = env::var("HF_TOKEN").ok().filter(|t| !t.is_empty()).or_else(|| user_cache()?.token());
    let mut builder = ApiBuilder::from_cache(Cache::new(dir.to_owned()))
        .with_token(token)
        .with_progress(false)
        .with_retries(1)
        .with_user_agent("firstline", env!("CARGO_PKG_VERSION"));
    if let Ok(endpoint) = env::var("HF_ENDPOINT") {
        builder = builder.with_endpoint(endpoint);
    }
    builder.build().map_err(reason)
}

/// A part that was downloaded whole but never renamed can't be resumed: the server refuses an empty range.
fn forget_finished_parts(dir: &Path, manifest: &Manifest) {
    let Ok(repos) = fs::read_dir(dir) else { return };
    let blobs = repos.flatten().filter_map(|repo| fs::read_dir(repo.path().join("blobs")).ok());
    for path in blobs.flatten().flatten().map(|blob| blob.path()) {
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let wanted = manifest.files.iter().find(|f| f.sha256 == stem).map_or(0, |f| f.bytes);
        let is_part = path.extension().is_some_and(|e| e == "part");
        if is_part && fs::metadata(&path).is_ok_and(|m| m.len() >= wanted) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether `url`'s host takes connections; asked on a thread, since resolving a name has no time limit.
fn probe(url: &str) -> Result<(), String> {
    let (host, port) = host_and_port(url).ok_or("HF_ENDPOINT is not an http address")?;
    let (send, receive) = mpsc::channel();
    let name = host.clone();
    thread::spawn(move || {
        let _ = send.send(connect(&name, port));
    });
    match receive.recv_timeout(CONNECT) {
        Ok(outcome) => outcome.map_err(|e| reason(format_args!("{host} can't be reached: {e}"))),
        Err(_) => Err(format!("{host} did not answer within {} s", CONNECT.as_secs())),
    }
}

fn connect(host: &str, port: u16) -> std::io::Result<()> {
    let mut last = std::io::Error::other("the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => return Ok(()),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn host_and_port(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let default = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// What the download thread says.
enum Event {
    /// A file has begun.
    Begun,
    /// Bytes of it came in.
    Bytes(u64),
    /// A file is complete.
    File(PathBuf),
    /// It can't go on.
    Failed(String),
}

struct Reporter(Sender<Event>);

impl hf_hub::api::Progress for Reporter {
    fn init(&mut self, _size: usize, _filename: &str) {
        let _ = self.0.send(Event::Begun);
    }

    fn update(&mut self, size: usize) {
        if self.0.send(Event::Bytes(size as u64)).is_err() {
            // Nobody listens any more, and this call has no other way to end the download. Unwinding
            // like this prints nothing and frees the client's lock; the part stays for the next time.
            panic::resume_unwind(Box::new("abandoned"));
        }
    }

    fn finish(&mut self) {}
}

/// Waits for all files. Dropping the receiver, on whatever way out, ends the download.
fn listen(pull: &mut Pull<'_>, events: &Receiver<Event>) -> Result<Vec<PathBuf>, Refusal> {
    let manifest = pull.manifest;
    let (mut paths, mut before, mut current) = (Vec::new(), 0, 0);
    let (mut heard, mut patience) = (Instant::now(), FIRST_SIGN);
    while let Some(file) = manifest.files.get(paths.len()) {
        match events.recv_timeout(TICK) {
            Err(RecvTimeoutError::Timeout) if heard.elapsed() < patience => {}
            Err(RecvTimeoutError::Timeout) => {
                return Err(Refusal::Absent(format!("no bytes for {} s", patience.as_secs())));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Refusal::Absent("the download broke off".into()));
            }
            Ok(Event::Failed(why)) => return Err(Refusal::Absent(why)),
            Ok(event) => {
                heard = Instant::now();
                match event {
                    Event::Begun => (current, patience) = (0, STALL),
                    Event::Bytes(n) => current += n,
                    Event::File(path) => {
                        paths.push(path);
                        before += file.bytes;
                        (current, patience) = (0, FIRST_SIGN);
                    }
                    Event::Failed(_) => {}
                }
            }
        }
        if current > file.bytes && paths.len() < manifest.files.len() {
            return Err(Refusal::Mismatch(format!("{} is longer than {} bytes", file.path, file.bytes)));
        }
        pull.bytes(before + current, manifest.total_bytes())?;
    }
    Ok(paths)
}

fn spawn(api: Api, repo: ApiRepo, files: Vec<ModelFile>) -> Receiver<Event> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for file in &files {
            let event = fetch(&api, &repo, file, &send).map_or_else(Event::Failed, Event::File);
            let failed = matches!(event, Event::Failed(_));
            // No listener any more means the caller gave up.
            if send.send(event).is_err() || failed {
                return;
            }
        }
    });
    receive
}

fn fetch(api: &Api, repo: &ApiRepo, file: &ModelFile, send: &Sender<Event>) -> Result<PathBuf, String> {
    let metadata =
        api.metadata(&repo.url(&file.path)).map_err(|e| reason(format_args!("{}: {e}", file.path)))?;
    let size = metadata.size() as u64;
    if size != file.bytes {
        return Err(format!("{} has {size} bytes there, not {}", file.path, file.bytes));
    }
    let path = repo.download_with_progress(&file.path, Reporter(send.clone()));
    path.map_err(|e| reason(format_args!("{}: {e}", file.path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_from_addresses() {
        let at = |h: &str, p| Some((h.to_owned(), p));
        assert_eq!(host_and_port("https://hub.example/a:b"), at("hub.example", 443));
        assert_eq!(host_and_port("http://me:secret@mirror.example:8080/x"), at("mirror.example", 8080));
        assert_eq!(host_and_port("http://[::1]:81"), at("::1", 81));
        assert_eq!(host_and_port("http://[::1]"), at("::1", 80));
        assert_eq!(host_and_port("not an address"), None);
        assert_eq!(host_and_port("https:///x"), None);
    }

    #[test]
    fn a_closed_port_is_told_at_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(probe(&format!("http://127.0.0.1:{port}/")), Ok(()));
        drop(listener);
        let why = probe(&format!("http://127.0.0.1:{port}/")).unwrap_err();
        assert!(why.starts_with("127.0.0.1 can't be reached"), "{why}");
    }

    #[test]
    fn only_parts_that_can_be_resumed_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = Manifest::find(Manifest::DEFAULT).unwrap();
        let blobs = dir.path().join("models--a--b/blobs");
        fs::create_dir_all(&blobs).unwrap();
        let config = &manifest.files[0];
        let (whole, half) =
            (blobs.join("other.part"), blobs.join(&manifest.files[1].sha256).with_extension("part"));
        let done = blobs.join(&config.sha256).with_extension("part");
        fs::write(&whole, b"x").unwrap();
        fs::write(&half, b"x").unwrap();
        fs::write(&done, vec![0; config.bytes as usize]).unwrap();
        forget_finished_parts(dir.path(), &manifest);
        assert_eq!((whole.exists(), half.exists(), done.exists()), (false, true, false));
    }
}
