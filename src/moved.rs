//! Commands that moved into a group: an old spelling answers with the new one and runs nothing.

/// Old command, and where it is now.
const MOVED: [(&str, &str); 13] = [
    ("audit", "store audit"),
    ("backup", "store backup"),
    ("chat", "dev chat"),
    ("evaluate-drafts", "drafts evaluate"),
    ("forget", "store forget"),
    ("generate", "dev generate"),
    ("index", "drafts index"),
    ("keys", "store keys"),
    ("learn-reviews", "drafts learn-reviews"),
    ("outcomes", "store outcomes"),
    ("similar", "drafts similar"),
    ("templates", "drafts templates"),
    ("tune-writer", "drafts tune"),
];

/// Arguments whose value may hold a password; the value is not repeated.
const SECRET: [&str; 2] = ["--store", "--set"];

/// The new spelling of the arguments in `typed`, where their command has moved.
pub(crate) fn advice(typed: &[String]) -> Option<String> {
    let at = typed.iter().position(|arg| !arg.starts_with('-') && arg != "help")?;
    let (old, new) = MOVED.iter().find(|(old, _)| typed[at] == *old)?;
    let mut words = vec!["firstline".to_owned()];
    let mut hide = false;
    for (i, arg) in typed.iter().enumerate() {
        let name = arg.split_once('=').map_or(arg.as_str(), |(name, _)| name);
        words.push(match () {
            () if i == at => (*new).to_owned(),
            () if hide || may_hold_password(arg) => "...".to_owned(),
            () if name != arg && SECRET.contains(&name) => format!("{name}=..."),
            () => quoted(arg),
        });
        hide = SECRET.contains(&arg.as_str());
    }
    Some(format!("`firstline {old}` is now `firstline {new}`\n\n  {}", words.join(" ")))
}

/// Whether an argument looks like an address with a user's name in it.
fn may_hold_password(arg: &str) -> bool {
    arg.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// An argument as a shell reads it back.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@+%".contains(c);
    match !arg.is_empty() && arg.chars().all(plain) {
        true => arg.to_owned(),
        false => format!("'{}'", arg.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(typed: &[&str]) -> Option<String> {
        advice(&typed.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_moved_command_is_where_it_is_said_to_be() {
        let root = crate::cli::command();
        for (old, new) in MOVED {
            assert!(root.find_subcommand(old).is_none(), "{old} is still a command");
            let found = new.split(' ').try_fold(&root, |at, name| at.find_subcommand(name));
            assert!(found.is_some(), "{new} is no command");
        }
    }

    #[test]
    fn the_whole_of_what_was_typed_is_spelled_out() {
        let told =
            answer(&["-q", "keys", "create", "--name", "the glue's", "--scope", "triage,act"]).unwrap();
        assert!(told.starts_with("`firstline keys` is now `firstline store keys`"), "{told}");
        let line = r"  firstline -q store keys create --name 'the glue'\''s' --scope triage,act";
        assert_eq!(told.lines().last(), Some(line));
        assert!(answer(&["help", "chat"]).unwrap().ends_with("  firstline help dev chat"));
        for other in [&["train", "keys"][..], &["--quiet"], &[], &["nonsense"]] {
            assert_eq!(answer(other), None);
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        for typed in [
            &["backup", "--store", "postgres://u:hunter2@h/d", "--to", "copy.db"][..],
            &["backup", "--store=postgres://u:hunter2@h/d", "--to", "copy.db"],
            &["backup", "--set", "store=postgres://u:hunter2@h/d", "--to", "copy.db"],
            &["backup", "postgres://u:hunter2@h/d", "--to", "copy.db"],
            &["forget", "--from=postgres://u:hunter2@h/d", "--to", "copy.db"],
        ] {
            let told = answer(typed).unwrap();
            assert!(!told.contains("hunter2") && told.contains("--to copy.db"), "{told}");
        }
    }
}
