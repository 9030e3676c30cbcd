//! Commands apart from the main way: models, doctor, generate, import, help, completions, man pages, moved commands.

use crate::tool::Dir;

/// The commands of the top level.
const COMMANDS: [&str; 24] = [
    "demo",
    "doctor",
    "import",
    "audit-labels",
    "learning-curve",
    "train",
    "evaluate",
    "certify",
    "classify",
    "draft",
    "drafts",
    "policy",
    "normalize",
    "serve",
    "store",
    "users",
    "connect",
    "pull",
    "bench",
    "rollout",
    "incidents",
    "models",
    "completions",
    "dev",
];

/// Every command of a group.
const GROUPED: [&str; 41] = [
    "drafts index",
    "drafts similar",
    "drafts templates",
    "drafts evaluate",
    "drafts tune",
    "drafts learn-reviews",
    "store keys",
    "store outcomes",
    "store audit",
    "store backup",
    "store restore",
    "store forget",
    "rollout baseline",
    "rollout tiers",
    "rollout pilots",
    "rollout criteria",
    "rollout rules",
    "rollout replay",
    "rollout sign",
    "rollout start",
    "rollout status",
    "rollout gate",
    "rollout hold",
    "rollout resume",
    "rollout report",
    "users add",
    "users link",
    "users list",
    "users disable",
    "models list",
    "models pull",
    "models verify",
    "models tiny",
    "dev generate",
    "dev acknowledgements",
    "dev chat",
    "dev man",
    "dev psa",
    "incidents list",
    "incidents add",
    "incidents decide",
];

#[test]
fn help_names_every_command_and_the_exit_status() {
    let dir = Dir::new();
    let help = dir.ok(&["--help"]).stdout;
    for name in COMMANDS {
        let line =
            help.lines().find(|l| l.strip_prefix("  ").is_some_and(|l| l.starts_with(&format!("{name} "))));
        let line = line.unwrap_or_else(|| panic!("{name} is not in --help:\n{help}"));
        assert!(line.chars().count() <= 100 && line.split_whitespace().count() > 3, "{line:?}");
    }
    for part in [
        "Try it",
        "Learn from your history",
        "Run as a service",
        "Roll out",
        "Exit status",
        "--quiet",
        "--version",
    ] {
        assert!(help.contains(part), "{part} is not in --help:\n{help}");
    }
    assert!(!help.contains("keys "), "commands that have moved are not shown:\n{help}");
    for name in GROUPED {
        let path: Vec<&str> = name.split(' ').collect();
        assert!(dir.ok(&[path[0], "--help"]).stdout.contains(&format!("\n  {} ", path[1])), "{name}");
        assert!(dir.ok(&[path[0], path[1], "--help"]).stdout.contains("Usage: firstline"), "{name}");
    }
}

#[test]
fn an_old_spelling_answers_with_the_new_one() {
    let dir = Dir::new();
    for (old, new) in [
        ("keys", "store keys"),
        ("outcomes", "store outcomes"),
        ("audit", "store audit"),
        ("backup", "store backup"),
        ("forget", "store forget"),
        ("index", "drafts index"),
        ("similar", "drafts similar"),
        ("templates", "drafts templates"),
        ("evaluate-drafts", "drafts evaluate"),
        ("tune-writer", "drafts tune"),
        ("learn-reviews", "drafts learn-reviews"),
        ("generate", "dev generate"),
        ("chat", "dev chat"),
    ] {
        for more in [&[][..], &["--help"]] {
            let run = dir.run(&[&[old], more].concat());
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{old}: {}", run.stderr);
            assert!(
                run.stderr.contains(&format!("`firstline {old}` is now `firstline {new}`")),
                "{}",
                run.stderr
            );
        }
    }
    let run = dir.run(&["keys", "create", "--name", "our glue", "--store", "postgres://u:hunter2@h/d"]);
    assert!(
        run.stderr.ends_with("\n  firstline store keys create --name 'our glue' --store ...\n"),
        "{}",
        run.stderr
    );
    let run = dir.run(&["drafts", "keys"]);
    assert!(run.code == 2 && !run.stderr.contains("is now"), "{}", run.stderr);
    assert!(dir.run(&["nonsense"]).stderr.contains("unrecognized subcommand"));
}

#[test]
fn every_shell_completes_every_command() {
    let dir = Dir::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = dir.ok(&["completions", shell]).stdout;
        for name in COMMANDS {
            assert!(script.contains(name), "{shell} does not complete {name}");
        }
        for name in GROUPED {
            assert!(
                script.contains(name.split(' ').next_back().unwrap()),
                "{shell} does not complete {name}"
            );
        }
        assert!(script.contains("no-index"), "{shell} does not complete arguments");
    }
    assert_eq!(dir.run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn every_command_has_a_man_page() {
    let dir = Dir::new();
    dir.ok(&["dev", "man", "--out", "man/man1"]);
    let page = |name: &str| std::fs::read_to_string(dir.path("man/man1").join(format!("{name}.1"))).unwrap();
    let top = page("firstline");
    for name in COMMANDS {
        assert!(top.contains(&name.replace('-', "\\-")), "{name} is not in firstline.1");
        assert!(page(&format!("firstline-{name}")).contains(".SH NAME"), "{name}");
    }
    for name in GROUPED {
        assert!(page(&format!("firstline-{}", name.replace(' ', "-"))).contains(".SH OPTIONS"), "{name}");
    }
    assert!(page("firstline-train").contains("no\\-index"));
}

#[test]
fn doctor_tells_machine_and_models() {
    let report = Dir::new().ok(&["doctor", "--json"]).json();
    assert!(report["threads"].as_u64().unwrap() >= 1);
    assert_eq!(report["models"][0]["name"], "all-minilm-l6-v2");
    assert_eq!(report["bundle_format"], 2);
    let sets = report["instruction_sets"].as_array().unwrap();
    assert!(sets.contains(&report["instruction_set"]) && sets[0] == "scalar", "{report}");
}

#[test]
fn an_instruction_set_that_is_not_there_is_told() {
    let dir = Dir::new();
    dir.file("t.jsonl", "{\"id\":\"a\",\"subject\":\"x\",\"board\":\"A\"}\n");
    let args = ["train", "--tickets", "t.jsonl", "--model", "tiny-random", "--bundle", "b"];
    let run: crate::tool::Run = dir.command(&args).env("FIRSTLINE_ISA", "altivec").output().unwrap().into();
    assert_eq!(run.code, 1, "{}", run.stderr);
    for part in ["E_CONFIG", "FIRSTLINE_ISA", "altivec", "scalar"] {
        assert!(run.stderr.contains(part), "{part} is not in {}", run.stderr);
    }
}

#[test]
fn the_tiny_model_is_made_checked_and_small() {
    let dir = Dir::new();
    dir.ok(&["models", "tiny", "--dir", "tiny", "--seed", "5"]);
    let size: u64 =
        std::fs::read_dir(dir.path("tiny")).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!((10_000..1_000_000).contains(&size), "{size} bytes");
    dir.ok(&["models", "pull", "tiny-random"]);
    dir.ok(&["models", "verify", "tiny-random"]);

    let cache = dir.path("cache");
    let here = ["--model-cache", cache.to_str().unwrap()];
    dir.ok(&[&["models", "pull", "tiny-random"], &here[..]].concat());
    std::fs::write(dir.path("cache/models/tiny-random/config.json"), "{}").unwrap();
    dir.fails(&[&["models", "verify", "tiny-random"], &here[..]].concat(), "E_MODEL_HASH");
}

#[test]
fn where_no_source_answers_the_error_says_what_to_copy_where() {
    let dir = Dir::new();
    let manifest = "name = \"absent\"\nlicence = \"MIT\"\narchitecture = \"bert\"\ndimensions = 8\nmax_tokens = 16\n\
                    pooling = \"mean\"\nnormalise = true\n[[files]]\npath = \"config.json\"\nbytes = 3\n\
                    sha256 = \"00000000000000000000000000000000000000000000000000000000000000ab\"\n";
    dir.file("absent.toml", manifest);
    let run = dir.fails(&["models", "pull", "absent.toml"], "E_MODEL_SOURCE");
    assert!(run.stderr.contains("config.json") && run.stderr.contains("00ab"), "{}", run.stderr);
}

#[test]
fn generate_is_seeded_and_writes_its_card() {
    let dir = Dir::new();
    let make = |seed: &str, out: &str| {
        dir.ok(&["dev", "generate", "--tickets", "300", "--seed", seed, "--out", out]);
        std::fs::read(dir.path(out)).unwrap()
    };
    let first = make("1", "a.jsonl");
    assert!(first == make("1", "b.jsonl") && first != make("2", "c.jsonl"));
    assert_eq!(first.iter().filter(|&&b| b == b'\n').count(), 300);
    assert!(std::fs::read_to_string(dir.path("a.card.md")).unwrap().to_lowercase().contains("generated"));
}

#[test]
fn an_autotask_export_becomes_canonical_tickets() {
    let dir = Dir::new();
    let csv = "Ticket Number;Title;Description;Queue;Issue Type;Sub-Issue Type;Priority;Primary Resource;Company;Create Date/Time\n\
               T1;Printer jam;\"It jams;\nevery day\";Level 1;Printer;Jam;Medium;\"Doe, Jo\";Acme;03/04/2026 08:15\n\
               T2;;;;;;;;;\n\
               T1;Again;x;Level 1;Printer;Jam;Low;;Acme;04/04/2026 08:15\n";
    dir.file("export.csv", csv);
    let args = [
        "import",
        "export.csv",
        "--out",
        "t.jsonl",
        "--preset",
        "autotask",
        "--date-format",
        "%d/%m/%Y %H:%M",
        "--time-zone",
        "Europe/Berlin",
        "--json",
    ];
    let run = dir.run(&args);
    let summary = run.json();
    assert_eq!((summary["imported"].as_u64(), summary["rejected"].as_u64()), (Some(1), Some(2)), "{summary}");
    let line = std::fs::read_to_string(dir.path("t.jsonl")).unwrap();
    let ticket: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(ticket["board"], "Level 1");
    assert_eq!(ticket["type"], "Printer");
    assert_eq!(ticket["body"], "It jams;\nevery day");
    assert_eq!(ticket["opened_at"], "2026-04-03T06:15:00Z");
    assert_eq!(std::fs::read_to_string(dir.path("t.rejects.jsonl")).unwrap().lines().count(), 2);
}

#[test]
fn an_export_without_ids_is_numbered_and_the_table_says_what_was_not_used() {
    let dir = Dir::new();
    dir.file("e.csv", "Tickets of May,\nSummary,Mood\nScanner dead,glad\n");
    assert!(dir.run(&["import", "e.csv", "--out", "t.jsonl"]).stderr.contains("--number-rows"));
    let table = dir.ok(&["import", "e.csv", "--out", "t.jsonl", "--number-rows"]).stdout;
    let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(row("columns that filled nothing").contains("\"Mood\""), "{table}");
    assert!(row("fields that nothing filled").contains("opened_at, body"), "{table}");
    assert!(std::fs::read_to_string(dir.path("t.jsonl")).unwrap().contains("\"id\":\"row-3\""));
}

#[test]
fn import_counts_duplicates_and_languages() {
    let dir = Dir::new();
    let text = "The printer on the second floor does not print anything since this morning, please help us";
    let german = "Der Drucker im zweiten Stock druckt seit heute Morgen nicht mehr, bitte helfen Sie uns";
    let row = |id: u32, text: &str| format!("{}\n", serde_json::json!({"id": id.to_string(), "body": text}));
    dir.file("in.jsonl", [row(1, text), row(2, text), row(3, &text.to_uppercase()), row(4, german)].concat());
    let summary = dir.ok(&["import", "in.jsonl", "--out", "out.jsonl", "--json"]).json();
    assert_eq!(summary["imported"], 4);
    assert_eq!(summary["exact_duplicates"], 1);
    assert_eq!(summary["near_duplicates"], 2);
    assert_eq!(summary["languages"]["de"], 1, "{summary}");
}
