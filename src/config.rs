//! The service's settings. Precedence, highest first: flags, the environment, the `--config` file, the defaults.

use std::path::Path;

use directories::ProjectDirs;
use firstline_fault::{Code, InternalError, UserError};
use firstline_serve::{DEFAULT_SETTINGS, Settings};
use firstline_store::{AnchorKey, Location, Store};
use toml::{Table, Value};

use crate::arguments::SettingsArgs;
use crate::failure::Failure;

/// Prefix of a setting's name in the environment; the section comes next, as in FIRSTLINE_LIMITS_QUEUE_MS.
const PREFIX: &str = "FIRSTLINE_";
/// Longest settings file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The settings in effect; `flags` are the command's own.
pub(crate) fn settings(args: &SettingsArgs, flags: &[(&str, Option<String>)]) -> Result<Settings, Failure> {
    let mut table: Table =
        DEFAULT_SETTINGS.parse().map_err(|e| InternalError::new(format!("the default settings: {e}")))?;
    if let Some(path) = &args.config {
        let place = path.display().to_string();
        for (name, value) in flat(&read(path)?) {
            set(&mut table, &name, value, &place)?;
        }
    }
    let names: Vec<String> = flat(&table).into_iter().map(|(name, _)| name).collect();
    for name in names {
        let variable = format!("{PREFIX}{}", name.replace('.', "_").to_uppercase());
        if let Ok(text) = std::env::var(&variable) {
            set_text(&mut table, &name, &text, &variable)?;
        }
    }
    for (name, text) in flags {
        if let Some(text) = text {
            set_text(&mut table, name, text, &format!("--{name}"))?;
        }
    }
    if let Some(store) = &args.store {
        set_text(&mut table, "store", store, "--store")?;
    }
    for setting in &args.set {
        let Some((name, text)) = setting.split_once('=') else {
            // The text is not repeated: it may hold a password.
            let next = "Write NAME=VALUE, such as limits.queue_ms=500";
            return Err(UserError::new(Code::Config, "--set", "a setting has no value", next).into());
        };
        set_text(&mut table, name.trim(), text.trim(), "--set")?;
    }
    let settings: Settings = table.try_into().map_err(|e: toml::de::Error| {
        let problem = e.message().to_owned();
        UserError::new(
            Code::Config,
            "the settings",
            problem,
            "`firstline serve --print-config` shows all settings",
        )
    })?;
    Ok(settings)
}

/// Where the settings say that the store is.
pub(crate) fn location(settings: &Settings) -> Result<Location, Failure> {
    Ok(settings.store.expose().parse()?)
}

/// Fills in where the audit log's head is signed and kept, where the settings leave that open: the user's state folder, a file for
/// each store. With `make`, makes the key; where it can't be made there, nothing is filled in.
pub(crate) fn anchoring(settings: &mut Settings, make: bool) -> Result<(), Failure> {
    let unset = |path: &Path| path.as_os_str().is_empty();
    if settings.audit_key == Path::new("none") {
        return Ok(());
    }
    let dirs = ProjectDirs::from("", "", "firstline");
    let state = dirs.as_ref().map(|dirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()));
    if unset(&settings.audit_key)
        && let Some(state) = state
    {
        let key = state.join("audit.key");
        // Another process may make it at the same time.
        if key.exists() || (make && (AnchorKey::create(&key).is_ok() || key.exists())) {
            settings.audit_key = key;
        }
    }
    if unset(&settings.audit_anchor)
        && let Some(state) = state
    {
        settings.audit_anchor = state.join("anchors").join(format!("{}.jsonl", location(settings)?.id()));
    }
    Ok(())
}

/// Opens the store that the settings name.
pub(crate) fn store(settings: &Settings) -> Result<Box<dyn Store>, Failure> {
    Ok(firstline_store::open(&location(settings)?)?)
}

/// Opens the store that a command's settings name; a file must exist already.
pub(crate) fn existing_store(args: &SettingsArgs) -> Result<Box<dyn Store>, Failure> {
    let settings = settings(args, &[])?;
    if let Location::Sqlite(path) = location(&settings)?
        && !path.exists()
    {
        let next = "Name it with --store; `firstline serve` creates one";
        return Err(UserError::new(Code::Store, path.display().to_string(), "there is no store", next).into());
    }
    store(&settings)
}

fn read(path: &Path) -> Result<Table, Failure> {
    let place = path.display().to_string();
    let io = |e: std::io::Error| UserError::io(&place, &e);
    if std::fs::metadata(path).map_err(io)?.len() > MAX_BYTES {
        let next = "`firstline serve --print-config` prints one";
        return Err(UserError::new(Code::Config, place, "the file is too long for settings", next).into());
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    text.parse().map_err(|e: toml::de::Error| {
        // The line is not repeated: it may hold a password.
        let line = e.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
        let (place, problem) = (format!("{place}, line {line}"), e.message().to_owned());
        UserError::new(Code::Config, place, problem, "Write TOML, as `firstline serve --print-config` does")
            .into()
    })
}

/// The settings of a table by name; those of a section are named `section.name`.
fn flat(table: &Table) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => {
                all.extend(section.iter().map(|(key, value)| (format!("{name}.{key}"), value.clone())));
            }
            value => all.push((name.clone(), value.clone())),
        }
    }
    all
}

/// The value of the setting `name`, which must exist.
fn slot<'t>(table: &'t mut Table, name: &str, place: &str) -> Result<&'t mut Value, Failure> {
    let slot = match name.split_once('.') {
        Some((section, key)) => table.get_mut(section).and_then(|section| section.get_mut(key)),
        None => table.get_mut(name).filter(|value| !value.is_table()),
    };
    slot.ok_or_else(|| {
        let next = "`firstline serve --print-config` shows all settings";
        let plain = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let name =
            if plain { format!("no setting {name:?}") } else { "not the name of a setting".to_owned() };
        UserError::new(Code::Config, place, name, next).into()
    })
}

fn set(table: &mut Table, name: &str, value: Value, place: &str) -> Result<(), Failure> {
    let slot = slot(table, name, place)?;
    // A whole number is valid where a fraction is expected.
    *slot = match (&slot, value) {
        (Value::Float(_), Value::Integer(n)) => Value::Float(n as f64),
        (_, value) => value,
    };
    Ok(())
}

/// Sets the setting `name` from text, parsed as the type of its default.
fn set_text(table: &mut Table, name: &str, text: &str, place: &str) -> Result<(), Failure> {
    let slot = slot(table, name, place)?;
    let value = match slot {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Float(_) => text.parse().ok().map(Value::Float),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        _ => Some(Value::String(text.to_owned())),
    };
    *slot = value.ok_or_else(|| {
        let next = format!("Give a value like {slot}");
        UserError::new(Code::Config, place, format!("not a value of {name}"), next)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(set: &[&str]) -> SettingsArgs {
        SettingsArgs { config: None, store: None, set: set.iter().map(|s| (*s).to_owned()).collect() }
    }

    #[test]
    fn higher_layers_take_precedence_and_unknown_names_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f.toml");
        std::fs::write(&file, "writing_seconds = 5\nlisten = \"127.0.0.1:1\"\n[limits]\nqueue_ms = 7\n")
            .unwrap();
        let from_file = SettingsArgs { config: Some(file.clone()), ..args(&["limits.queue_ms=9"]) };
        let settings = settings(&from_file, &[("listen", Some("127.0.0.1:2".to_owned()))]).unwrap();
        assert_eq!((settings.writing_seconds, settings.limits.queue_ms), (5.0, 9));
        assert_eq!((settings.listen.as_str(), settings.limits.requests), ("127.0.0.1:2", 256));
        std::fs::write(&file, "bundel = \"x\"\n").unwrap();
        let fault = super::settings(&from_file, &[]).unwrap_err().to_string();
        assert!(fault.contains("bundel") && fault.contains("f.toml"), "{fault}");
        std::fs::write(&file, "listen = \"a\"\nstore = postgres://u:hunter2@h/d\n").unwrap();
        let fault = super::settings(&from_file, &[]).unwrap_err().to_string();
        assert!(fault.contains("line 2") && !fault.contains("hunter2"), "{fault}");
        for secret in ["store postgres://u:hunter2@h/d", "store postgres://u:hunter2@h/d?a=b"] {
            assert!(!super::settings(&args(&[secret]), &[]).unwrap_err().to_string().contains("hunter2"));
        }
        for bad in ["limits.queue_ms=soon", "limits=1", "nonsense"] {
            assert!(super::settings(&args(&[bad]), &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_defaults_are_valid_and_secrets_are_hidden() {
        let settings = settings(&args(&[]), &[]).unwrap();
        settings.check().unwrap();
        let secret = super::settings(&args(&["store=postgres://u:hunter2@h/d"]), &[]).unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert!(!toml::to_string(&secret).unwrap().contains("hunter2"));
    }
}
