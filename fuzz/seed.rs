//! Writes what fuzzing begins with: the heads of small sound files.

use std::fs;
use std::path::Path;

use firstline_nn::write_tiny_decoder;
// What it is built with counts coverage; the counters are there.
use libfuzzer_sys as _;

/// More than the head of a tiny decoder has, and little of its weights.
const HEAD: usize = 12 << 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/gguf");
    fs::create_dir_all(&corpus)?;
    for architecture in ["llama", "qwen2"] {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("tiny.gguf");
        write_tiny_decoder(&path, architecture)?;
        let bytes = fs::read(&path)?;
        fs::write(corpus.join(architecture), &bytes[..HEAD.min(bytes.len())])?;
    }
    write("csv", "export", b"\x01id,summary,board,date entered\n1,printer,Help Desk,2026-11-26 08:00\n")?;
    write("csv", "lines", b"\x00{\"id\":\"1\",\"subject\":\"printer\"}\n")?;
    let mail = "Hi,\r\n\r\nthe printer is offline.\r\n\r\nBest regards\r\nAnna\r\n-- \r\nOn Mon, 3 Nov 2026 at 08:00 Bo <b@x.example> wrote:\r\n> What is wrong?\r\n";
    write("normalize", "mail", mail.as_bytes())?;
    let html = "<html><style>p{}</style><p>VPN&nbsp;is <b>down</b></p><blockquote>Old<br>text</blockquote><div>Sent from my phone</div>";
    write("normalize", "html", html.as_bytes())?;
    write("normalize", "alert", b"[PROBLEM] host SRV-01: disk C: 97% used\nAck: http://x.example/1\nGr\xc3\x83\xc2\xbc\xc3\x83\xc5\xb8e")?;
    let bodies = [
        r#"{"tickets":[{"id":"1","subject":"printer","opened_at":"2026-11-26T08:00:00Z"}],"drafts":true,"top":2}"#,
        r#"{"items":[{"ticket_id":"1","final":{"board":"x"},"reply":"ok","handle_seconds":3}]}"#,
        r#"{"ticket":{"id":"1","body":"vpn"},"limit":3,"customer":"c"}"#,
        r#"{"tickets":[{"id":"1","subject":"printer"}],"drafts":false}"#,
        r#"{"action":"edit","text":"ok","fields":{"board":"x"}}"#,
        r#"{"owner":"me","limit":2,"lease_seconds":3}"#,
        r#"{"owner":"me","error":"no"}"#,
        r#"{"input":["a","b"],"encoding_format":"base64"}"#,
        r#"{"inputs":"printer","truncate":true}"#,
        r#"{"inputs":[["a"],["b"]],"field":"board"}"#,
    ];
    for (path, body) in bodies.into_iter().enumerate() {
        write("bodies", &path.to_string(), &[&[path as u8][..], body.as_bytes()].concat())?;
    }
    Ok(())
}

fn write(target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    fs::write(corpus.join(name), bytes)
}
