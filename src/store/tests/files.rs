//! A store's file against what happens to files: removed, replaced, damaged, locked, full, and a backup put in its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::file::sidecar;
use crate::{ActionState, GrantScope, Hold, NewGrant, NewHold, Restored, open_alone, restore};
use firstline_fault::{Code, Result};

/// A store with a few decisions.
fn made(dir: &Path) -> (PathBuf, Box<dyn Store>) {
    let path = dir.join("a.db");
    let store = open(&Location::Sqlite(path.clone())).unwrap();
    for n in 0..20 {
        record(&*store, decided(&format!("d{n}"), &format!("t{n}"), 0));
    }
    (path, store)
}

fn alone(path: &Path) -> Result<Box<dyn Store>> {
    open_alone(&Location::Sqlite(path.to_owned()))
}

fn refused<T: std::fmt::Debug>(done: Result<T>, says: &str) {
    let fault = done.unwrap_err();
    assert!(fault.code() == Some(Code::Store) && fault.to_string().contains(says), "{fault}");
}

#[test]
fn a_store_that_is_removed_or_replaced_under_its_service_answers_nothing_any_more() {
    type Remove = fn(&Path);
    let gone: [(&str, Remove); 9] = [
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("moved", |path| fs::rename(path, path.with_extension("old")).unwrap()),
        ("replaced by a copy", |path| {
            fs::copy(path, path.with_extension("copy")).unwrap();
            fs::rename(path.with_extension("copy"), path).unwrap();
        }),
        ("its folder moved", |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_extension("moved")).unwrap();
        }),
        ("its log removed", |path| fs::remove_file(sidecar(path, "-wal")).unwrap()),
        ("emptied in its place", |path| fs::write(path, "").unwrap()),
        ("written over with a backup", |path| {
            fs::write(path, fs::read(path.with_extension("backup")).unwrap()).unwrap();
        }),
        ("written over with anything", |path| fs::write(path, "anything ".repeat(99_999)).unwrap()),
        ("its log's index removed", |path| fs::remove_file(sidecar(path, "-shm")).unwrap()),
    ];
    for (how, remove) in gone {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("store");
        fs::create_dir(&folder).unwrap();
        let (path, store) = made(&folder);
        store.backup(&path.with_extension("backup")).unwrap();
        drop(store);
        let store = alone(&path).unwrap();
        store.ping().unwrap();
        remove(&path);
        for _ in 0..2 {
            refused(store.ping(), "removed or replaced");
            refused(store.record(&[decided("x", "x", 0)], at(1)), "firstline store restore");
            refused(store.decision("d1"), "removed or replaced");
            refused(store.backup(&dir.path().join(format!("{how}.copy"))), "removed or replaced");
        }
        // Put back, it is the same store.
        if how == "moved" {
            fs::rename(path.with_extension("old"), &path).unwrap();
            store.ping().unwrap();
        }
    }
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    for (name, says) in [
        ("pipe", "not a regular file"),
        ("socket", "not a regular file"),
        ("/dev/null", "not a regular file"),
        ("folder", "a folder"),
        ("dangling", "a link to a file that is not there"),
    ] {
        refused(open(&Location::Sqlite(at(name))), says);
        refused(alone(&at(name)), says);
    }
    // What lies beside a store, too.
    for name in ["-wal", "-shm", "-journal"] {
        let _gone = fs::remove_file(at(&format!("b.db{name}")));
        assert!(
            std::process::Command::new("mkfifo").arg(at(&format!("b.db{name}"))).status().unwrap().success()
        );
        refused(open(&Location::Sqlite(at("b.db"))), "not a regular file");
        fs::remove_file(at(&format!("b.db{name}"))).unwrap();
    }
    // A link to a store is that store, a second name of it is none.
    let (path, store) = self::made(dir.path());
    drop(store);
    std::os::unix::fs::symlink(&path, at("link.db")).unwrap();
    assert!(open(&Location::Sqlite(at("link.db"))).unwrap().decision("d1").unwrap().is_some());
    fs::hard_link(&path, at("second.db")).unwrap();
    refused(open(&Location::Sqlite(at("second.db"))), "several names");
}

#[test]
fn one_process_serves_from_a_file_whatever_happens_to_files_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, store) = made(dir.path());
    drop(store);
    let first = alone(&path).unwrap();
    for entry in fs::read_dir(dir.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().contains("lock") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    std::os::unix::fs::symlink(&path, dir.path().join("link.db")).unwrap();
    // Commands are let in; a second service is not, by whatever name.
    assert!(open(&Location::Sqlite(path.clone())).is_ok());
    std::thread::scope(|scope| {
        scope.spawn(|| refused(alone(&path), "another process serves"));
        scope.spawn(|| refused(alone(&dir.path().join("link.db")), "another process serves"));
    });
    refused(restore(&path, &path, at(0)), "the store itself");
    // One that is about to end is waited for.
    std::thread::scope(|scope| {
        let second = scope.spawn(|| alone(&path).unwrap().decision("d1").unwrap());
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(first);
        assert!(second.join().unwrap().is_some());
    });
}

const PAGE: usize = 4_096;

/// Overwrites a page of the file, as a failing disk would.
fn damage(path: &Path, page: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[page * PAGE..][..PAGE].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_store_is_neither_served_from_nor_backed_up_nor_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (path, store) = made(dir.path());
    let (backup, damaged) = (dir.path().join("backup"), dir.path().join("damaged"));
    store.backup(&backup).unwrap();
    drop(store);
    let (copy, pages) = (dir.path().join("copy"), fs::metadata(&backup).unwrap().len() as usize / PAGE);
    let mut found = 0;
    for page in 0..pages {
        fs::copy(&backup, &damaged).unwrap();
        damage(&damaged, page);
        // A page that is not in use, or holds nothing but words, may be damaged without anybody seeing it.
        let served = alone(&damaged).map(drop);
        if served.is_ok() {
            continue;
        }
        found += 1;
        refused(served, "");
        refused(restore(&damaged, &path, at(9)), "");
        refused(open(&Location::Sqlite(damaged.clone())).and_then(|store| store.backup(&copy)), "");
        assert!(!copy.exists());
    }
    assert!(found * 3 > pages * 2, "{found} of {pages}");
    assert!(alone(&path).unwrap().decision("d1").unwrap().is_some(), "the store is as it was");
    damage(&path, 1);
    refused(alone(&path), "damaged");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("partial")), "{names:?}");
    assert!(!copy.exists());
    let Restored { kept, .. } = restore(&backup, &path, at(9)).unwrap();
    assert!(alone(&path).unwrap().decision("d1").unwrap().is_some());
    assert!(kept.unwrap().exists());
}

/// A store as a killed process leaves it: its last changes are in the log beside it. Gives a backup from before them.
fn killed(dir: &Path) -> (PathBuf, PathBuf) {
    let (path, store) = made(dir);
    let backup = dir.join("backup");
    store.backup(&backup).unwrap();
    for n in 20..40 {
        record(&*store, decided(&format!("d{n}"), &format!("t{n}"), 0));
    }
    let (killed, log) = (dir.join("killed"), dir.join("killed-wal"));
    fs::copy(&path, &killed).unwrap();
    fs::copy(sidecar(&path, "-wal"), &log).unwrap();
    drop(store);
    (killed, backup)
}

#[test]
fn a_log_is_only_ever_taken_for_its_own_database() {
    let dir = tempfile::tempdir().unwrap();
    let (path, backup) = killed(dir.path());
    let log = sidecar(&path, "-wal");
    // A backup copied over the store, beside the log that the killed process has left.
    let mixed = dir.path().join("mixed");
    fs::copy(&backup, &mixed).unwrap();
    fs::copy(&log, sidecar(&mixed, "-wal")).unwrap();
    let before = fs::read(&mixed).unwrap();
    refused(open(&Location::Sqlite(mixed.clone())), "another database's");
    refused(alone(&mixed), "firstline store restore");
    assert_eq!(fs::read(&mixed).unwrap(), before, "nothing of the log was written into it");
    // The database gone, the log left.
    for empty in [false, true] {
        let gone = dir.path().join(format!("gone-{empty}"));
        fs::copy(&log, sidecar(&gone, "-wal")).unwrap();
        if empty {
            fs::write(&gone, "").unwrap();
        }
        refused(alone(&gone), "its write-ahead log is left");
    }
    // A journal of another database, which SQLite would roll back into this one.
    let journal = sidecar(&path, "-journal");
    fs::write(&journal, fs::read(&backup).unwrap()).unwrap();
    refused(open(&Location::Sqlite(path.clone())), "a rollback journal");
    fs::remove_file(&journal).unwrap();
    // As it was left, it is whole.
    assert!(alone(&path).unwrap().decision("d39").unwrap().is_some());
}

#[test]
fn a_backup_takes_the_stores_place_with_nothing_of_the_old_one_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, backup) = killed(dir.path());
    let serving = alone(&path).unwrap();
    refused(restore(&backup, &path, at(9)), "another process serves");
    drop(serving);
    let (path, backup) = (dir.path().join("store"), backup);
    fs::copy(dir.path().join("killed"), &path).unwrap();
    for name in ["-wal", "-shm", "-journal"] {
        fs::write(sidecar(&path, name), "stale").unwrap();
    }
    let Restored { backup: found, kept, .. } = restore(&backup, &path, at(9)).unwrap();
    let kept = kept.unwrap();
    assert_eq!(fs::read(sidecar(&kept, "-wal")).unwrap(), b"stale");
    for name in ["-wal", "-shm", "-journal"] {
        assert!(!sidecar(&path, name).exists(), "{name}");
    }
    let store = alone(&path).unwrap();
    assert!(store.decision("d19").unwrap().is_some() && store.decision("d20").unwrap().is_none());
    let last = store.audit_entries(0, 99).unwrap().pop().unwrap();
    assert_eq!(
        (last.action.as_str(), last.subject),
        ("restore", format!("{}:{}", found.entries, found.hash))
    );
    assert!(store.audit_check(&[]).unwrap().findings.is_empty());
    drop(store);
    // What was kept is never written over.
    refused(restore(&backup, &path, at(9)), "kept by an earlier restore");
    fs::remove_file(&kept).unwrap();
    fs::remove_file(sidecar(&kept, "-wal")).unwrap();
    fs::remove_file(sidecar(&kept, "-journal")).unwrap();
    // A backup with a log beside it is none; one whose rows were changed is not restored; nor is what is no store.
    fs::write(sidecar(&backup, "-wal"), "x").unwrap();
    refused(restore(&backup, &path, at(9)), "a log lies beside it");
    fs::remove_file(sidecar(&backup, "-wal")).unwrap();
    let changed = dir.path().join("changed");
    fs::copy(&backup, &changed).unwrap();
    rusqlite::Connection::open(&changed)
        .unwrap()
        .execute("UPDATE decisions SET route = 'auto' WHERE id = 'd3'", [])
        .unwrap();
    assert_eq!(restore(&changed, &path, at(9)).unwrap_err().code(), Some(Code::Audit));
    fs::write(dir.path().join("notes"), "Dear diary, ".repeat(999)).unwrap();
    refused(restore(&dir.path().join("notes"), &path, at(9)), "notes");
    assert_eq!(alone(&path).unwrap().counts().unwrap()["decisions"], 20);
    // Where no store was, a backup makes one.
    let new = dir.path().join("new");
    assert_eq!(restore(&backup, &new, at(9)).unwrap().kept, None);
    assert_eq!(alone(&new).unwrap().counts().unwrap()["decisions"], 20);
}

#[test]
fn a_ping_writes_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let (path, store) = made(dir.path());
    let log = sidecar(&path, "-wal");
    for _ in 0..3 {
        let before = fs::read(&log).unwrap();
        store.ping().unwrap();
        assert_ne!(fs::read(&log).unwrap(), before);
    }
    // Written by another hand, a store that has lost its row is not ready.
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM meta WHERE name = 'ping'", []).unwrap();
    refused(store.ping(), "is gone");
}

/// A disk of 16 MiB, where this process may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = |args: &[&str]| {
            std::process::Command::new("mount")
                .args(args)
                .arg(dir.path())
                .output()
                .is_ok_and(|done| done.status.success())
        };
        mount(&["-t", "tmpfs", "-o", "size=16m", "none"]).then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_not_ready_and_takes_nothing() {
    // Only root may mount.
    let Some(disk) = SmallDisk::new() else { return };
    let (path, store) = made(disk.0.path());
    store.ping().unwrap();
    let fill = disk.0.path().join("fill");
    let mut file = fs::File::create(&fill).unwrap();
    while std::io::Write::write(&mut file, &[7; 4_096]).is_ok_and(|n| n > 0) {}
    refused(store.ping(), "Make room on the disk");
    let mut big = decided("big", "big", 0);
    big.ticket.body = Some("word ".repeat(1 << 22));
    refused(store.record(&[big], at(1)), "");
    assert!(store.decision("big").unwrap().is_none());
    drop(file);
    fs::remove_file(&fill).unwrap();
    store.ping().unwrap();
    record(&*store, decided("later", "later", 0));
    drop(store);
    assert!(alone(&path).unwrap().decision("later").unwrap().is_some());
}

fn on_hold(store: &dyn Store, level: Hold, customer: Option<&str>, reason: &str) -> i64 {
    let scope = GrantScope { customer: customer.map(str::to_owned), ..GrantScope::default() };
    let hold = NewHold {
        level,
        scope,
        by: author("kim"),
        reason: reason.to_owned(),
        figures: None,
        trigger_key: None,
    };
    store.hold(&hold, at(5)).unwrap().id
}

fn granted(store: &dyn Store) {
    let grant = NewGrant {
        scope: GrantScope::default(),
        phase: Phase::Assist,
        thresholds: BTreeMap::new(),
        bundle: None,
        evidence_sha: None,
        by: author("kim"),
        reason: "it is time".to_owned(),
    };
    store.grant(&grant, at(4)).unwrap();
}

fn levels(store: &dyn Store) -> Vec<(Hold, Option<String>, String)> {
    let holds = store.holds(true).unwrap().into_iter();
    holds.map(|hold| (hold.level, hold.scope.customer, hold.reason)).collect()
}

#[test]
fn holds_in_force_outlive_a_restore() {
    let dir = tempfile::tempdir().unwrap();
    let (path, store) = made(dir.path());
    granted(&*store);
    let ended = on_hold(&*store, Hold::Pause, Some("acme"), "ended since");
    on_hold(&*store, Hold::Pause, Some("bolt"), "stands in both");
    let backup = dir.path().join("backup");
    store.backup(&backup).unwrap();
    store.release_hold(ended, &author("ada"), "mended", at(6)).unwrap();
    on_hold(&*store, Hold::Stop, None, "since the backup");
    on_hold(&*store, Hold::Cleanup, Some("acme"), "since the backup, too");
    let gone = on_hold(&*store, Hold::BackOut, None, "ended before the restore");
    store.release_hold(gone, &author("ada"), "mended", at(7)).unwrap();
    // As a killed service leaves it: the last of this is in the log alone.
    let killed = dir.path().join("killed");
    fs::copy(&path, &killed).unwrap();
    fs::copy(sidecar(&path, "-wal"), sidecar(&killed, "-wal")).unwrap();
    drop(store);
    for path in [path, killed] {
        let restored = restore(&backup, &path, at(9)).unwrap();
        let carried = restored.holds.unwrap();
        let mut reasons: Vec<&str> = carried.iter().map(|hold| hold.reason.as_str()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, ["since the backup", "since the backup, too"]);
        let store = alone(&path).unwrap();
        let mut found = levels(&*store);
        found.sort_by(|a, b| a.2.cmp(&b.2));
        let due = [
            (Hold::Pause, Some("acme".to_owned()), "ended since".to_owned()),
            (Hold::Stop, None, "since the backup".to_owned()),
            (Hold::Cleanup, Some("acme".to_owned()), "since the backup, too".to_owned()),
            (Hold::Pause, Some("bolt".to_owned()), "stands in both".to_owned()),
        ];
        assert_eq!(found, due);
        let by: Vec<String> = store.holds(true).unwrap().into_iter().map(|hold| hold.by).collect();
        assert!(by.iter().all(|by| by == "kim"), "{by:?}");
        // A hold that is carried over is newer than every grant, and than all that was decided.
        let newest = store.holds(true).unwrap().iter().map(|hold| hold.id).max();
        assert!(newest > store.grants(false).unwrap().iter().map(|grant| grant.epoch).max());
        assert!(store.audit_check(&[]).unwrap().findings.is_empty());
    }
}

#[test]
fn a_restore_says_where_holds_since_the_backup_are_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let (path, store) = made(dir.path());
    let (bare, backup) = (dir.path().join("bare"), dir.path().join("backup"));
    store.backup(&bare).unwrap();
    granted(&*store);
    store.backup(&backup).unwrap();
    drop(store);
    // Nothing was there, or nothing that can be read.
    assert_eq!(restore(&backup, &dir.path().join("new"), at(9)).unwrap().holds, None);
    damage(&path, 0);
    assert_eq!(restore(&backup, &path, at(9)).unwrap().holds, None);
    // Where no programme runs, nothing can be missing.
    let restored = restore(&bare, &dir.path().join("newer"), at(9)).unwrap();
    assert_eq!(restored.holds, Some(Vec::new()));
}

#[test]
fn what_was_to_be_done_at_the_backup_waits_for_a_person_after_a_restore() {
    const DAY: i64 = 86_400;
    let dir = tempfile::tempdir().unwrap();
    let (path, store) = made(dir.path());
    granted(&*store);
    for n in 0..3 {
        let (id, of) = (format!("a{n}"), format!("ta{n}"));
        // The drafts of the tickets that were made before come first.
        let mut one = decided(&id, &of, 0);
        one.draft = false;
        record(&*store, one);
        let said = ReviewRequest { version: 1, ..review(&id, Review::Accepted, &id) };
        store.review(&said, at(if n == 0 { 3 } else { DAY })).unwrap();
    }
    let holder = crate::Holder { key: "glue", owner: "a", customers: &CustomerSet::All };
    let take = |store: &dyn Store, now| {
        let claim = crate::ActionClaim {
            holder,
            limit: 1,
            most: 9,
            now: at(now),
            until: at(now + 5),
            alone: Some("bundle-1"),
        };
        store.claim_actions(&claim).unwrap()
    };
    let route = firstline_ticket::Route::Auto;
    record(&*store, Decided { route, draft: false, ..decided("b1", "tb1", 0) });
    assert_eq!(store.to_act(None, 9).unwrap().len(), 1);
    let backup = dir.path().join("backup");
    store.backup(&backup).unwrap();
    drop(store);
    let later = DAY + 100;
    let Restored { held, .. } = restore(&backup, &path, at(later)).unwrap();
    assert_eq!(held, 3);
    let store = alone(&path).unwrap();
    assert!(take(&*store, later).is_empty());
    assert!(store.to_act(None, 9).unwrap().is_empty(), "it may have been acted on since");
    let all = store.actions(Some(ActionState::Held), &CustomerSet::All, None, 9).unwrap().items;
    assert!(all.iter().all(|action| action.attempts > 0), "the PSA is asked whether it has them");
    // The newest first. One approved more than a day ago is stale, whoever asks.
    let retry = |i: usize| store.retry_action(all[i].id, &CustomerSet::All, "kim", at(later)).unwrap();
    assert_eq!([retry(0), retry(2)], [true, false]);
    assert_eq!(store.drop_held(at(later - DAY), at(later)).unwrap(), 1);
    let states: Vec<ActionState> =
        store.actions(None, &CustomerSet::All, None, 9).unwrap().items.iter().map(|a| a.state).collect();
    assert_eq!(states, [ActionState::Waiting, ActionState::Held, ActionState::Void]);
    assert!(store.audit_check(&[]).unwrap().findings.is_empty());
}
