//! What is put round mails in rarer languages, and people's words that look like it. All invented.

use firstline_ticket::Ticket;

use super::super::read;

fn body(subject: &str, body: &str) -> String {
    let ticket = Ticket {
        id: "1".into(),
        subject: Some(subject.into()),
        body: Some(body.into()),
        ..Ticket::default()
    };
    read(&ticket).body.text
}

/// A language's prefix of a forwarded mail, its four keys, a note and the mail.
const FORWARDS: [[&str; 7]; 9] = [
    [
        "Pārs.",
        "No",
        "Nosūtīts",
        "Kam",
        "Tēma",
        "Lūdzu paskatieties, veikals raksta jau otro dienu.",
        "Svari neieslēdzas.",
    ],
    [
        "Persiųsta",
        "Nuo",
        "Išsiųsta",
        "Kam",
        "Tema",
        "Pažiūrėkite, parduotuvė rašo jau antrą dieną.",
        "Svarstyklės neįsijungia.",
    ],
    [
        "Posr",
        "Od",
        "Poslano",
        "Za",
        "Zadeva",
        "Poglejte to, trgovina piše že drugi dan zapored.",
        "Tehtnica se ne vklopi.",
    ],
    [
        "Áframsent",
        "Frá",
        "Sent",
        "Til",
        "Efni",
        "Kíkið á þetta, búðin skrifar annan daginn í röð.",
        "Vogin fer ekki í gang.",
    ],
    ["ส่งต่อ", "จาก", "ส่ง", "ถึง", "เรื่อง", "ร้านเขียนมาเป็นวันที่สองแล้ว ฝากดูให้ด้วยว่าเกิดอะไร", "เครื่องชั่งเปิดไม่ติด"],
    [
        "轉寄",
        "寄件者",
        "寄件日期",
        "收件者",
        "主旨",
        "店裡已經連續第二天寫信來，麻煩看一下到底發生了什麼事情，老闆說今天要處理好。",
        "磅秤打不開。",
    ],
    [
        "გადაგზავნილი",
        "ვისგან",
        "გაგზავნილია",
        "ვის",
        "თემა",
        "ნახეთ, მაღაზია უკვე მეორე დღეა გვწერს.",
        "სასწორი არ ირთვება.",
    ],
    [
        "Përcj",
        "Nga",
        "Dërguar",
        "Për",
        "Subjekti",
        "Shikojeni, dyqani po shkruan prej dy ditësh.",
        "Peshorja nuk ndizet.",
    ],
    ["Qwxz", "Aaa", "Bbb", "Ccc", "Ddd", "Mmm nnn ooo ppp qqq rrr sss ttt uuu vvv.", "Www xxx yyy zzz."],
];

#[test]
fn forwards_are_known_by_prefix_rule_and_marker() {
    for [prefix, from, date, to, subject, note, mail] in FORWARDS {
        let old = format!(
            "{from}: Zoe Pine <zoe@pine.example>\n{date}: 4.5.2026 09:12\n{to}: Ann Lee <ann@elm.example>\n{subject}: Bay 4\n\n{mail}"
        );
        let prefixed = body(&format!("{prefix}: Bay 4"), &format!("{note}\n\n{old}"));
        let ruled = body("Bay 4", &format!("{note}\n\n____________________\n{old}"));
        let marked = body("Bay 4", &format!("{note}\n\n------ {to} {date} ------\n{old}"));
        for text in [prefixed, ruled, marked] {
            assert!(text.contains(note) && text.ends_with(mail) && !text.contains('@'), "{text}");
        }
        let answer = body("RE: Bay 4", &format!("{note}\n\n____________________\n{old}"));
        assert_eq!(answer, note);
    }
}

#[test]
fn one_prefix_answers_in_one_language_and_passes_on_in_another() {
    let mail = |note: &str, closing: &str| {
        format!(
            "{note}\n\n{closing}\nMari\n\nFrom: Desk <desk@elm.example>\nSent: Monday, May 4, 2026 9:12 AM\nTo: Mari <mari@pine.example>\nSubject: Bay 4\n\nTurn it off."
        )
    };
    for (note, closing) in [
        ("Lülitasin kaalu välja, aga see ei aita ikka.", "Tervitades"),
        ("Sammutin vaa'an, mutta se ei auta vieläkään.", "Terveisin"),
    ] {
        assert_eq!(body("VS: Bay 4", &mail(note, closing)), note);
    }
    assert!(
        body("VS: Bay 4", &mail("Se venligst på denne, butikken skriver igen.", "Venlig hilsen"))
            .ends_with("Turn it off.")
    );
}

#[test]
fn closings_in_two_parts_and_two_languages_go() {
    for (ask, closing, block) in [
        ("磅秤打不開，請派人來看。", "敬祝　商祺", "林小美\n採購部 主任\n電話：(02)0000-3344"),
        ("磅秤打不開，請派人來看。", "此致\n敬禮", "林小美\n採購部 主任\n電話：(02)0000-3344"),
        ("磅秤打不開，請派人來看。", "順頌 時祺", "林小美\n手機：0900-003-344"),
        ("Vogin fer ekki í gang.", "Með bestu kveðju / Best regards", "Jón Jónsson\nSími: 430 3344"),
        (
            "Svari neieslēdzas.",
            "Ar cieņu - Best regards",
            "Anna Liepa\nOstas iela 4, Rīga, LV-1099\nTālr. +371 67003344",
        ),
        (
            "Timbangan tidak menyala.",
            "Hormat saya,",
            "Budi Santoso\nPT Sawit Jaya\nJl. Mawar No. 4, Medan 20999\nTelp. (061) 000-3344 / HP 0812-0000-3344",
        ),
        (
            "La balança no s'engega.",
            "Rebeu una cordial salutació,",
            "Pau Roca\nFusta i Pedra, SL\nTel. 93 000 33 44",
        ),
    ] {
        assert_eq!(body("Bay 4", &format!("{ask}\n\n{closing}\n\n{block}")), ask, "{closing}");
    }
}

#[test]
fn notes_go_without_a_name_above_them() {
    for note in [
        "Þessi póstur og viðhengi hans eru trúnaðarmál og eingöngu ætluð þeim sem hann er stílaður á.",
        "Šis el. laiškas yra konfidencialus ir skirtas tik adresatui.",
        "Šis e-pasts ir konfidenciāls un paredzēts tikai adresātam.",
        "万一、誤送信メールを受け取られた場合は、送信者へご連絡のうえ、本メールを破棄してください。",
    ] {
        assert_eq!(body("Bay 4", &format!("4 4 4 4 4.\n\n{note}")), "4 4 4 4 4.", "{note}");
    }
}

#[test]
fn banners_of_gateways_and_programs_go() {
    for banner in [
        "ATTENZIONE: Email proveniente dall'esterno. Non aprire allegati se non si conosce il mittente.",
        "ATENCIÓN: Correo externo.",
        "OBS! Detta mejl kommer från en extern avsändare. Klicka inte på länkar.",
        "UWAGA: wiadomość z zewnątrz",
        "ADVARSEL: Ekstern e-post. Vær forsiktig med lenker og vedlegg.",
        "Externe E-Mail: Vorsicht bei Links und Anhängen.",
        "This message is from an external sender. Be careful.",
        "Vous n'obtenez pas souvent d'e-mail à partir de zoe@pine.example. Pourquoi c'est important",
        "zoe@pine.example adresinden sık sık e-posta almıyorsunuz. Bunun neden önemli olduğunu öğrenin",
        "通常、zoe@pine.example からメールを受け取ることはありません。これが重要である理由",
        "ZjQcmQRYFpfptBannerStart\nTato zpráva je od cizího odesílatele\nZjQcmQRYFpfptBannerEnd",
    ] {
        for gap in ["\n\n", "\n"] {
            assert_eq!(
                body("Bay 4", &format!("{banner}{gap}The scale is off.")),
                "The scale is off.",
                "{banner}"
            );
        }
    }
    for talk in [
        "Das Banner „Externe E-Mail: Vorsicht bei Links“ steht auch über unseren eigenen Mails.",
        "Outlook zegt „U ontvangt niet vaak e-mail van zoe@pine.example“ bij elke collega.",
        "You don't often get email from clients if the filter holds it, so check the filter.",
        "Attenzione: email esterna non arriva da ieri.",
        "Our clients see ZjQcmQRYFpfptBannerStart in each mail.",
    ] {
        assert_eq!(body("Bay 4", talk), talk);
    }
}

#[test]
fn peoples_words_stay() {
    for text in [
        "รบกวนแก้หน้าติดต่อเราเป็นข้อมูลนี้ค่ะ\n\nสาขาหาดใหญ่\nโทร. 074-000-334\nhatyai@pine.example\n\nเบอร์เดิมโทรไม่ติดค่ะ",
        "Two people start on Friday.\n\nZoe Pine\nBuyer\n+49 30 5550144\nzoe@pine.example\nNew headsets for both",
        "Thank you\n\nThis message is confidential, Zoe leaves.",
        "Danke\n\nDiese Nachricht ist vertraulich, Frau Tann geht am Freitag.",
        "Dziękuję\n\nTa wiadomość jest poufna, Zoe odchodzi w piątek.",
        "CSV shows Ã¤ in the export",
        "La etiqueta muestra Ã± en cada línea",
        "Names come out garbled, e.g. RenÃ©",
    ] {
        assert_eq!(body("Bay 4", text), text);
    }
    assert_eq!(body("Bay 4", "Die TÃ¼r klemmt."), "Die Tür klemmt.");
}
