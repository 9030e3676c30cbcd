//! Mails, notes and alerts as they come in, in several languages, and what is left of them. All invented.

use super::super::{Kind, normalize};

/// Input and the text that must be left.
type Sample = (&'static str, &'static str);

const PLAIN: &[Sample] = &[
    ("Printer on floor 2 is jammed.", "Printer on floor 2 is jammed."),
    (
        "Hi team,\r\n\r\nMy laptop won't boot.\r\n\r\nKind regards,\r\nJo Doe\r\nSales\r\n+44 20 7946 0000",
        "Hi team,\n\nMy laptop won't boot.",
    ),
    (
        "value < 5 and > 3 fails on <server01>, mail <john@example.com>",
        "value < 5 and > 3 fails on <server01>, mail <john@example.com>",
    ),
    ("Outlook keeps asking for my password.\n\nSent from my iPhone", "Outlook keeps asking for my password."),
    ("Can I get a second screen?\n\nGet Outlook for iOS", "Can I get a second screen?"),
    ("VPN is down!!!!!!!!\n\n\n\n\nPlease hurry......", "VPN is down!!!\n\nPlease hurry..."),
    ("I don’t know, Müller’s café", "I don’t know, Müller’s café"),
    ("I donâ€™t know, MÃ¼llerâ€™s cafÃ©", "I don’t know, Müller’s café"),
    ("NÃO CONSIGO ABRIR A APLICAÇÃO", "NÃO CONSIGO ABRIR A APLICAÇÃO"),
    ("Stop code 0x80000000000000 on PC\u{a0}12\u{200b}", "Stop code 0x80000000000000 on PC 12"),
    ("Thanks", "Thanks"),
    ("", ""),
    (" \n\t\n", ""),
    ("???", "???"),
    (
        "Cannot print\n\nThanks,\nCan you also reset my password?",
        "Cannot print\n\nThanks,\nCan you also reset my password?",
    ),
    (
        "Steps:\n1. open Excel\n2. it crashes\n\nerror: 1004\nregards",
        "Steps:\n1. open Excel\n2. it crashes\n\nerror: 1004",
    ),
    (
        "Bitte Zugang für Frau Muster einrichten.\n\nMit freundlichen Grüßen\n\nMax Muster\nMusterfirma GmbH\nTel.: +49 30 1234567",
        "Bitte Zugang für Frau Muster einrichten.",
    ),
    (
        "Bonjour,\nje n'arrive plus à imprimer.\nCordialement,\nJeanne Dupont\nComptabilité",
        "Bonjour,\nje n'arrive plus à imprimer.",
    ),
    (
        "Buenos días, no puedo entrar en el correo.\n\nUn saludo,\nAna García\nAdministración",
        "Buenos días, no puedo entrar en el correo.",
    ),
    ("Buongiorno, la stampante non va.\n\nCordiali saluti\nMario Rossi", "Buongiorno, la stampante non va."),
    (
        "Bom dia, não consigo aceder à rede.\n\nCom os melhores cumprimentos,\nJoão Silva",
        "Bom dia, não consigo aceder à rede.",
    ),
    (
        "Goedemorgen, mijn scherm blijft zwart.\n\nMet vriendelijke groet,\nJan de Vries\nInkoop",
        "Goedemorgen, mijn scherm blijft zwart.",
    ),
    ("Drucker kaputt\nVG Max", "Drucker kaputt\nVG Max"),
    ("プリンターが動きません。\n至急お願いします。", "プリンターが動きません。\n至急お願いします。"),
    ("Не работает принтер на втором этаже", "Не работает принтер на втором этаже"),
    ("Need help\n-- \nJo Doe\nAcme Ltd | 1 High Street | London\nwww.acme.example", "Need help"),
];

const THREADS: &[Sample] = &[
    (
        "That fixed it, you can close this.\n\nOn Mon, Mar 4, 2024 at 10:12 AM Help Desk <help@msp.example>\nwrote:\n\n> Please reboot.\n> Regards",
        "That fixed it, you can close this.",
    ),
    (
        "Leider geht es seit heute früh wieder nicht.\n\nVon: Helpdesk <help@msp.example>\nGesendet: Montag, 4. März 2024 10:12\nAn: Max Muster\nBetreff: AW: Drucker\n\nHallo Max,\nbitte neu starten.",
        "Leider geht es seit heute früh wieder nicht.",
    ),
    (
        "Still broken after the reboot, and now Excel is too.\n\n-----Original Message-----\nFrom: Help Desk\nSent: Monday\nTo: Jo\nSubject: RE: printer\n\nPlease reboot.",
        "Still broken after the reboot, and now Excel is too.",
    ),
    (
        "FYI\n\n-----Original Message-----\nFrom: Ana\nSent: Monday\nTo: Jo\nSubject: scanner\n\nThe scanner in Leeds is dead.",
        "FYI\n\nThe scanner in Leeds is dead.",
    ),
    (
        "Please see below.\n\nKind regards,\nJo Doe\nAcme Ltd\n\n---------- Forwarded message ---------\nFrom: Ana <ana@acme.example>\nDate: Mon, Mar 4, 2024\nSubject: scanner\nTo: <jo@acme.example>\n\nThe scanner in Leeds is dead.\n\nThanks,\nAna",
        "Please see below.\n\nThe scanner in Leeds is dead.",
    ),
    (
        "Begin forwarded message:\n\nFrom: Ana <ana@acme.example>\nSubject: Wifi\nDate: 4 March 2024 at 10:12:00 GMT\nTo: it@acme.example\n\nThe wifi drops in room 4.",
        "The wifi drops in room 4.",
    ),
    ("> On floor 2?\nNo, floor 3.\n> Since when?\nSince Monday.", "No, floor 3.\nSince Monday."),
    (
        "C'est urgent, plus rien ne marche.\n\nLe lun. 4 mars 2024 à 10:12, Support <s@msp.example> a écrit :\n> Bonjour,\n> essayez de redémarrer",
        "C'est urgent, plus rien ne marche.",
    ),
    (
        "Sigue sin funcionar la VPN desde esta mañana.\n\nDe: Soporte\nEnviado el: lunes\nPara: Ana\nAsunto: RE: VPN\n\nReinicie el equipo.",
        "Sigue sin funcionar la VPN desde esta mañana.",
    ),
    (
        "Het werkt hier nog steeds niet sinds vanmorgen.\n\nVan: Helpdesk\nVerzonden: maandag\nAan: Jan\nOnderwerp: RE: scherm\n\nGraag opnieuw opstarten.",
        "Het werkt hier nog steeds niet sinds vanmorgen.",
    ),
    (
        "Non funziona ancora, potete chiamarmi?\n\nDa: Assistenza\nInviato: lunedì\nA: Mario\nOggetto: R: stampante\n\nRiavvii il PC.",
        "Non funziona ancora, potete chiamarmi?",
    ),
    (
        "Continua sem funcionar hoje de manhã.\n\nEm seg., 4 de mar. de 2024 às 10:12, Suporte escreveu:\n\n> Reinicie",
        "Continua sem funcionar hoje de manhã.",
    ),
    (
        "Received: from mx.example by mail.example; Mon, 4 Mar 2024\nMessage-ID: <1@x.example>\nFrom: Jo <jo@acme.example>\nSubject: door\n\nThe door reader is offline.",
        "The door reader is offline.",
    ),
    (
        "##- Please type your reply above this line -##\n\nYour request #4711 has been received.\n\nMy dock is not charging.",
        "My dock is not charging.",
    ),
    (
        "Yes, tomorrow at 9 is fine for me.\n\n##- Please type your reply above this line -##\nTicket 12: dock\nShall I come by?",
        "Yes, tomorrow at 9 is fine for me.",
    ),
    (
        "Ticket #1234 has been created.\nDo not reply to this email.\n\nThe meeting room display is black.",
        "The meeting room display is black.",
    ),
];

const NOTES: &[Sample] = &[
    (
        "CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless you recognize the sender and know the content is safe.\n\nOur phones are dead.",
        "Our phones are dead.",
    ),
    (
        "[EXTERNAL EMAIL]\nOur phones are dead.\n\nRegards\nJo\n\nThis e-mail and any attachments are confidential and intended solely for the\naddressee. If you are not the intended recipient, please delete it and\nnotify the sender.\n\nRegistered in England No. 0123456.",
        "Our phones are dead.",
    ),
    (
        "Bitte Rechner abholen.\n\nDiese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, informieren Sie bitte sofort den Absender und vernichten Sie diese Mail.\n\nGeschäftsführer: Max Muster, Sitz der Gesellschaft: Berlin",
        "Bitte Rechner abholen.",
    ),
    (
        "Le serveur est lent.\n\nCe message est confidentiel. Si vous avez reçu ce message par erreur, merci de le détruire.",
        "Le serveur est lent.",
    ),
    (
        "No imprime.\n\nEste mensaje es confidencial y se dirige exclusivamente a su destinatario.",
        "No imprime.",
    ),
    (
        "This email says it originated from outside, but it is ours. Why?",
        "This email says it originated from outside, but it is ours. Why?",
    ),
    (
        "I got this:\nThis message is strange, is it spam?",
        "I got this:\nThis message is strange, is it spam?",
    ),
    (
        "Backup disk full.\n\nPlease consider the environment before printing this e-mail.",
        "Backup disk full.",
    ),
    ("Mouse broken.\n\nVirus-free. www.avast.com", "Mouse broken."),
];

const HTML: &[Sample] = &[
    (
        "<html><head><style>p{margin:0}</style><title>x</title></head><body><p class=MsoNormal>Hi,<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>Excel can&#8217;t open <b>budget.xlsx</b> &amp; crashes.</p><p class=MsoNormal>Kind regards,</p><p class=MsoNormal>Jo</p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>From:</b> Help &lt;help@msp.example&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Jo<br><b>Subject:</b> RE: Excel</p></div><p class=MsoNormal>Please reinstall.</p></body></html>",
        "Hi,\n\nExcel can’t open budget.xlsx & crashes.",
    ),
    (
        "<div dir=\"ltr\">Still no sound in Teams.<div><br></div></div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Mar 4, 2024 at 10:12 AM Help &lt;<a href=\"mailto:help@msp.example\">help@msp.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0\">Which headset?</blockquote></div>",
        "Still no sound in Teams.",
    ),
    (
        "<div dir=\"ltr\"><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">---------- Forwarded message ---------<br>From: <b>Ana</b> &lt;ana@acme.example&gt;<br>Date: Mon, Mar 4, 2024<br>Subject: Key card<br>To: &lt;jo@acme.example&gt;<br></div><br><br>My key card is lost.</div></div>",
        "My key card is lost.",
    ),
    (
        "<html><body style=\"word-wrap: break-word;\">Mail does not sync on my phone.<br><br><div><blockquote type=\"cite\"><div>On 4 Mar 2024, at 10:12, Help &lt;help@msp.example&gt; wrote:</div><br><div>Which phone?</div></blockquote></div></body></html>",
        "Mail does not sync on my phone.",
    ),
    (
        "<div>The scanner shows E-45 again since this morning.</div><hr><div id=\"divRplyFwdMsg\" dir=\"ltr\"><b>Lähettäjä:</b> Tuki<br><b>Aihe:</b> skanneri</div><div>Vanha viesti</div>",
        "The scanner shows E-45 again since this morning.",
    ),
    (
        "<ul><li>monitor</li><li>dock &lt;USB-C&gt;</li></ul><p>for the new starter</p>",
        "- monitor\n- dock <USB-C>\n\nfor the new starter",
    ),
    (
        "<table><tr><td>Name</td><td>Jo Doe</td></tr><tr><td>Start</td><td>1 May</td></tr></table>",
        "Name Jo Doe\nStart 1 May",
    ),
    (
        "<p>Ping to <server01> fails, 3 < 5 &amp; all</p><p>see <a href=\"https://t.example/c?u=1\">the guide</a></p>",
        "Ping to <server01> fails, 3 < 5 & all\n\nsee the guide",
    ),
    (
        "<p>Merci de r&eacute;initialiser mon mot de passe</p><div id=\"Signature\"><p>Jeanne Dupont</p><p>Comptabilit&eacute;</p></div>",
        "Merci de réinitialiser mon mot de passe",
    ),
    ("<div><div>Der Bildschirm flackert.</div><div>-- <br>Max</div></div>", "Der Bildschirm flackert."),
    ("<blockquote>Only an indented text.</blockquote><br><br>", "Only an indented text."),
];

const ALERTS: &[Sample] = &[
    (
        "***** Nagios *****\n\nNotification Type: PROBLEM\n\nService: Disk C\nHost: SRV-01\nAddress: 10.0.0.5\nState: CRITICAL\n\nDate/Time: Tue Mar 12 04:00:01 UTC 2024\n\nAdditional Info:\n\nDISK CRITICAL - free space: C: 2 %",
        "*** Nagios ***\n\nNotification Type: PROBLEM\n\nService: Disk C\nHost: SRV-01\nAddress: 10.0.0.5\nState: CRITICAL\n\nAdditional Info:\n\nDISK CRITICAL - free space: C: 2 %",
    ),
    (
        "Problem started at 04:00:01 on 2024.03.12\nProblem name: High CPU utilization\nHost: web01\nSeverity: Warning\nOriginal problem ID: 88213\nTrigger URL: https://zabbix.example/tr/1",
        "Problem started at 04:00:01 on 2024.03.12\nProblem name: High CPU utilization\nHost: web01\nSeverity: Warning",
    ),
    (
        "Datto RMM Alert\nDevice: ACME-DC01\nSite: Acme\nAlert Type: Backup failed\nUID: 3f2504e0-4f89-11d3-9a0c-0305e82c3301\nView in portal: https://rmm.example/a/1",
        "Datto RMM Alert\nDevice: ACME-DC01\nSite: Acme\nAlert Type: Backup failed",
    ),
    (
        "<html><body><table><tr><td>Sensor:</td><td>Ping</td></tr><tr><td>Device:</td><td>FW-01</td></tr><tr><td>Status:</td><td>Down</td></tr><tr><td>Time:</td><td>12/03/2024 04:00:01</td></tr></table><a href=\"https://prtg.example/s\">https://prtg.example/s</a></body></html>",
        "Sensor: Ping\nDevice: FW-01\nStatus: Down",
    ),
    ("[Failed] Veeam Backup job \"Daily\" on SRV-02", "[Failed] Veeam Backup job \"Daily\" on SRV-02"),
    ("Alert: NAS-01 is offline", "Alert: NAS-01 is offline"),
];

fn assert_samples(samples: &[Sample], html: bool, alert: bool) {
    for (original, want) in samples {
        let out = normalize(original);
        assert_eq!(out.text, *want, "from {original:?}");
        assert_eq!(normalize(&out.text).text, out.text, "idempotent");
        assert_eq!(out.is_alert, alert, "{original}");
        assert!(out.is_html == html || alert, "{original}");
        for segment in out.segments().iter().filter(|s| s.verbatim) {
            assert_eq!(original[segment.source.clone()], out.text[segment.output.clone()]);
        }
    }
}

#[test]
fn plain_notes() {
    assert_samples(PLAIN, false, false);
}

#[test]
fn threads() {
    assert_samples(THREADS, false, false);
}

#[test]
fn legal_notes_and_banners() {
    assert_samples(NOTES, false, false);
}

#[test]
fn html_mail() {
    assert_samples(HTML, true, false);
}

#[test]
fn alerts() {
    assert_samples(ALERTS, false, true);
}

#[test]
fn the_source_of_any_word_can_be_shown() {
    let original = "<p>Hi</p><p>the caf&eacute; printer donâ€™t print</p>\n<p>Thanks,<br>Jo</p>";
    let out = normalize(original);
    assert_eq!(out.text, "Hi\n\nthe café printer don’t print");
    let source = |word: &str| {
        let at = out.text.find(word).unwrap();
        &original[out.source_range(at..at + word.len())]
    };
    assert_eq!(source("printer"), "printer");
    assert_eq!(source("café"), "caf&eacute;");
    assert_eq!(source("don’t"), "donâ€™t");
    assert_eq!(source("é"), "&eacute;");
}

#[test]
fn what_went_is_counted_by_kind() {
    let out = normalize(
        "[EXTERNAL]\nDead phone\u{200b}\n\nThanks,\nJo\n\nOn 4 Mar 2024 at 10:12 Ana wrote:\n> old",
    );
    assert_eq!(out.text, "Dead phone");
    for kind in [Kind::Disclaimer, Kind::Signature, Kind::Header, Kind::Quote, Kind::Invisible, Kind::Run] {
        assert!(out.removed.bytes(kind) > 0, "{kind:?}");
    }
    assert_eq!(out.removed.bytes(Kind::Truncated), 0);
    assert_eq!(out.removed.total(), Kind::ALL.iter().map(|&k| out.removed.bytes(k)).sum::<usize>());
}
