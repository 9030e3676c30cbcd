//! Kinds of mail, each in ten languages, and what only looks like them. All invented.

use firstline_ticket::Ticket;

use super::super::{Kind, read};

/// What a mail of one language is made of.
struct Language {
    ask: &'static str,
    thanks: &'static str,
    old: &'static str,
    headers: &'static str,
    attribution: &'static str,
    signature: &'static str,
    legal: &'static str,
    phone: &'static str,
    /// Prefix of an answer's subject, and of a forwarded mail's.
    answers: &'static str,
    forwards: &'static str,
    note: &'static str,
    lead: &'static str,
    error: &'static str,
}

const LANGUAGES: &[Language] = &[
    Language {
        ask: "Der Beamer im Raum 7 bleibt dunkel.",
        thanks: "Jetzt geht es, danke schön",
        old: "Bitte ziehen Sie das Kabel ab und stecken Sie es wieder ein.",
        headers: "Von: Servicedesk <desk@msp.example>\nGesendet: Dienstag, 5. November 2024 08:31\nAn: Petra Beispiel <petra@acme.example>\nBetreff: AW: Beamer",
        attribution: "Am Di., 5. Nov. 2024 um 08:31 Uhr schrieb Servicedesk <desk@msp.example>:",
        signature: "Mit besten Grüßen\n\nPetra Beispiel\nLeiterin Einkauf\n+49 30 555017",
        legal: "Diese Nachricht ist vertraulich und ausschließlich für den Adressaten bestimmt. Sollten Sie nicht der vorgesehene Empfänger sein, löschen Sie sie bitte.",
        phone: "Von meinem Samsung Galaxy Smartphone gesendet.",
        answers: "AW",
        forwards: "WG",
        note: "Hallo Team, unser Kunde meldet das hier unten, bitte kümmert euch heute darum.",
        lead: "Beim Start erscheint folgende Meldung:",
        error: "Fehler 0x8007 Datei fehlt",
    },
    Language {
        ask: "Le vidéoprojecteur de la salle 7 reste noir.",
        thanks: "Ça fonctionne, merci",
        old: "Débranchez le câble puis rebranchez-le.",
        headers: "De : Centre de services <desk@msp.example>\nEnvoyé : mardi 5 novembre 2024 08:31\nÀ : Claire Exemple\nObjet : RE: Vidéoprojecteur",
        attribution: "Le mar. 5 nov. 2024 à 08:31, Centre de services <desk@msp.example> a écrit :",
        signature: "Bien cordialement\n\nClaire Exemple\nResponsable achats\n+49 30 555017",
        legal: "Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive de leur destinataire. Si vous recevez ce message par erreur, merci de le détruire.",
        phone: "Envoyé depuis mon téléphone Android avec K-9 Mail.",
        answers: "RE",
        forwards: "TR",
        note: "Bonjour à tous, notre client nous signale le point ci-dessous, merci de regarder aujourd'hui.",
        lead: "Au démarrage je vois ceci :",
        error: "Erreur 0x8007 fichier absent",
    },
    Language {
        ask: "Projektor w sali 7 jest ciemny.",
        thanks: "Już działa, dzięki",
        old: "Proszę odłączyć kabel i podłączyć go ponownie.",
        headers: "Od: Serwis <desk@msp.example>\nWysłano: wtorek, 5 listopada 2024 08:31\nDo: Anna Przykład\nTemat: ODP: Projektor",
        attribution: "wt., 5 lis 2024 o 08:31 Serwis <desk@msp.example> napisał(a):",
        signature: "Z poważaniem\n\nAnna Przykład\nKierownik zakupów\n+49 30 555017",
        legal: "Treść tej wiadomości jest poufna i przeznaczona wyłącznie dla jej adresata. Jeżeli nie są Państwo adresatem, prosimy ją usunąć.",
        phone: "Wysłane z mojego telefonu Samsung",
        answers: "ODP",
        forwards: "PD",
        note: "Dzień dobry, klient zgłasza sprawę poniżej, proszę zajmijcie się tym dzisiaj.",
        lead: "Przy starcie widać:",
        error: "Błąd 0x8007 brak pliku",
    },
    Language {
        ask: "Projektor v místnosti 7 zůstává tmavý.",
        thanks: "Už to funguje, díky",
        old: "Odpojte prosím kabel a znovu jej zapojte.",
        headers: "Od: Podpora <desk@msp.example>\nOdesláno: úterý 5. listopadu 2024 8:31\nKomu: Jana Příkladová\nPředmět: RE: Projektor",
        attribution: "út 5. 11. 2024 v 8:31 odesílatel Podpora <desk@msp.example> napsal:",
        signature: "S pozdravem\n\nJana Příkladová\nVedoucí nákupu\n+49 30 555017",
        legal: "Tato zpráva je důvěrná a určená pouze adresátovi. Pokud nejste zamýšleným příjemcem, smažte ji.",
        phone: "Odesláno z mobilu Samsung Galaxy",
        answers: "RE",
        forwards: "FW",
        note: "Dobrý den, zákazník nám hlásí věc níže, podívejte se na to prosím ještě dnes.",
        lead: "Při startu se zobrazí:",
        error: "Chyba 0x8007 soubor chybí",
    },
    Language {
        ask: "A 7-es terem projektora sötét marad.",
        thanks: "Már működik, köszönöm",
        old: "Húzza ki a kábelt, majd dugja vissza.",
        headers: "Feladó: Ügyfélszolgálat <desk@msp.example>\nElküldve: 2024. november 5., kedd 8:31\nCímzett: Példa Éva\nTárgy: RE: Projektor",
        attribution: "Ügyfélszolgálat <desk@msp.example> ezt írta (időpont: 2024. nov. 5., K, 8:31):",
        signature: "Üdvözlettel\n\nPélda Éva\nBeszerzési vezető\n+49 30 555017",
        legal: "Ez az üzenet bizalmas, kizárólag a címzettnek szól. Amennyiben Ön nem a címzett, kérjük, törölje.",
        phone: "Samsung telefonomról küldve",
        answers: "Vá",
        forwards: "Továbbítás",
        note: "Sziasztok, az ügyfelünk az alábbit jelezte, kérlek nézzétek meg még ma.",
        lead: "Indításkor ez látszik:",
        error: "Hiba 0x8007 hiányzó fájl",
    },
    Language {
        ask: "Проектор в зале 7 не включается.",
        thanks: "Заработало, спасибо",
        old: "Отключите кабель и подключите его снова.",
        headers: "От: Служба поддержки <desk@msp.example>\nОтправлено: 5 ноября 2024 г. 8:31\nКому: Анна Примерова\nТема: RE: Проектор",
        attribution: "вт, 5 нояб. 2024 г. в 08:31, Служба поддержки <desk@msp.example>:",
        signature: "С уважением\n\nАнна Примерова\nНачальник отдела закупок\n+49 30 555017",
        legal: "Данное сообщение является конфиденциальным и предназначено только для адресата. Если вы не являетесь получателем, удалите его.",
        phone: "Отправлено с телефона Samsung",
        answers: "RE",
        forwards: "FW",
        note: "Коллеги, клиент сообщает о проблеме ниже, посмотрите пожалуйста сегодня.",
        lead: "При запуске видно:",
        error: "Ошибка 0x8007 нет файла",
    },
    Language {
        ask: "7 numaralı salondaki projeksiyon açılmıyor.",
        thanks: "Şimdi çalışıyor, sağ olun",
        old: "Kabloyu çıkarıp tekrar takın.",
        headers: "Kimden: Destek <desk@msp.example>\nGönderildi: 5 Kasım 2024 Salı 08:31\nKime: Ayşe Örnek\nKonu: YNT: Projeksiyon",
        attribution: "Destek <desk@msp.example>, 5 Kas 2024 Sal, 08:31 tarihinde şunu yazdı:",
        signature: "Saygılarımla\n\nAyşe Örnek\nSatın Alma Müdürü\n+49 30 555017",
        legal: "Bu e-posta gizlidir ve yalnızca alıcısı içindir. Bu iletinin alıcısı değilseniz lütfen siliniz.",
        phone: "Samsung cihazımdan gönderildi",
        answers: "YNT",
        forwards: "İLT",
        note: "Merhaba, müşterimiz aşağıdakini bildiriyor, bugün bakabilir miyiz lütfen.",
        lead: "Açılışta şu görünüyor:",
        error: "Hata 0x8007 dosya yok",
    },
    Language {
        ask: "会議室7のプロジェクターが映りません。",
        thanks: "直りました、ありがとうございます",
        old: "ケーブルを抜いて、もう一度差してください。",
        headers: "差出人: サポート <desk@msp.example>\n送信日時: 2024年11月5日 8:31\n宛先: 例田 花子\n件名: Re: プロジェクター",
        attribution: "2024年11月5日(火) 8:31 サポート <desk@msp.example>:",
        signature: "よろしくお願いいたします\n\n例田 花子\n購買部\n+49 30 555017",
        legal: "このメールには機密情報が含まれており、宛先の方のみを対象としています。誤って受信された場合は削除してください。",
        phone: "Androidから送信",
        answers: "返信",
        forwards: "転送",
        note: "お疲れ様です。お客様から下記の連絡がありましたので、本日中にご確認をお願いします。",
        lead: "起動時に次の表示が出ます：",
        error: "エラー 0x8007 ファイルなし",
    },
    Language {
        ask: "7号会议室的投影仪没有画面。",
        thanks: "已经好了，谢谢",
        old: "请拔掉线再重新插上。",
        headers: "发件人：服务台 <desk@msp.example>\n发送时间：2024年11月5日 8:31\n收件人：王小例\n主题：答复: 投影仪",
        attribution: "服务台 <desk@msp.example> 于2024年11月5日周二 08:31写道：",
        signature: "此致\n\n王小例\n采购部\n+49 30 555017",
        legal: "本邮件及其附件含有保密信息，仅限于发送给收件人。如果您不是收件人，请删除本邮件。",
        phone: "发自我的华为手机",
        answers: "答复",
        forwards: "转发",
        note: "各位好，客户反映了下面的问题，请今天处理一下。",
        lead: "启动时显示：",
        error: "错误 0x8007 缺少文件",
    },
    Language {
        ask: "Projektorn i rum 7 förblir mörk.",
        thanks: "Nu fungerar det, tack",
        old: "Dra ur kabeln och sätt i den igen.",
        headers: "Från: Servicedesk <desk@msp.example>\nSkickat: den 5 november 2024 08:31\nTill: Karin Exempel\nÄmne: SV: Projektor",
        attribution: "Den tis 5 nov. 2024 kl 08:31 skrev Servicedesk <desk@msp.example>:",
        signature: "Med vänlig hälsning\n\nKarin Exempel\nInköpschef\n+49 30 555017",
        legal: "Detta meddelande är konfidentiellt och avsett endast för mottagaren. Om du har fått det av misstag, radera det.",
        phone: "Skickat från min Samsung-mobil",
        answers: "SV",
        forwards: "VB",
        note: "Hej alla, vår kund rapporterar det här nedan, titta gärna på det i dag.",
        lead: "Vid start visas detta:",
        error: "Fel 0x8007 fil saknas",
    },
];

fn body(subject: &str, body: &str) -> String {
    let ticket = Ticket { subject: Some(subject.into()), body: Some(body.into()), ..Ticket::default() };
    read(&ticket).body.text
}

#[test]
fn an_answer_is_what_is_left_of_it_however_short() {
    for l in LANGUAGES {
        let subject = format!("{}: x", l.answers);
        for old in [l.headers, l.attribution] {
            assert_eq!(body(&subject, &format!("{}\n\n{old}\n\n{}", l.thanks, l.old)), l.thanks);
            assert_eq!(body(&subject, &format!("Ok\n\n{old}\n\n{}", l.old)), "Ok");
        }
        assert_eq!(body("x", &format!("{}\n\n{}\n> {}", l.ask, l.attribution, l.old)), l.ask);
    }
}

#[test]
fn a_forwarded_mail_is_the_ticket_with_its_note() {
    for l in LANGUAGES {
        let mail = format!("{}\n\n{}\n\n{}\n\n{}", l.note, l.signature, l.headers, l.ask);
        assert_eq!(body(&format!("{}: x", l.forwards), &mail), format!("{}\n\n{}", l.note, l.ask));
    }
}

#[test]
fn signatures_legal_notes_and_phone_lines_go() {
    for l in LANGUAGES {
        let mail = format!("{}\n\n{}\n\n{}", l.ask, l.signature, l.legal);
        assert_eq!(body("x", &mail), l.ask);
        assert_eq!(body("x", &format!("{}\n\n{}", l.ask, l.phone)), l.ask);
    }
}

#[test]
fn what_senders_quote_themselves_and_whom_they_write_about_stays() {
    for l in LANGUAGES {
        let own = body("x", &format!("{}\n\n> {}\n\n{}", l.lead, l.error, l.ask));
        assert!(own.contains(l.lead) && own.contains(l.error) && own.contains(l.ask), "{own}");
        let person = format!("{}\n{}\nPat Sample\n+49 30 555019\npat@acme.example", l.ask, l.lead);
        assert_eq!(body("x", &person), person);
    }
}

#[test]
fn html_says_what_is_quoted() {
    for l in LANGUAGES {
        let attribution = l.attribution.replace('<', "&lt;").replace('>', "&gt;");
        for html in [
            format!("<p>{}</p><div class='gmail_quote'><div>{attribution}</div>{}</div>", l.ask, l.old),
            format!(
                "<p>{}</p><div class='moz-cite-prefix'>{attribution}</div><blockquote type='cite'>{}</blockquote>",
                l.ask, l.old
            ),
            format!("<p>{}</p><div id='divRplyFwdMsg'>x</div><div>{}</div>", l.ask, l.old),
        ] {
            assert_eq!(body("RE: x", &html), l.ask, "{html}");
        }
    }
}

#[test]
fn forms_lists_and_logs_stay() {
    for text in [
        "Name: Pat Sample\nE-Mail: pat@acme.example\nBeginn: 04.11.2024 08:00\nAbteilung: Vertrieb",
        "Teams fails.\n\nOrganiser: Jo Doe <jo@acme.example>\nWhen: 5 November 2024 08:30\nError: 0x80072\nMeeting ID: 123",
        "At 10:12 on 4 November the server printed:\nDisk 2 failed",
        "update t set a=1\n--\nwhere b=2\n--\nis what I ran",
        "Please change my signature to:\n\nKind regards,\nAnn Example\nHead of Sales",
        "The text above this line is cut off when I print\nCan you check the driver?",
        "Our lawyer wants every message to say that it is confidential and for the recipient. Can you do that?",
        "Mails sent from my iPhone fail",
        "Calendar broken\n\nGet Outlook working on my Android please",
    ] {
        assert_eq!(body("x", text), text);
    }
}

#[test]
fn intake_systems_are_not_the_sender() {
    let mail = "From: Ann Example <ann@acme.example>\nSent: Tuesday, November 5, 2024 8:31 AM\nTo: desk\nSubject: RE: dock\n\nThe dock is dead.";
    for line in ["Ticket logged by front office via email", "Received from: Ann Example (ann@acme.example)"] {
        assert_eq!(body("RE: dock", &format!("{line}\n\n{mail}")), "The dock is dead.");
    }
}

#[test]
fn cuts_lead_back_to_the_original() {
    for l in LANGUAGES {
        let mail = format!("{}\n\n{}\n\n{}\n\n{}", l.ask, l.signature, l.headers, l.old);
        let ticket = Ticket { subject: Some("RE: x".into()), body: Some(mail.clone()), ..Ticket::default() };
        let cuts = read(&ticket).cuts();
        let of = |kind: Kind| {
            let cut = cuts.iter().find(|cut| cut.reason == kind).expect("a cut of the kind");
            &mail[cut.start..cut.end]
        };
        assert_eq!(of(Kind::Signature), l.signature);
        assert!(of(Kind::Quote).starts_with(l.headers) && of(Kind::Quote).ends_with(l.old));
    }
}
