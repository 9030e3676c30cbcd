//! `firstline demo --serve` as a newcomer meets it: a link, a password, and a draft to review.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::browser::Browser;
use crate::tool::Dir;

/// The program, which ends with the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// What stands in the page's box.
fn written(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"text\"").unwrap_or_else(|| panic!("{page}"));
    let (_, rest) = rest.split_once('>').unwrap();
    let text = rest.split("</textarea>").next().unwrap();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn a_newcomer_signs_in_by_the_link_and_approves_a_draft() {
    let dir = Dir::new();
    let args =
        ["demo", "--serve", "--port", "0", "--dir", "demo", "--tickets", "600", "--model", "tiny-random"];
    let mut demo = Demo(dir.command(&args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    // Nothing follows the last line, so nobody waits for another one.
    let mut told = String::new();
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    for line in lines.by_ref() {
        told = format!("{told}{line}\n");
        if line.contains("Ctrl-C ends it") {
            break;
        }
    }
    let link = told.lines().find(|line| line.contains("/password#")).unwrap_or_else(|| panic!("{told}"));
    let browser = Browser::at(link.split_once("/password#").unwrap().0);
    browser.follow(link);
    let queue = browser.get("/review").text;
    let draft = queue.split("href=\"/review/").nth(1).unwrap_or_else(|| panic!("{queue}"));
    let path = format!("/review/{}", draft.split(['"', '?']).next().unwrap());
    let page = browser.get(&path).text;
    let value = |name: &str| -> String {
        let (_, rest) =
            page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
        rest.split('"').next().unwrap().to_owned()
    };
    let (version, text) = (value("version"), written(&page));
    let form = [
        ("version", version.as_str()),
        ("text", text.as_str()),
        ("action", "approve"),
        ("identity", "1"),
        ("override", "1"),
    ];
    let approved = browser.post(&path, &form);
    assert_eq!(approved.status, 303, "{}", approved.text);
    assert!(browser.get("/outbox").text.contains(&path), "what is approved waits in the outbox");
    let stopped =
        std::process::Command::new("kill").args(["-INT", &demo.0.id().to_string()]).status().unwrap();
    assert!(stopped.success() && demo.0.wait().unwrap().success());
}
