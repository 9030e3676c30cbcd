//! The language of a ticket, told by its own field or by its text, and of a single sentence.
//!
//! Must never guess from a few letters: a wrong language costs more than none.

use firstline_ticket::Ticket;
use unicode_script::{Script, UnicodeScript};
use whatlang::Lang;

use crate::lexicon::Evidence;

/// Letters from which on the detector's answer counts.
const TELLING: usize = 60;
/// The language of a ticket, ISO 639-1: as the ticket says, else as its text looks; empty where neither tells.
pub fn language_of(ticket: &Ticket, text: &str) -> String {
    if let Some(said) = ticket.extra_str("language") {
        return said.trim().to_lowercase().chars().take(2).collect();
    }
    told(text).unwrap_or_default().to_owned()
}

/// The language of `text`, where its words, or enough letters, tell it.
pub(crate) fn told(text: &str) -> Option<&'static str> {
    let scripts = EastAsian::of(text);
    if scripts.prevails() {
        return scripts.language();
    }
    let evidence = Evidence::of(text);
    let letters = text.chars().filter(|c| c.is_alphabetic()).take(TELLING).count();
    let detected = whatlang::detect(text).filter(|info| letters == TELLING && info.is_reliable());
    match (evidence.best(), detected.map(|info| code(info.lang()))) {
        // Words that nobody else has outweigh the statistics of letters, which names and products mislead.
        (Some(own), _) if !is_a_neighbour(text, own) => Some(own),
        (Some(own), code) => code.filter(|code| *code != own),
        (None, Some(code)) if !evidence.has_lists(code) || evidence.share(code) > 0.0 => Some(code),
        _ => None,
    }
}

/// Frequent words of languages without lists of their own, by the language with lists that they would be taken for: Slovak,
/// Slovenian and Croatian; Bulgarian and Serbian; Catalan and Galician.
const NEIGHBOURS: [(&str, &str); 4] = [
    (
        "cs",
        "som sme sú nie ako pre ktorý ktorá ktoré druhom nejde môžem nemôžem ďakujem potrebujem tlačiareň \
         ešte tiež iba keď smo lahko tudi ampak tiskalnik deluje nadstropju jutra nije molim može pisač \
         jutros što koji lozinka",
    ),
    (
        "ru",
        "се съм този тази това който няма беше моля работи сутринта етаж принтерът компютърът благодаря които \
         трябва мога искам",
    ),
    (
        "es",
        "amb aquest aquesta puc gràcies matí però també perquè contrasenya correu dende mañá unha contrasinal \
         podo tamén grazas",
    ),
    (
        "pt",
        "amb aquest aquesta puc gràcies matí però també perquè contrasenya correu dende mañá unha contrasinal \
         non grazas",
    ),
];
/// Letters of Cyrillic that Russian has not.
const NOT_RUSSIAN: &str = "јљњћђџѓќѝѕ";

/// Whether words of `text` are of a language that `language` is taken for, as long as nobody looks twice.
fn is_a_neighbour(text: &str, language: &str) -> bool {
    let text = text.to_lowercase();
    let foreign = NEIGHBOURS.iter().find(|(own, _)| *own == language).map_or("", |(_, words)| words);
    let foreign: Vec<&str> = foreign.split_whitespace().collect();
    let mut words = text.split(|c: char| !c.is_alphabetic());
    words.any(|word| foreign.contains(&word))
        || (language == "ru" && text.contains(|c| NOT_RUSSIAN.contains(c)))
}

/// Letters from which on Chinese characters alone are Chinese: no Japanese text is as long without syllables.
const CHINESE: usize = 24;
/// Characters that Chinese writes and Japanese does not.
const ONLY_CHINESE: &str = "们們这這个么麼吗嗎呢吧你您没沒给请问题电脑腦邮网络无务错误显账户录连线开关门闭启啟动载传输设备办软档帮谢谁为从还对时间经让说话认证验权该应";

/// The letters of a text in the scripts of Chinese, Japanese and Korean.
#[derive(Debug, Default)]
struct EastAsian {
    all: usize,
    han: usize,
    only_chinese: usize,
    kana: usize,
    hangul: usize,
}

impl EastAsian {
    fn of(text: &str) -> Self {
        let mut counts = Self::default();
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            counts.all += 1;
            match c.script() {
                Script::Han => {
                    counts.han += 1;
                    counts.only_chinese += usize::from(ONLY_CHINESE.contains(c));
                }
                Script::Hiragana | Script::Katakana => counts.kana += 1,
                Script::Hangul => counts.hangul += 1,
                _ => {}
            }
        }
        counts
    }

    /// Whether they are the text's own: names of products around them are Latin, often more letters than the rest.
    fn prevails(&self) -> bool {
        let own = self.han + self.kana + self.hangul;
        own > 1 && 4 * own >= self.all
    }

    /// The language, where the scripts tell it: a few Chinese characters alone may be Japanese, too.
    fn language(&self) -> Option<&'static str> {
        let Self { han, only_chinese, kana, hangul, .. } = *self;
        match () {
            () if hangul > han + kana => Some("ko"),
            () if kana > 1 && 8 * kana >= han => Some("ja"),
            () if kana + hangul == 0 && (only_chinese > 0 || han >= CHINESE) => Some("zh"),
            () => None,
        }
    }
}

/// Whether `sentence` is in another language than `language`.
pub(crate) fn is_foreign(sentence: &str, language: &str) -> bool {
    let evidence = Evidence::of(sentence);
    if !evidence.has_lists(language) {
        // Without lists of its own, all that tells is whether another language has words in it.
        return evidence.best().is_some();
    }
    if odd_script(sentence, language) {
        return true;
    }
    let letters = sentence.chars().filter(|c| c.is_alphabetic()).take(TELLING).count();
    let detected = || whatlang::detect(sentence).filter(|info| letters == TELLING && info.is_reliable());
    // Several words of which no list of the language has one are of another, whichever.
    let unknown = evidence.share(language) == 0.0 && telling_words(sentence) >= UNKNOWN_WORDS;
    unknown
        || evidence.against(language)
        || (evidence.share(language) < 0.15 && detected().is_some_and(|info| code(info.lang()) != language))
}

/// Words from which on a sentence must have some that its language's lists know.
const UNKNOWN_WORDS: usize = 3;

/// The words of `sentence` that are written small: no names, products or abbreviations.
fn telling_words(sentence: &str) -> usize {
    sentence
        .split_whitespace()
        .filter(|word| word.chars().all(|c| c.is_lowercase() || c == '.' || c == ','))
        .count()
}

/// Whether most letters of `sentence` are of a script in which nobody writes `language`.
fn odd_script(sentence: &str, language: &str) -> bool {
    let cyrillic = matches!(language, "ru" | "uk" | "bg" | "sr" | "mk" | "be");
    let letters = sentence.chars().filter(|c| c.is_alphabetic());
    let (own, all) = letters.fold((0, 0), |(own, all), c| {
        let wanted = if cyrillic { Script::Cyrillic } else { Script::Latin };
        (own + usize::from(c.script() == wanted), all + 1)
    });
    2 * own < all
}

/// The two-letter code of a language; the three-letter one where it has none here.
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Pol => "pl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Ces => "cs",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Tur => "tr",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Hrv => "hr",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Cat => "ca",
        Lang::Heb => "he",
        Lang::Ara => "ar",
        Lang::Jpn => "ja",
        Lang::Cmn => "zh",
        Lang::Kor => "ko",
        other => other.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_told_by_their_words() {
        for (text, language) in [
            ("Bitte Harborgate Connect auf KES-LT011 einrichten.", Some("de")),
            ("Please set up Harborgate Connect on KES-LT011.", Some("en")),
            ("Per favore riavvii il computer.", Some("it")),
            ("L'imprimante ne marche pas.", Some("fr")),
            ("No puedo abrir el archivo.", Some("es")),
            ("A impressora não funciona.", Some("pt")),
            ("De printer werkt niet meer.", Some("nl")),
            ("Drukarka nie działa.", Some("pl")),
            ("Skrivaren fungerar inte.", Some("sv")),
            ("Tiskárna nefunguje, prosím o pomoc, co mám dělat?", Some("cs")),
            ("Принтер не работает.", Some("ru")),
            ("Принтер не працює, що робити?", Some("uk")),
            ("Yazıcı çalışmıyor, lütfen yardım edin.", Some("tr")),
            ("Harborgate Connect KES-LT011", None),
            ("Outlook", None),
            ("VPN 619 KES-LT011", None),
            ("Tlačiareň nejde, prosím o pomoc", None),
            ("Tiskalnik v drugem nadstropju ne deluje", None),
            ("Принтерът на етажа не работи, моля помогнете", None),
            ("A impresora non funciona dende esta mañá", None),
            ("打印机无法打印。", Some("zh")),
            ("電腦沒有聲音", Some("zh")),
            ("Outlook 打不开", Some("zh")),
            ("プリンターが動かない", Some("ja")),
            ("Teams の会議に入れません", Some("ja")),
            ("会議室予約変更", None),
            ("프린터 고장", Some("ko")),
            ("VPN 접속 오류", Some("ko")),
            ("Bitte das Schild 入口 auf KES-LT011 einrichten.", Some("de")),
        ] {
            assert_eq!(told(text), language, "{text}");
        }
        let finnish = "Tulostin ei toimi tänään ollenkaan, ja kaikki työntekijät odottavat että se korjataan mahdollisimman pian.";
        assert_eq!(told(finnish), Some("fi"));
    }

    #[test]
    fn sentences_in_another_language_are_told_and_no_others() {
        for (sentence, language) in [
            ("Per favore riavvii il computer.", "en"),
            ("Per favore riavvii il computer.", "de"),
            ("Bitte starten Sie neu.", "en"),
            ("Please restart the computer.", "de"),
            ("Veuillez redémarrer.", "en"),
            ("Reinicie el equipo, por favor.", "en"),
            ("Reinicie o computador e tente novamente.", "es"),
            ("Start de computer opnieuw op.", "de"),
            ("Starta om datorn.", "en"),
            ("Пожалуйста, перезагрузите компьютер.", "en"),
            ("Please restart the computer.", "ru"),
        ] {
            assert!(is_foreign(sentence, language), "{sentence} in {language}");
        }
        for (sentence, language) in [
            ("Restart Outlook.", "en"),
            ("Please restart Harborgate Connect on KES-LT011.", "en"),
            ("Desk phone or app only?", "en"),
            ("Is your extension 303?", "en"),
            ("Done.", "en"),
            ("1. Open Outlook", "en"),
            (
                "Is there power in the rack at Kanzlei, and what colours do you see on the provider's box?",
                "en",
            ),
            ("Which source addresses and ports does the vendor name in writing?", "en"),
            ("Access to a site is granted by its owner.", "en"),
            ("Bitte starten Sie Outlook neu und melden Sie sich wieder an.", "de"),
            ("Ich sehe mir das gerade an.", "de"),
            ("Danke für die Meldung.", "de"),
            ("Je regarde cela tout de suite.", "fr"),
            ("Merci pour votre message.", "fr"),
            ("Пожалуйста, перезагрузите компьютер.", "ru"),
        ] {
            assert!(!is_foreign(sentence, language), "{sentence} in {language}");
        }
    }
}
