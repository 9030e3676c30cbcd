//! Bundles whose files are changed under a running service: it goes on with what it has checked, and none is opened that is not
//! whole.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::served::{Service, tickets};
use crate::tool::{Dir, Run, TRAINED};

/// All files in `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// A copy of the trained bundle, and the folder that it is in.
fn copy() -> (Dir, PathBuf) {
    let (dir, from) = (Dir::new(), TRAINED.path("bundle"));
    let to = dir.path("bundle");
    for file in files(&from) {
        let copy = to.join(file.strip_prefix(&from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&file, &copy).unwrap();
    }
    (dir, to)
}

#[test]
fn a_service_goes_on_with_what_it_has_checked() {
    let (dir, bundle) = copy();
    let service = Service::start_on(&bundle, &[]);
    let key = service.key("triage", &[]);
    let ask = |service: &Service, prefix: &str| {
        let mut sent = tickets(12);
        sent.iter_mut().for_each(|t| t["id"] = json!(format!("{prefix}{}", t["id"].as_str().unwrap())));
        let answer = service.post("/v1/triage", &key, &json!({"tickets": sent, "drafts": true})).ok();
        let decided = |r: &serde_json::Value| (r["fields"].clone(), r["draft"]["text"].clone());
        answer["results"].as_array().unwrap().iter().map(decided).collect::<Vec<_>>()
    };
    let before = ask(&service, "a");
    assert!(before.iter().any(|(_, draft)| draft.is_string()), "some are drafted");
    // In place, as a careless copy does it: other bytes first, then fewer.
    for file in files(&bundle) {
        let zeros = vec![0; fs::metadata(&file).unwrap().len() as usize];
        fs::write(&file, zeros).unwrap();
    }
    assert_eq!(ask(&service, "b"), before);
    files(&bundle).iter().for_each(|file| fs::write(file, "x").unwrap());
    assert_eq!(ask(&service, "c"), before);
    let refused = dir.run(&["serve", "--bundle", "bundle", "--listen", "127.0.0.1:0"]);
    assert!(refused.code == 1 && refused.stderr.contains("E_BUNDLE"), "{}", refused.stderr);
}

#[test]
fn no_bundle_is_opened_of_which_a_part_is_another() {
    let (dir, bundle) = copy();
    dir.file("one.jsonl", tickets(1)[0].to_string());
    let run = || dir.run(&["draft", "--bundle", "bundle", "one.jsonl"]);
    let sound = run();
    assert_eq!(sound.code, 0, "{}", sound.stderr);
    let parts = files(&bundle);
    // What is made again wherever it is missing tells damage by a hash of its own.
    let is_made = |file: &PathBuf| file.extension().is_some_and(|e| e == "pack");
    for file in parts.iter().filter(|file| !is_made(file)) {
        let whole = fs::read(file).unwrap();
        let mut other = whole.clone();
        *other.last_mut().unwrap() ^= 1;
        for bytes in [other, whole[..whole.len() / 2].to_vec()] {
            fs::write(file, bytes).unwrap();
            let refused = run();
            assert_eq!(refused.code, 1, "{}: {}", file.display(), refused.stderr);
        }
        fs::write(file, whole).unwrap();
    }
    for file in parts.iter().filter(|file| is_made(file)) {
        fs::write(file, "x").unwrap();
    }
    let text = |run: &Run| run.lines()[0]["draft"]["text"].as_str().unwrap().to_owned();
    assert_eq!(text(&run()), text(&sound));
}
