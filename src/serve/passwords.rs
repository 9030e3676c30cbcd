//! Passwords: which are refused, how they are hashed, and how one is verified.
//!
//! Hashes are Argon2id, with the parameters in them. Must never print a password, keep one, or take less time for a person who is not known.

use std::collections::HashSet;
use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use firstline_fault::{Code, InternalError, Result, UserError};
use unicode_normalization::UnicodeNormalization;

/// Least characters of a password.
const LEAST: usize = 12;
/// Most bytes of one: what is hashed is bounded.
const MOST: usize = 1_024;
/// Characters of a password that have to differ.
const DISTINCT: usize = 5;
/// Random bytes of a salt.
const SALT: usize = 16;

/// What is guessed first.
const COMMON: &str = include_str!("passwords.txt");

/// Makes a hash of a new password of this person.
///
/// # Errors
/// [`Code::Input`] where it is one that is easily guessed, too short or too long.
pub(crate) fn hash(password: &str, person: &str) -> Result<String> {
    let password = normal(password);
    if let Some((problem, next)) = weakness(&password, person) {
        return Err(UserError::new(Code::Input, "the password", problem, next).into());
    }
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|e| InternalError::new(format!("random numbers: {e}")))?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    let hash: PasswordHash = hash.map_err(|e| InternalError::new(format!("hashing a password: {e}")))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one of `hash`. Without a hash it is nobody's, which takes as long to find out.
pub(crate) fn is_right(password: &str, hash: Option<&str>) -> bool {
    static NOBODYS: LazyLock<String> = LazyLock::new(|| {
        let hash = Argon2::default().hash_password_with_salt(b"nobody's", &[0; SALT]);
        hash.map(|hash: PasswordHash| hash.to_string()).unwrap_or_default()
    });
    let is_known = hash.is_some();
    let hash = hash.unwrap_or(&NOBODYS);
    let password = if password.len() > MOST { String::new() } else { normal(password) };
    let verified = PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    verified && is_known
}

/// The same password, however a keyboard composes its accents.
fn normal(password: &str) -> String {
    password.nfc().collect()
}

/// Why a password is refused, and what to do.
fn weakness(password: &str, person: &str) -> Option<(&'static str, &'static str)> {
    let length = password.chars().count();
    if length < LEAST {
        return Some(("it has fewer than 12 characters", "Take a longer one, such as four words by chance"));
    }
    if password.len() > MOST {
        return Some(("it is longer than 1,024 bytes", "Take a shorter one"));
    }
    let small = password.to_lowercase();
    let common = "it is one of those that are guessed first";
    let next = "Take another one, such as four words by chance";
    if is_common(&small) {
        return Some((common, next));
    }
    if is_pattern(&small) {
        return Some(("it repeats itself, or goes on in steps", next));
    }
    let person = person.to_lowercase();
    let rest = person.split_whitespace().filter(|word| word.chars().count() > 2);
    let rest = rest.fold(small.replace(&person, ""), |rest, word| rest.replace(word, ""));
    (rest.chars().count() + 4 < LEAST).then_some(("it is little more than the person's name", next))
}

/// Whether a password is on the list, as it is or with numbers and signs around a word of the list.
fn is_common(small: &str) -> bool {
    static LISTED: LazyLock<HashSet<&str>> =
        LazyLock::new(|| COMMON.lines().filter(|line| !line.starts_with('#')).collect());
    let word = small.trim_matches(|c: char| !c.is_alphabetic());
    let spaceless: String = small.split_whitespace().collect();
    [small, &spaceless, &plain(small), word, &plain(word)].iter().any(|form| LISTED.contains(*form))
}

/// Letters where signs stand for them.
fn plain(word: &str) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    };
    word.chars().map(letter).collect()
}

/// Whether a password is one piece again and again, has few characters, or is a run such as abcdef.
fn is_pattern(small: &str) -> bool {
    let all: Vec<char> = small.chars().collect();
    let distinct = all.iter().collect::<HashSet<_>>().len();
    let repeats = |piece: usize| all.iter().zip(&all[piece..]).all(|(a, b)| a == b);
    let steps = all.windows(2).filter(|two| (two[0] as u32).abs_diff(two[1] as u32) <= 1).count();
    distinct < DISTINCT || (1..=all.len() / 2).any(repeats) || steps * 4 >= (all.len() - 1) * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str) -> bool {
        weakness(password, "Ada Byron").is_some()
    }

    #[test]
    fn a_password_is_verified_however_its_accents_are_composed() {
        let set = hash("vier Wörter am Stück", "ada").unwrap();
        assert!(set.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{set}");
        assert!(is_right("vier Wo\u{308}rter am Stu\u{308}ck", Some(&set)));
        assert!(!is_right("vier Worter am Stuck", Some(&set)));
        assert!(!is_right("", Some(&set)) && !is_right("x", Some("no hash")));
        assert_ne!(set, hash("vier Wörter am Stück", "ada").unwrap(), "salted");
    }

    #[test]
    fn nobody_has_a_password() {
        for password in ["nobody's", "", "anything at all"] {
            assert!(!is_right(password, None));
        }
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for password in [
            "short",
            "elevenchars",
            "password1234",
            "Password2026!",
            "P@ssw0rd2026!!",
            "!!!welcome!!!2024",
            "qwertyuiopasdfgh",
            "correct horse battery staple",
            "aaaaaaaaaaaaaaaa",
            "abababababab",
            "xkcdxkcdxkcd",
            "tulpe fass tulpe fass ",
            "abcdefghijklmnop",
            "9876543210987",
            "ada byron 1!",
            "ByronAdaByron12",
            "adaadaadaadaada",
        ] {
            assert!(refused(password), "{password}");
        }
        assert!(refused(&"long ".repeat(300)));
        for password in [
            "tulpe fass regen knopf",
            "Vq7-pLm2_zRt",
            "ada reads 40 pages daily",
            "пароль из четырёх слов",
            "我喜欢在周末看老电影和喝茶",
        ] {
            assert!(!refused(password), "{password}");
        }
    }

    #[test]
    fn the_list_is_of_use() {
        let lines: Vec<&str> = COMMON.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.iter().filter(|line| line.len() >= LEAST).count() >= 300);
        assert!(lines.iter().all(|line| line.to_lowercase() == *line && line.trim() == *line));
    }
}
