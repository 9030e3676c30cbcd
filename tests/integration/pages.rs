//! The pages in a browser: `tests/pages/run` clicks through them, and says so in a line where it can't.

use std::path::Path;
use std::process::Command;

#[test]
fn the_pages_work_in_a_browser() {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/run");
    let output =
        Command::new("bash").arg(&run).env("FIRSTLINE", env!("CARGO_BIN_EXE_firstline")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    for line in told.lines().filter(|line| line.starts_with("skipped: ")) {
        eprintln!("{line}");
    }
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
}
