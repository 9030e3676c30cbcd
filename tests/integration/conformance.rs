//! Clients that others wrote understand the fakes of PSAs. Otherwise fakes and connectors could share the same mistakes.

use std::path::Path;
use std::process::Command;

#[test]
fn foreign_clients_understand_the_fakes() {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/psa/conformance/run");
    let mut command = Command::new("python3");
    command.arg(&run).env("FIRSTLINE", env!("CARGO_BIN_EXE_firstline"));
    let output = match command.output() {
        Ok(output) => output,
        Err(e) => {
            eprintln!("skipped: python3 does not start: {e}");
            return;
        }
    };
    let told = String::from_utf8_lossy(&output.stdout);
    // Clients whose packages can't be had here are named in a line of their own.
    for line in told.lines().filter(|line| line.starts_with("skipped: ")) {
        eprintln!("{line}");
    }
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
}
