//! Typing mistakes: letters doubled, dropped, swapped or hit beside, at a rate that belongs to the author.
//! Words with digits or signs in them (hosts, addresses, codes) are left alone.

use crate::dice::Dice;

const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// Makes mistakes in `text` with probability `rate` a letter.
pub(crate) fn make(text: &str, rate: f64, dice: &mut Dice) -> String {
    if rate <= 0.0 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for word in text.split_inclusive([' ', '\n']) {
        if word.chars().all(|c| c.is_alphabetic() || " \n.,'!?".contains(c)) {
            spoil(word, rate, dice, &mut out);
        } else {
            out.push_str(word);
        }
    }
    out
}

fn spoil(word: &str, rate: f64, dice: &mut Dice, out: &mut String) {
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphabetic() || !dice.chance(rate) {
            out.push(c);
            continue;
        }
        match dice.below(4) {
            0 => out.extend([c, c]),
            1 => {}
            2 => match chars.next_if(|n| n.is_alphabetic()) {
                Some(n) => out.extend([n, c]),
                None => out.push(c),
            },
            _ => out.push(beside(c, dice)),
        }
    }
}

fn beside(c: char, dice: &mut Dice) -> char {
    for row in ROWS {
        if let Some(at) = row.find(c) {
            let near = if dice.chance(0.5) { at.checked_sub(1) } else { Some(at + 1) };
            return near.and_then(|i| row.chars().nth(i)).unwrap_or(c);
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    #[test]
    fn rate_zero_changes_nothing_and_codes_survive_any_rate() {
        let mut dice = Dice::new(1, Stream::Dress, 0);
        let text = "Grüße, error 0x80070005 on RID-LT012.";
        assert_eq!(make(text, 0.0, &mut dice), text);
        let spoiled = make(text, 1.0, &mut dice);
        assert_ne!(spoiled, text);
        assert!(spoiled.contains("0x80070005") && spoiled.contains("RID-LT012"), "{spoiled}");
    }
}
