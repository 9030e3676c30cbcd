//! Mails of machines in many languages, and people's that look like them.

use firstline_ticket::{Kind, Ticket};
use serde_json::{Value, json};

use crate::Reader;

fn mail(subject: &str, body: &str) -> Value {
    json!({"id": "1", "subject": subject, "body": body, "customer": "Alder", "contact": "Mia Stone", "source": "email"})
}

fn with(mut ticket: Value, key: &str, value: Value) -> Value {
    ticket[key] = value;
    ticket
}

fn told(ticket: Value) -> Kind {
    let ticket: Ticket = serde_json::from_value(ticket).unwrap();
    Reader::default().kind(&ticket)
}

#[track_caller]
fn all_are(expected: Kind, mails: &[(&str, &str)]) {
    let wrong: Vec<String> = mails
        .iter()
        .map(|(subject, body)| (subject, body, told(mail(subject, body))))
        .filter(|(_, _, told)| *told != expected)
        .map(|(subject, body, told)| format!("{told:?}: {subject:?}: {body:?}"))
        .collect();
    assert!(wrong.is_empty(), "{expected:?} expected:\n{}", wrong.join("\n"));
}

#[test]
fn automatic_replies_are_known_in_many_languages() {
    all_are(
        Kind::AutoReply,
        &[
            (
                "Automatic reply: RE: new laptop",
                "Thanks for your mail. I'm back on 4 May. For urgent matters ask Bob Reed.",
            ),
            ("[EXTERNAL] Automatic reply: Ticket 88", "I am away."),
            (
                "Out of Office Re: Ticket 99001",
                "I will be out of the office until Friday. Need help? Call the front desk.",
            ),
            ("Out of Office: scanner", "I am out of the office and return on 4 May."),
            (
                "Abwesenheitsnotiz: AW: Drucker",
                "Ich bin im Urlaub. In dringenden Fällen können Sie sich an Frau Kurz wenden.",
            ),
            ("Automatische Antwort: Ticket 88", ""),
            (
                "Réponse automatique : imprimante",
                "Je suis en congé, je serai de retour le 4 mai. Vous pouvez joindre Léa.",
            ),
            (
                "Fuori ufficio: stampante",
                "Sono in ferie fino al 4 maggio. Per urgenze potete contattare Luca.",
            ),
            ("Afwezig: printer", "Ik ben met vakantie. Voor dringende zaken kunt u contact opnemen met Jan."),
            ("Autosvar: skrivare", "Jag är ledig. Vid brådskande ärenden kan du kontakta Eva."),
            ("Automaattinen vastaus: tulostin", "Olen lomalla 4.5. asti."),
            (
                "Odpowiedź automatyczna: drukarka",
                "Jestem na urlopie do 4 maja. W pilnych sprawach proszę o kontakt z Ewą.",
            ),
            ("Automatická odpověď: tiskárna", "Jsem na dovolené do 4. května."),
            ("Автоматический ответ: принтер", "Я в отпуске до 4 мая."),
            ("Αυτόματη απάντηση: εκτυπωτής", "Λείπω έως τις 4 Μαΐου."),
            ("自動応答: プリンター", "休暇中のため、5月4日以降に返信します。"),
            ("自动答复: 打印机", "我正在休假，5月4日回来。"),
            ("자동 회신: 프린터", "휴가 중입니다."),
            ("Otomatik yanıt: yazıcı", "4 Mayıs'a kadar izindeyim."),
            ("RE: Ticket 5521", "I'm on annual leave until 4 May. Please contact Bob Reed in urgent cases."),
            ("AW: Ihr Ticket", "Ich bin bis 4. Mai nicht im Büro."),
        ],
    );
}

#[test]
fn bounces_are_known_by_sender_report_and_words() {
    all_are(
        Kind::Bounce,
        &[
            (
                "Undeliverable: Your ticket 88",
                "Your message to mia@alder.example couldn't be delivered.\n\nHow to fix it? Check the address.",
            ),
            (
                "Returned mail: see transcript for details",
                "The original message was received at Mon, 4 May\n\n<mia@alder.example> ... User unknown",
            ),
            (
                "Mail delivery failed: returning message to sender",
                "This message was created automatically by mail delivery software.\n\nmia@alder.example",
            ),
            (
                "Nicht zustellbar: Ihr Ticket",
                "Ihre Nachricht an mia@alder.example konnte nicht zugestellt werden.",
            ),
            ("Non remis : votre ticket", "Échec de la remise pour ces destinataires : mia@alder.example"),
            ("No se puede entregar: su ticket", "No se pudo entregar el mensaje a mia@alder.example"),
            ("Niedostarczone: zgłoszenie", "Nie udało się dostarczyć wiadomości do mia@alder.example"),
            ("配信不能: チケット", "次の受信者にメッセージを配信できませんでした。mia@alder.example"),
            (
                "Levering mislyktes",
                "Reporting-MTA: dns; mx.alder.example\nFinal-Recipient: rfc822; mia@alder.example\nDelivery to the following recipient failed",
            ),
        ],
    );
    let sent =
        |contact: &str, subject: &str, body: &str| told(with(mail(subject, body), "contact", contact.into()));
    assert_eq!(
        sent("MAILER-DAEMON@mx.alder.example", "Something else", "In a language nobody knows"),
        Kind::Bounce
    );
    assert_eq!(sent("Microsoft Outlook", "Ulevert", "Reporting-MTA: dns; x\nAction: failed"), Kind::Bounce);
    let subject = "Ekki afhent: INC-7";
    assert_eq!(sent("Microsoft Outlook", subject, "Ekki tókst að afhenda: mia@alder.example"), Kind::Bounce);
    assert_eq!(
        sent("Postmaster <postmaster@alder.example>", "Our new mail server", "Please move our mailboxes."),
        Kind::Person
    );
}

#[test]
fn receipts_calendars_and_newsletters_are_known() {
    all_are(
        Kind::Receipt,
        &[
            (
                "Read: Ticket 88",
                "Your message\n\n   To: Mia Stone\n   Subject: Ticket 88\n\nwas read on Monday, 4 May 2026 10:00.",
            ),
            (
                "Gelesen: Ticket 88",
                "Ihre Nachricht\n\nAn: Mia Stone\nBetreff: Ticket 88\nGesendet: Montag\n\nwurde am 4. Mai gelesen.",
            ),
            ("Lu : Ticket 88", ""),
            ("Não lida: chamado", "Sua mensagem\n\nPara: Mia\nAssunto: chamado\nEnviada: segunda"),
            ("既読: チケット", ""),
        ],
    );
    all_are(
        Kind::Calendar,
        &[
            ("Accepted: Router swap", ""),
            ("Zugesagt: Umzug des Servers", ""),
            ("Refusé : remplacement du routeur", "Mia Stone a refusé cette invitation."),
            ("Tentative: Router swap", "When: Monday 4 May 2026 10:00-11:00\nWhere: Room 2"),
            ("Aceptada: cambio del router", "Mia ha aceptado esta invitación."),
            (
                "Router swap",
                "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR",
            ),
            ("Re: Router swap", "Mia Stone hat zugesagt\nBEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR"),
        ],
    );
    all_are(
        Kind::Newsletter,
        &[
            (
                "Five ways to save on cloud",
                "<p>Read on.</p><p><a href=x>View in browser</a></p><p>You are receiving this because you signed up.</p><a href=y>Unsubscribe</a>",
            ),
            ("Newsletter Mai", "Neues aus der IT\n\nNewsletter abbestellen"),
            (
                "Promotions du mois",
                "Nos offres\n\nVoir dans le navigateur\nSe désabonner | Gérer vos préférences",
            ),
        ],
    );
}

#[test]
fn a_desks_own_acknowledgement_is_known() {
    all_are(
        Kind::Acknowledgement,
        &[
            (
                "Ticket 8812 created",
                "Thank you for contacting us. Your request has been received under number 8812 and we will get back to you.",
            ),
            (
                "Your request (#8812) has been received",
                "Your request (8812) has been received and is being looked at by our team.\n\nTo add comments, reply to this email.",
            ),
            (
                "[#8812] Drucker",
                "Ihre Anfrage ist bei uns eingegangen. Ein Techniker meldet sich so schnell wie möglich.",
            ),
            (
                "Votre demande 8812",
                "Nous avons bien reçu votre demande. Notre équipe vous contactera dans les plus brefs délais.",
            ),
            (
                "Solicitud 8812",
                "Hemos recibido su solicitud. Un técnico se pondrá en contacto lo antes posible.",
            ),
            (
                "Zgłoszenie 8812",
                "Dziękujemy za zgłoszenie. Nasz zespół skontaktuje się z Państwem jak najszybciej.",
            ),
            ("受付番号 8812", "お問い合わせいただきありがとうございます。担当者よりご連絡いたします。"),
        ],
    );
}

#[test]
fn headers_go_before_words() {
    let headed =
        |subject: &str, body: &str, headers: Value| told(with(mail(subject, body), "headers", headers));
    let kinds = [
        ("Hello", json!({"Auto-Submitted": "auto-replied (vacation)"}), Kind::AutoReply),
        ("Hello", json!({"X-Autoreply": "yes"}), Kind::AutoReply),
        ("Hello", json!([{"name": "Precedence", "value": "auto_reply"}]), Kind::AutoReply),
        (
            "Hello",
            json!("Received: x\r\nContent-Type: multipart/report;\r\n report-type=delivery-status\r\n"),
            Kind::Bounce,
        ),
        (
            "Hello",
            json!({"Content-Type": "multipart/report; report-type=disposition-notification"}),
            Kind::Receipt,
        ),
        ("Hello", json!({"Content-Type": "text/calendar; method=REPLY"}), Kind::Calendar),
        (
            "Hello",
            json!({"List-Unsubscribe": ["<https://news.example/u>"], "Precedence": "bulk"}),
            Kind::Newsletter,
        ),
        ("Hello", json!({"auto_submitted": "auto-generated"}), Kind::Notice),
        ("Accepted: Router swap", json!({"Auto-Submitted": "auto-generated"}), Kind::Calendar),
        // A group's address and a gateway put these on people's mail.
        ("Hello", json!({"List-Unsubscribe": "<x>", "List-Post": "<y>", "Precedence": "list"}), Kind::Person),
        ("Hello", json!({"X-Auto-Response-Suppress": "All"}), Kind::Person),
        ("Hello", json!({"Auto-Submitted": "no"}), Kind::Person),
        ("Hello", json!(null), Kind::Person),
        ("Hello", json!([[1], 7, {"name": 3}]), Kind::Person),
    ];
    for (subject, headers, expected) in kinds {
        let body = if expected == Kind::Calendar { "" } else { "Der Text sagt nichts davon." };
        assert_eq!(headed(subject, body, headers.clone()), expected, "{headers}");
    }
    let form = "Name: Mia Stone\nEmail: mia@alder.example\nMessage: the till prints nothing";
    assert_eq!(headed("Website form", form, json!({"Auto-Submitted": "auto-generated"})), Kind::Person);
    assert_eq!(
        told(with(mail("Website form", form), "contact", "no-reply@alder.example".into())),
        Kind::Person
    );
    let notice = with(
        mail("Your invoice 8812", "It is ready."),
        "contact",
        "Billing <do-not-reply@vendor.example>".into(),
    );
    assert_eq!(told(notice), Kind::Notice);
}

#[test]
fn machines_write_rarer_languages_too() {
    all_are(
        Kind::Acknowledgement,
        &[
            (
                "[#7041] Tóner",
                "El vostre cas té el número 7041.\n\nAixò és un missatge automàtic, no hi respongueu.",
            ),
            ("[#7041] Toner", "Vaš upit ima broj 7041.\n\nOvo je automatska poruka, ne odgovarajte na nju."),
            ("[#7041] Toneris", "Jūsu pieprasījums: 7041.\n\nAutomātisks ziņojums, lūdzu, neatbildiet."),
            ("[#7041] Tooner", "Teie päring sai numbri 7041.\n\nAutomaatne kiri, palun ärge vastake."),
            (
                "[#7041] Blekhylki",
                "Erindi þitt er númer 7041.\n\nSjálfvirkt skeyti, vinsamlegast svarið ekki.",
            ),
            ("[#7041] تونر", "درخواست شما شماره 7041 دارد.\n\nاین ایمیل خودکار است، لطفا پاسخ ندهید."),
            ("[#7041] 碳粉", "您的申請編號為 7041。\n\n此信由系統自動發送，請勿回覆。"),
        ],
    );
    all_are(
        Kind::Calendar,
        &[
            ("Priimta: Dažai", ""),
            ("Noraidīts: Krāsa", ""),
            ("Hafnað: Fundur", ""),
            ("Đã từ chối: Họp", ""),
            ("ตอบรับ: ประชุม", ""),
            ("已婉拒: 會議", ""),
        ],
    );
    all_are(
        Kind::Receipt,
        &[("Lesið: Fundur", ""), ("Loetud: 7041", ""), ("Telah dibaca: 7041", ""), ("讀取: 會議", "")],
    );
    all_are(
        Kind::AutoReply,
        &[
            ("Fjarvera: Fundur", "Ég er í fríi til 4. maí."),
            ("Prombūtnē: Krāsa", "Esmu atvaļinājumā līdz 4. maijam."),
            ("Vắng mặt: Họp", "Tôi đang nghỉ phép đến hết ngày 4/5."),
            ("پاسخ خودکار: جلسه", "تا ۴ مه در مرخصی هستم."),
        ],
    );
    all_are(
        Kind::Person,
        &[
            ("Pesan", "Semua orang menerima pesan otomatis nomor 7041, tolong matikan."),
            (
                "Backup 7041",
                "Backup 7041 failed on SRV-3. This is an automated message, please do not reply.",
            ),
            ("Nisam u uredu sutra", "Nisam u uredu sutra, neka tehničar dođe u petak."),
            (
                "Your message",
                "Clients get your automatic message 7041 \"please do not reply\" thrice, can you stop it?",
            ),
        ],
    );
}

#[test]
fn people_who_talk_about_such_mail_are_people() {
    all_are(
        Kind::Person,
        &[
            (
                "Automatic reply does not start",
                "I set my out of office yesterday but nobody gets it. Can you look?",
            ),
            (
                "Automatic reply: please set up",
                "Please set up an out-of-office for Mia, she is on annual leave from Monday.",
            ),
            ("Out of office", "Please turn on the out of office of Mia Stone until 4 May."),
            ("Abwesenheitsnotiz", "Bitte richten Sie für Frau Stone eine Abwesenheitsnotiz ein."),
            ("Réponse automatique", "Merci de configurer une réponse automatique pour Mia."),
            ("I am on leave next week", "I am on annual leave from Monday. Please move my calls to Bob."),
            ("RE: Ticket 5521", "I am out of the office until Monday, can we do it on Tuesday?"),
            (
                "FW: Undeliverable: offer",
                "I got this from our client's server, what now?\n\nFrom: Microsoft Outlook\nSent: Monday\nTo: Mia\nSubject: Undeliverable: offer\n\nDelivery has failed to these recipients or groups: x@y.example",
            ),
            (
                "Undeliverable mail",
                "Since noon my mails to the bank come back with 550 5.7.1 from bank@bank.example. What can we do?",
            ),
            ("Unzustellbar", "Ich bekomme seit gestern Mails von mailer-daemon zurück, bitte helfen."),
            (
                "Accepted: cards",
                "At the till the green light says accepted but nothing is printed, could you check?",
            ),
            ("Declined: card payments since noon", "The terminal shows declined for every card."),
            ("Cannot accept invitations", "Accepting an invitation in the calendar gives an error."),
            ("Read receipts", "How can I turn off read receipts in Outlook?"),
            ("Read: new policy", "I have a question on the new policy: who signs it? Bob: no. Eve: no."),
            ("Delivered: wrong laptop", "You sent the wrong model, ours is the smaller one."),
            (
                "WG: Newsletter Mai",
                "Ist das Phishing?\n\nVon: News\nGesendet: Montag\nAn: Mia\nBetreff: Newsletter Mai\n\nNewsletter abbestellen\nIm Browser ansehen",
            ),
            ("Is this real", "Is this mail genuine?\n\nGreat deals inside\n\nView in browser\nUnsubscribe"),
            (
                "Newsletter",
                "Our newsletter does not reach our clients, they say that the link to unsubscribe is broken.",
            ),
            (
                "Your confirmation of 8812",
                "I received the mail that my request has been received, but nobody called. When will somebody come?",
            ),
            (
                "Meeting room",
                "Please look at this file.\n\nIt does not import into my calendar since Monday, the others see it in theirs:\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR",
            ),
            ("", "The printer is offline."),
            ("Printer offline", ""),
        ],
    );
    let phoned = with(mail("Accepted: Router swap", ""), "source", "Phone".into());
    assert_eq!(told(phoned), Kind::Person);
}

#[test]
fn thanks_alone_ask_for_nothing_and_a_word_more_may() {
    all_are(
        Kind::Thanks,
        &[
            ("Re: Ticket 88", "Thanks Dana, works now! You can close the ticket.\n\nMia Stone"),
            ("RE: printer", "Perfect, thank you very much."),
            ("AW: Drucker", "Vielen Dank für die schnelle Hilfe, funktioniert wieder."),
            ("RE: imprimante", "Merci beaucoup, ça marche."),
            ("SV: skrivare", "Tack så mycket, det fungerar nu."),
            ("Re: プリンター", "ありがとうございます。解決しました。"),
        ],
    );
    all_are(
        Kind::Person,
        &[
            ("Re: Ticket 88", "Thanks, it works now. But the second screen is black."),
            ("Re: Ticket 88", "Thank you, still offline."),
            ("Re: Ticket 88", "Thanks. When can you close it?"),
            ("AW: Drucker", "Danke, aber der Scanner nicht."),
            ("Printer offline", "Thanks!"),
            ("Re: Ticket 88", "Thank you. Printer"),
        ],
    );
}

#[test]
fn hostile_texts_are_read_in_bounded_time() {
    for unit in ["<", "<a ", "<style>", "<@", "a:b\n", "[x]", "thanks ", "BEGIN:VCALENDAR ", "\u{301}", "?"] {
        let text = unit.repeat(1_000_000 / unit.len());
        told(with(mail(&text, &text), "headers", text.clone().into()));
    }
}
