//! Legal notes, banners and footers beside what people write about them, in many languages.

use firstline_ticket::Ticket;

use super::super::read;

/// Sentences of people that only resemble a note, or speak of one.
const PEOPLE: &[&str] = &[
    "This message may contain malware. It came in for ten users this morning.",
    "This message is intended for Jane but arrives in the mailbox of Bob.",
    "If you are not on the VPN, the message is not sent.",
    "If you receive a message with a wrong sender, delete it. That is what we told the users, they still ask.",
    "The information in this system is confidential, so access must be limited to HR.",
    "This email is privileged communication with our lawyer, it has to be excluded from the archive.",
    "This message was intended for our lawyer. Recall it.",
    "The contents of this mailbox are confidential and only the manager may read it.",
    "Diese E-Mail enthält vertrauliche Daten und darf nicht im Archiv landen.",
    "Diese Nachricht ist nur für den Vorstand bestimmt, liegt aber im öffentlichen Ordner.",
    "Der Inhalt dieser Mail ist vertraulich: Frau Huber verlässt uns zum 1. April. Postfach danach löschen.",
    "Wenn Sie diese Nachricht irrtümlich bekommen haben, leiten Sie sie an den Einkauf weiter.",
    "Bitte prüfen Sie, ob diese Mail von der Bank ist.",
    "Ce message est confidentiel, le compte de Luc doit être supprimé lundi.",
    "Ce courriel contient un virus, trois personnes ont ouvert la pièce jointe.",
    "Les informations contenues dans ce dossier sont confidentielles, l'accès doit être limité.",
    "Este mensaje contiene datos confidenciales y se envió al cliente equivocado, hay que recuperarlo.",
    "Si ha recibido este mensaje por error en su bandeja, el filtro falla.",
    "Esta mensagem é confidencial: o Paulo sai na sexta, bloquear a conta.",
    "Se não for o destinatário da lista, o e-mail volta.",
    "Questo messaggio contiene dati riservati ed è arrivato a tutti i clienti.",
    "Questa email è riservata: Anna esce venerdì, disattivare l'account.",
    "Dit bericht bevat vertrouwelijke gegevens en staat in de map van iedereen.",
    "Ta wiadomość jest poufna: Jan odchodzi w piątek, zablokować konto.",
    "Tato zpráva je důvěrná, Petr končí v pátek, účet zablokovat.",
    "Detta mejl innehåller känsliga uppgifter och ligger i fel mapp.",
    "Denne e-mail er fortrolig. Lars stopper fredag, luk hans konto.",
    "Tämä viesti on luottamuksellinen. Matti lähtee perjantaina, tili lukkoon.",
    "Ez az üzenet bizalmas. Péter pénteken távozik, a fiókját le kell tiltani.",
    "Acest mesaj este confidențial. Ion pleacă vineri, contul trebuie blocat.",
    "Bu e-posta gizlidir. Ali cuma günü ayrılıyor, hesabı kapatılsın.",
    "Это письмо конфиденциально. Иванов уходит в пятницу, учётку отключить.",
    "Цей лист конфіденційний. Петренко йде в п'ятницю, вимкнути акаунт.",
    "Αυτό το email είναι εμπιστευτικό. Ο Νίκος φεύγει την Παρασκευή, κλείστε τον λογαριασμό.",
    "このメールは機密です。田中さんは金曜に退職しますので、アカウントを停止してください。",
    "此邮件为机密。张伟周五离职，请停用他的账号。",
    "이 메일은 기밀입니다. 김철수 씨가 금요일에 퇴사하니 계정을 잠가 주세요.",
    "הודעה זו סודית. דני עוזב ביום שישי, לחסום את החשבון.",
    "هذه الرسالة سرية. أحمد يغادر يوم الجمعة، أوقفوا حسابه.",
    "यह ईमेल गोपनीय है। राम शुक्रवार को जा रहे हैं, खाता बंद करें।",
    "Email này là bí mật. Anh Nam nghỉ việc thứ Sáu, khóa tài khoản.",
    "Pesan ini rahasia. Budi keluar hari Jumat, blokir akunnya.",
    "Think before you print is shown on each page, please remove.",
    "Please consider the environment variable PATH before printing, the driver reads it.",
    "Any unauthorised access to the server must be logged.",
    "Registered office moved to 12 High Street, change it in all templates.",
    "Sitz der Gesellschaft ist jetzt Hamburg, bitte in allen Vorlagen ändern.",
    "Handelsregister HRB 12345 falsch auf dem Briefkopf.",
    "Do not open attachments from Acme, their mails have been hacked.",
    "Öffnen Sie keine Anhänge, sagt der Virenscanner bei jeder Mail.",
    "Please exercise caution when opening the rack, the fan is loose.",
    "This email originated from outside but shows our director as the sender.",
    "Diese E-Mail wurde auf Viren geprüft und trotzdem war einer drin.",
    "This email has been scanned twice by our copier and is upside down.",
    "This email was scanned by Acme Security and put into quarantine, release it.",
    "This email is confidential, please do not forward it, Tom must not know. Lock his account on Friday.",
    "This message was sent to a client by mistake. Please delete it from all mailboxes.",
    "Diese E-Mail wurde versehentlich an einen Kunden gesendet. Bitte aus dem Postfach löschen.",
    "Ce message a été envoyé par erreur à un client. Merci de le supprimer de sa boîte.",
    "Este correo fue enviado por error a otro cliente. Por favor bórrenlo del buzón.",
    "Questo messaggio è stato inviato per errore a un cliente. Cancellatelo dalla casella.",
    "Dit bericht is per ongeluk naar een klant gestuurd. Graag verwijderen.",
    "Ta wiadomość została przez pomyłkę wysłana do klienta. Proszę ją usunąć ze skrzynki.",
    "Это письмо ошибочно отправлено другому получателю. Удалите его из ящика, пожалуйста.",
    "このメールには機密情報が含まれており、誤って別の宛先に送信しました。削除してください。",
    "本邮件包含机密信息，被错误地发送给了其他收件人，请删除。",
    "Save paper by making duplex the default on all copiers.",
    "Toute utilisation du portail est bloquée depuis mardi.",
    "Prima di stampare esce l'errore 7.",
    "Antes de imprimir aparece um aviso na tela.",
    "如果您不是管理员，就装不了这个软件。",
    "Если вы не являетесь администратором, программа не ставится.",
    "Jika anda bukan admin, aplikasi tidak bisa dipasang.",
    "Amtsgericht Köln hat angerufen, bitte Rückruf unter 0221 7654321.",
];

/// Notes that stand alone at a mail's end, without a name above.
const NOTES: &[&str] = &[
    "This e-mail and its attachments may contain confidential information and are intended only for the addressee. If you are not the intended recipient, please notify the sender and delete it.",
    "CONFIDENTIALITY NOTICE: this message may contain privileged information.",
    "Diese Nachricht ist vertraulich und ausschließlich für den Adressaten bestimmt. Falls Sie nicht der richtige Empfänger sind, löschen Sie sie bitte.",
    "Ce courriel est confidentiel et destiné à son seul destinataire. Toute diffusion est interdite.",
    "Este mensaje es confidencial y va dirigido exclusivamente a su destinatario.",
    "Questo messaggio è riservato ed è destinato esclusivamente al destinatario.",
    "De inhoud van dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde.",
    "Данное письмо предназначено только адресату и может содержать конфиденциальную информацию.",
    "本邮件可能包含机密信息，仅供指定收件人使用。如果您不是指定收件人，请删除本邮件并通知发件人。",
    "Think before you print: save trees.",
    "Virus-free. www.avast.com",
    "This email has been scanned for viruses by MailScanner.",
    "Geschäftsführer: Max Muster, Sitz der Gesellschaft: Kiel, Amtsgericht Kiel HRB 99887",
];

fn body(body: &str) -> String {
    let ticket = Ticket { subject: Some("Request".into()), body: Some(body.into()), ..Ticket::default() };
    read(&ticket).body.text
}

#[test]
fn what_people_write_about_notes_stays() {
    for greeting in ["Hello,", "Hi team,\n\nwe have a problem with the mails since Monday."] {
        for sentence in PEOPLE {
            let text = format!("{greeting}\n\n{sentence}");
            assert_eq!(body(&text), text);
            assert_eq!(body(&format!("{text}\n\nKind regards\nJo Doe")), text);
        }
    }
}

#[test]
fn notes_at_the_end_go() {
    let text = "Hello,\n\nthe plotter in bay 4 stops after two sheets.";
    for note in NOTES {
        assert_eq!(body(&format!("{text}\n\n{note}")), text, "{note}");
        assert_eq!(body(&format!("{text}\n\nKind regards\nJo Doe\n\n{note}")), text, "{note}");
    }
}

#[test]
fn words_after_a_note_stay() {
    let note = "This e-mail is confidential and intended only for the addressee.";
    for words in [
        "By the way the scanner is broken too, repair both.",
        "Lock the account of Tom on Friday.",
        "Übrigens piept der Drucker auch.",
        "It comes for each mail. Please turn off the warning.",
    ] {
        for gap in [" ", "\n", "\n\n"] {
            let left = body(&format!("The printer is broken.\n\n{note}{gap}{words}"));
            assert!(left.ends_with(words), "{words}: {left}");
        }
        let signed = body(&format!("The printer is broken.\n\nRegards\nJo Doe\n\n{note} {words}"));
        assert!(signed.contains(words), "{words}: {signed}");
    }
}

#[test]
fn a_note_that_the_words_above_speak_of_stays() {
    let note = "This e-mail may contain confidential information and is intended only for the addressee. If you are not the intended recipient, delete it.";
    for above in [
        "Please change our disclaimer on Monday.",
        "We want a new footer under all mails.",
        "A popup says",
        "Bitte den Hinweis unter den Mails ändern.",
        "Il faut changer le pied de page des courriels.",
        "Hay que cambiar la leyenda de los correos.",
        "フッターの文言を変更してください。",
    ] {
        let text = format!("Hello,\n\n{above}\n\n{note}");
        assert_eq!(body(&text), text);
    }
    let banner = "CAUTION: This email originated from outside of the organization.";
    let text = format!("Hi,\n\nplease take the banner away.\n\n{banner}");
    assert_eq!(body(&text), text);
    assert_eq!(body(&format!("{banner}\n\nThe printer is broken.")), "The printer is broken.");
}

#[test]
fn a_cut_keeps_the_paragraphs_apart() {
    let text = "The backup failed.\n\nThis e-mail may contain confidential information and is intended only for the addressee. If you are not the intended recipient, delete it.\n\nThe tape drive is noisy.";
    assert_eq!(body(text), "The backup failed.\n\nThe tape drive is noisy.");
}

#[test]
fn reports_below_the_name_stay() {
    for words in [
        "The mailbox with confidential mails was deleted.",
        "Also the confidential folder is gone, recipients get nothing.",
        "Virus scanner checked the PC and removed the ERP client.",
        "Personal data of Ann Poe has to be deleted in the CRM by Friday.",
        "Die vertrauliche Nachricht wurde an alle Empfänger verschickt.",
    ] {
        let left = body(&format!("Dead screen in room 4.\n\nRegards\nJo Doe\n\n{words}"));
        assert!(left.ends_with(words), "{words}: {left}");
    }
}
