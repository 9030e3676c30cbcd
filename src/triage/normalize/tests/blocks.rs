//! Signatures that markup or their place tells, banners behind a label, short notes, and words of one letter in damaged text.

use firstline_ticket::Ticket;

use super::super::read;

fn text(subject: Option<&str>, body: &str) -> String {
    let ticket = Ticket {
        id: "1".into(),
        subject: subject.map(str::to_owned),
        body: Some(body.into()),
        ..Ticket::default()
    };
    read(&ticket).body.text
}

const FAULT: &str = "The gate reader stays red.";

/// Legal notes that go below a name.
const NOTES: [&str; 4] = [
    "This email is confidential and intended solely for the addressee. If you are not the intended recipient, please delete it.",
    "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, vernichten Sie diese Mail.",
    "Esta mensagem é confidencial e destina-se exclusivamente ao destinatário. Se a recebeu por engano, elimine-a.",
    "הודעה זו מיועדת לנמען בלבד ועשויה להכיל מידע חסוי. אם קיבלת אותה בטעות, אנא מחק אותה.",
];

#[test]
fn what_markup_calls_a_signature_is_one_whatever_its_words() {
    for mark in [
        "class=\"moz-signature\"",
        "class=\"gmail_signature\" data-smartmail=\"gmail_signature\"",
        "id=\"Signature\"",
        "id=\"x_Signature\"",
        "class=\"x_gmail_signature\"",
        "id=\"ms-outlook-mobile-signature\"",
        "id=\"AppleMailSignature\" dir=\"ltr\"",
    ] {
        for words in [
            "-- <br>Avv. Lea Prova<br>Foro di Alba – Corso Lungo 1",
            "Jo<br>glad to help you at any time",
            "<div>мастер смены</div><div>цех два</div>",
        ] {
            let body = format!("<div>{FAULT}</div><br><div {mark}>{words}</div>");
            assert_eq!(text(None, &body), FAULT, "{body}");
        }
    }
}

#[test]
fn words_that_stand_in_a_signatures_element_alone_stay() {
    for body in [
        "<div class=\"gmail_signature\">The gate reader stays red.<br>Jo</div>",
        "<div>Hello,</div><div id=\"Signature\">The gate reader stays red.<br>Jo</div>",
        "<div id=\"AppleMailSignature\">Hello</div><div id=\"AppleMailSignature\">The gate reader stays red.</div><div id=\"AppleMailSignature\">Jo</div>",
        "<div>Make this my signature:</div><div class=\"gmail_signature\">The gate reader stays red.<br>Jo</div>",
    ] {
        assert!(text(None, body).contains(FAULT), "{body}");
        assert!(text(Some("Gate reader"), body).contains(FAULT), "{body}");
    }
    let below =
        format!("<div>{FAULT}</div><div id=\"Signature\">Jo Doe</div><div>The lamp is dead too.</div>");
    assert!(text(None, &below).ends_with("The lamp is dead too."));
    let next = format!("<p>{FAULT}</p><p id=\"Signature\">Jo, ever yours<p>The lamp is dead too.</p>");
    assert_eq!(text(None, &next), format!("{FAULT}\n\nThe lamp is dead too."));
    let quoted = format!(
        "<div>{FAULT}</div><div id=\"Signature\">Jo, ever yours<blockquote type=\"cite\">old</blockquote></div>"
    );
    assert_eq!(text(Some("Re: gate"), &quoted), FAULT);
}

#[test]
fn a_block_between_a_closing_and_a_note_is_a_signature() {
    for (block, note) in [
        ("Cumprimentos,\nLia A.\nMunicípio de Monte F.\nPraça do Sol, 1", NOTES[2]),
        ("Obrigado,\nLia Amaral\nCâmara de Monte Novo\nLargo do Sol, 12", NOTES[2]),
        ("תודה,\nנועה ברק\nרכזת לוגיסטיקה\nאורן שירותים בע\"מ, רח' הגפן 7 עכו", NOTES[3]),
        ("Viele Grüße\nIna Winter\nStadt Altdorf am See\nAm alten Tor 3", NOTES[1]),
        ("Regards,\nTom Vale\nnight warden\n3 Mill Lane", NOTES[0]),
    ] {
        assert_eq!(text(None, &format!("{FAULT}\n\n{block}\n\n{note}")), FAULT, "{block}");
    }
    for kept in [
        "Thanks\nTom Vale\nKim Reed\nSam Ford\nPat Hill",
        "Danke\nIna Winter\nScanner Alpha 500\nRaum 12, 3. Stock",
        "Thanks\nTom Vale\nDesk Lamp\nWall Screen 27",
        "Regards\nTom Vale\nKim Reed, room 12\nSam Ford, room 14",
        "Thanks\nTom Vale\nplease call the guard first\n3 Mill Lane",
    ] {
        let said = format!("{FAULT}\n\n{kept}");
        assert_eq!(text(None, &format!("{said}\n\n{}", NOTES[0])), said);
    }
}

#[test]
fn a_banner_behind_its_label_goes() {
    for banner in [
        "EKSTERN E-MAIL: Denne e-mail er sendt fra en afsender uden for huset. Vær forsigtig med links og vedhæftede filer.",
        "EKSTERN E-POST: Denne e-posten er sendt fra en avsender utenfor organisasjonen. Vær forsiktig med lenker og vedlegg.",
        "EXTERN E-POST: Detta mejl har skickats från en avsändare utanför organisationen. Var försiktig med länkar och bilagor.",
        "YTRI PÓSTUR: Þessi póstur er sendur frá sendanda utan fyrirtækisins. Farið varlega með tengla og viðhengi.",
        "EXTERNE E-MAIL: Diese E-Mail wurde von einem Absender außerhalb der Firma gesendet. Vorsicht mit Links und Anhängen.",
        "HARİCİ E-POSTA: Bu e-posta kurum dışından bir gönderen tarafından gönderildi. Bağlantı ve eklere dikkat edin.",
        "ĀRĒJS E-PASTS: Šo e-pastu nosūtīja sūtītājs ārpus organizācijas. Esiet piesardzīgi ar saitēm un pielikumiem.",
        "外部郵件：此郵件由組織外部的寄件者寄出。請小心連結與附件。",
        "דואר חיצוני: הודעה זו נשלחה משולח מחוץ לארגון. היזהרו מקישורים וקבצים מצורפים.",
    ] {
        assert_eq!(text(None, &format!("{banner}\n\n{FAULT}")), FAULT);
        assert_eq!(text(None, &format!("{banner}\n{FAULT}")), FAULT);
    }
    for said in [
        "Ekstern e-mail: Denne e-mail er sendt fra en afsender uden for huset, og jeg kan ikke åbne den.\n\nLars",
        "Ekstern e-mail: vores kunder får ikke svar.\n\nLars",
        "Externe E-Mail: Der Hinweis \"Vorsicht mit Links\" soll bei einem Lieferanten weg.\n\nIna",
        "External: the monitor is broken",
    ] {
        assert_eq!(text(None, said), said);
    }
}

#[test]
fn rules_go_with_their_note_and_short_notes_go() {
    for note in [
        format!("***\n{}\n***", NOTES[0]),
        format!("Regards\nTom Vale\n\n*********\n{}\n*********", NOTES[0]),
        "WICHTIG: Diese E-Mail enthält vertrauliche Informationen.".into(),
        "VIGTIGT: Denne e-mail indeholder fortrolige oplysninger.".into(),
        "IMPORTANT : Ce message contient des informations confidentielles.".into(),
        "ВАЖЛИВО: Цей лист містить конфіденційну інформацію.".into(),
        "重要：このメールには機密情報が含まれています。".into(),
        "Regards,\nTom Vale\n\nNOTICE: The contents are confidential. If received in error please delete."
            .into(),
        "Regards,\nTom Vale\nNOTICE: The contents are confidential. If received in error please delete."
            .into(),
        "Grüße\nIna Winter\n\nHINWEIS: Der Inhalt ist vertraulich. Bei irrtümlichem Erhalt bitte löschen."
            .into(),
    ] {
        assert_eq!(text(None, &format!("{FAULT}\n\n{note}")), FAULT, "{note}");
    }
    for said in [
        "WICHTIG: Diese E-Mail enthält vertrauliche Informationen.",
        "The gate is shut.\n\n***\nCall the guard.\n***",
        "The scan is bad.\n\nIMPORTANT: This email contains confidential information, remove it from all mailboxes.",
        "The scan is bad.\n\nIMPORTANT: This email contains confidential information and went to the whole firm.",
        "The scan is bad.\n\nWichtig: Diese Datei enthält vertrauliche Informationen.",
        "The scan is bad.\n\nRegards,\nTom Vale\n\nNotice: the room list is confidential, lock it.",
        "Unter jeder Mail steht:\n\nWICHTIG: Diese E-Mail enthält vertrauliche Informationen.",
    ] {
        assert_eq!(text(None, said), said);
    }
}

#[test]
fn the_block_right_above_a_mails_head_is_of_whom_it_went_to() {
    for (said, block, head) in [
        (
            "南门一直关着。",
            "李小明\n采购部\n青岛远山贸易有限公司\n电话：0532-5550 0100",
            "发件人: 服务台 <desk@a.example>\n发送时间: 2024年3月4日 10:12\n收件人: 李小明 <li@b.example>\n主题: 门\n\n请提供门号。",
        ),
        (
            "南門が開きません。",
            "森花子\n総務部",
            "差出人: 窓口 <desk@a.example>\n送信日時: 2024年3月4日 10:12\n宛先: 森花子 <mori@b.example>\n件名: 門\n\n番号は？",
        ),
        (
            "남문이 열리지 않아요.",
            "이하늘\n총무팀\n푸른물산 주식회사\n전화: 02-555-0100",
            "보낸 사람: 창구 <desk@a.example>\n보낸 날짜: 2024년 3월 4일 오전 10:12\n받는 사람: 다른 분 <lee@b.example>\n제목: 문\n\n번호는?",
        ),
    ] {
        assert_eq!(text(Some("RE: 门"), &format!("{said}\n\n{block}\n\n{head}")), said);
    }
    let lead = "请为新同事开通账号：\n\n李大海\n采购部\n青岛远山贸易有限公司\n电话：0532-5550 0100";
    let head = "发件人: 服务台 <desk@a.example>\n发送时间: 2024年3月4日 10:12\n收件人: 王小明 <w@b.example>\n主题: 门\n\n好的。";
    assert_eq!(text(Some("RE: 门"), &format!("{lead}\n\n{head}")), lead);
}
