//! A PostgreSQL server of the tests' own, in a temporary folder and on a socket there.
//!
//! It ends with the process, however that ends: a shell that reads from it stops the server when there is nothing more.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// `$1` is where the programs are, `$2` the folder.
const SCRIPT: &str = r#"
cd "$2" || exit 1
"$1/initdb" -D data -A trust -U firstline -E UTF8 --no-locale --no-sync >log 2>&1 &&
"$1/pg_ctl" -w -D data -l log -o "-k '$2' -c listen_addresses='' -c fsync=off -c max_connections=300" start >>log 2>&1 &&
echo ready || { cat log; rm -rf "$2"; exit 1; }
exec >/dev/null
cat >/dev/null
"$1/pg_ctl" -D data -m immediate stop
cd / && rm -rf "$2"
"#;

struct Server {
    folder: PathBuf,
    databases: AtomicUsize,
    creating: Mutex<()>,
    /// Its standard input is what keeps the server up.
    _keeper: Child,
}

fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.iter().find_map(|folder| folder.join("initdb").canonicalize().ok())?;
    found.parent().map(Path::to_owned)
}

/// The number of the user `postgres`, where we are root, as whom the server does not run.
fn other_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let said = Command::new("id").args(arguments).output().unwrap().stdout;
        String::from_utf8(said).unwrap().trim().parse().unwrap()
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}

/// Says, once, how many tests do nothing. Written to standard error itself: what `eprintln!` says in a test that passes is never
/// seen.
fn say_skipped() {
    let list = std::env::current_exe().and_then(|tests| Command::new(tests).arg("--list").output());
    let list = list.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    let skipped =
        list.lines().filter(|line| line.contains("::postgres::") && line.ends_with(": test")).count();
    let line = format!(
        "skipped: {skipped} tests of the PostgreSQL store (no initdb found; install PostgreSQL's server to run them)\n"
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

fn start() -> Option<Server> {
    let Some(programs) = programs() else {
        let required = std::env::var("FIRSTLINE_REQUIRE_POSTGRES").is_ok_and(|said| said == "1");
        assert!(!required, "no initdb found, and FIRSTLINE_REQUIRE_POSTGRES=1: install PostgreSQL's server");
        say_skipped();
        return None;
    };
    let folder = tempfile::Builder::new().prefix("flpg").tempdir().unwrap().keep();
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "sh"]).arg(&programs).arg(&folder).process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some((user, group)) = other_user() {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
        shell.uid(user).gid(group);
    }
    let mut keeper = shell.spawn().unwrap();
    let mut said = BufReader::new(keeper.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = said.next().unwrap_or_default();
    assert_eq!(first, "ready", "PostgreSQL does not start: {}", said.collect::<Vec<_>>().join("\n"));
    Some(Server { folder, databases: AtomicUsize::new(0), creating: Mutex::new(()), _keeper: keeper })
}

/// The URL of a fresh database, `None` where there is no server and that is known.
pub(super) fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(start).as_ref()?;
    let host = server.folder.to_string_lossy().replace('/', "%2F");
    let url = |database: &str| format!("postgres://firstline:hunter2@{host}/{database}");
    let name = format!("t{}", server.databases.fetch_add(1, Ordering::Relaxed));
    // The server copies its template, which one may do at a time.
    let _one = server.creating.lock().unwrap();
    let mut client = ::postgres::Client::connect(&url("postgres"), ::postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    Some(url(&name))
}
