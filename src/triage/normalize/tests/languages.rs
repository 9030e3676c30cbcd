//! What programs and lawyers put round a mail, in languages beyond those of `kinds.rs`, and what only looks like it. All invented.

use firstline_ticket::Ticket;

use super::super::read;

/// A first mail of one language.
struct Mail {
    ask: &'static str,
    closing: &'static str,
    block: &'static str,
    legal: &'static str,
    privacy: &'static str,
    print: &'static str,
    banner: &'static str,
}

const MAILS: &[Mail] = &[
    Mail {
        ask: "The plotter in bay 4 stops after two sheets.",
        closing: "Warmest regards,",
        block: "Dr. Imogen Pell, MSc\nHead of quality assurance and documentation\nNorthgate Castings Ltd\nUnit 7, Weaver Road, Hull HU3 1AB\nDDI 01482 555 012 / Mob 07700 900812\nRegistered in England & Wales No. 01234567 | VAT GB 123 4567 89",
        legal: "The contents of this e-mail and any files sent with it are private and confidential and meant for the named addressee alone. Anyone else must not copy, use or disclose them. Should you have received this in error, kindly notify the sender and delete every copy.",
        privacy: "We process your personal data in line with the UK GDPR; our privacy notice is on our website.",
        print: "Save trees: think twice before you print this e-mail.",
        banner: "This message was sent from outside your organisation. Take care with links and attachments.",
    },
    Mail {
        ask: "El plóter de la nave 4 se para tras dos hojas.",
        closing: "Reciba un cordial saludo,",
        block: "Ing. Maruja Cebrián Soto\nResponsable de calidad y documentación\nFundiciones del Cinca, S.L.U.\nC/ Las Eras 14, 22400 Monzón (Huesca)\nTel. 974 555 012 · Móvil 655 501 200\nInscrita en el Registro Mercantil de Huesca, T. 555, CIF B-00000000",
        legal: "La información de este correo y de sus adjuntos es confidencial y está dirigida únicamente a la persona destinataria. Queda prohibida su divulgación o copia. En caso de haberlo recibido por equivocación, le rogamos que avise al remitente y lo borre.",
        privacy: "De acuerdo con el RGPD, sus datos personales son tratados por Fundiciones del Cinca para gestionar la relación comercial.",
        print: "Antes de imprimir este mensaje, piense en el medio ambiente.",
        banner: "Este correo procede de un remitente externo a la organización. No abra enlaces ni archivos adjuntos si no confía en él.",
    },
    Mail {
        ask: "A plotter do pavilhão 4 para depois de duas folhas.",
        closing: "Com os melhores cumprimentos,",
        block: "Eng.ª Graça Valadares\nResponsável pela qualidade e documentação\nFundições do Sabor, Lda.\nRua das Amoreiras 14, 5300-120 Bragança\nTel.: 273 555 012 | Telem.: 935 550 120\nNIPC 500000000 – Capital social 50.000 €",
        legal: "O conteúdo deste e-mail e dos respetivos anexos é confidencial e destina-se somente à pessoa a quem foi endereçado. É proibida a sua divulgação ou cópia. Caso o tenha recebido por lapso ou por engano, agradecemos que avise o remetente e o apague.",
        privacy: "Os seus dados pessoais são tratados nos termos do RGPD e da LGPD; consulte a nossa política de privacidade.",
        print: "Antes de imprimir este e-mail, pense no ambiente.",
        banner: "Esta mensagem veio de um remetente externo à organização. Não clique em links nem abra anexos desconhecidos.",
    },
    Mail {
        ask: "De plotter in hal 4 stopt na twee vellen.",
        closing: "Met hartelijke groet,",
        block: "mr. drs. Wietske Postma\nhoofd kwaliteit en documentatie\nGieterij De Lauwers B.V.\nHavenkade 14, 9251 KB Burgum\nT 0511 555 012 | M 06 5555 0120\nKvK 55501200 | BTW NL000000000B01",
        legal: "De inhoud van dit e-mailbericht is vertrouwelijk en alleen bedoeld voor de ontvanger aan wie het gericht is. Openbaarmaking of verspreiding aan derden is niet toegestaan. Heeft u dit bericht per abuis ontvangen, dan verzoeken wij u de afzender te informeren en het te verwijderen.",
        privacy: "Wij verwerken uw persoonsgegevens volgens de AVG; zie onze privacyverklaring.",
        print: "Denk aan het milieu voordat u deze e-mail afdrukt.",
        banner: "Deze e-mail is afkomstig van een externe afzender. Wees voorzichtig met links en bijlagen openen.",
    },
    Mail {
        ask: "Plotteren i hall 4 stopper etter to ark.",
        closing: "Vennlig hilsen fra Voss",
        block: "Siv.ing. Torbjørg Rekve\nkvalitets- og dokumentasjonsansvarlig\nStøyperiet på Voss AS\nVangsgata 14, 5700 Voss\nTlf. 56 55 50 12 | Mob. 905 55 012\nOrg.nr. 955 501 200 MVA",
        legal: "Innholdet i denne e-posten er fortrolig og kun beregnet for den den er adressert til. Videreformidling uten tillatelse er forbudt. Dersom du har fått e-posten ved en feiltakelse, ber vi om at du varsler avsender og sletter den.",
        privacy: "Vi behandler personopplysninger etter personvernforordningen; se personvernerklæringen på nettsiden.",
        print: "Tenk på miljøet før du skriver ut denne e-posten.",
        banner: "Denne e-posten er sendt fra en ekstern avsender. Vær forsiktig med lenker og vedlegg før du klikker.",
    },
    Mail {
        ask: "Hallin 4 piirturi pysähtyy kahden arkin jälkeen.",
        closing: "Parhain terveisin",
        block: "DI Aino-Maija Kuusela\nlaatu- ja dokumentointipäällikkö\nValimo Kuusela Oy\nTehtaankatu 14, 35800 Mänttä\nPuh. 03 555 0120, gsm 040 555 0120\nY-tunnus 0555012-0, kotipaikka Mänttä",
        legal: "Tämän sähköpostin sisältö on luottamuksellinen ja tarkoitettu vain mainitulle vastaanottajalle. Sen luvaton levittäminen on kielletty. Mikäli olet saanut viestin erehdyksessä, ilmoita lähettäjälle ja poista se.",
        privacy: "Käsittelemme henkilötietoja tietosuoja-asetuksen mukaisesti, ks. tietosuojaseloste.",
        print: "Ajattele ympäristöä ennen kuin tulostat tämän viestin.",
        banner: "Tämä viesti on tullut organisaation ulkopuolelta. Älä avaa linkkejä tai liitteitä, ellet tunne lähettäjää.",
    },
    Mail {
        ask: "Plotterul din hala 4 se oprește după două coli.",
        closing: "Cu deosebită considerație,",
        block: "Ing. Ileana Vârlan\nResponsabil calitate și documentație\nTurnătoria Vârlan S.R.L.\nStr. Uzinei nr. 14, 330065 Deva\nTel.: 0254 555 012, mobil: 0722 555 012\nCUI RO55501200, J20/555/2010",
        legal: "Conținutul acestui e-mail este confidențial și se adresează exclusiv destinatarului. Orice copiere sau difuzare este interzisă. Dacă l-ați primit din greșeală, vă rugăm să anunțați expeditorul și să îl ștergeți.",
        privacy: "Prelucrăm datele cu caracter personal conform GDPR; detalii în politica de confidențialitate.",
        print: "Înainte de a imprima acest mesaj, gândiți-vă la mediu.",
        banner: "Acest mesaj vine de la un expeditor extern organizației. Nu deschideți linkuri sau atașamente suspecte.",
    },
    Mail {
        ask: "Плотер у цеху 4 зупиняється після двох аркушів.",
        closing: "Щиро ваша",
        block: "Одарка Панасівна Гнатюк\nначальниця відділу якості та документації\nТОВ «Ливарний двір»\nвул. Заводська, 14, м. Кременчук, 39600\nтел. (0536) 55-50-12, моб. 050 555 01 20\nЄДРПОУ 05550120, ІПН 055501216000",
        legal: "Вміст цього листа та вкладень є конфіденційним і призначений лише зазначеній особі. Копіювання чи поширення заборонено. У разі помилкового отримання просимо повідомити відправника та видалити лист.",
        privacy: "Ваші персональні дані обробляються згідно із законом, політика конфіденційності на сайті.",
        print: "Подумайте про довкілля, перш ніж друкувати цей лист.",
        banner: "Цей лист надійшов від зовнішнього відправника. Не відкривайте посилання та вкладення.",
    },
    Mail {
        ask: "Ο σχεδιογράφος στο τμήμα 4 σταματά μετά από δύο φύλλα.",
        closing: "Με φιλικούς χαιρετισμούς,",
        block: "Δρ. Θεοδώρα Καλλιγά\nυπεύθυνη ποιότητας και τεκμηρίωσης\nΧυτήρια Καλλιγά Α.Ε.\nΒιομηχανίας 14, 385 00 Βόλος\nΤηλ.: 24210 55501 | Κιν.: 6945 550 120\nΑΦΜ 099999999, ΓΕΜΗ 055501244000",
        legal: "Το περιεχόμενο αυτού του μηνύματος είναι εμπιστευτικό και προορίζεται μόνο για τον παραλήπτη. Απαγορεύεται η αντιγραφή ή η διανομή του. Εάν το λάβατε εκ παραδρομής, ενημερώστε τον αποστολέα και διαγράψτε το.",
        privacy: "Τα προσωπικά σας δεδομένα υποβάλλονται σε επεξεργασία σύμφωνα με τον ΓΚΠΔ.",
        print: "Σκεφτείτε το περιβάλλον πριν εκτυπώσετε αυτό το μήνυμα.",
        banner: "Αυτό το μήνυμα προέρχεται από εξωτερικό αποστολέα. Μην ανοίγετε συνδέσμους ή συνημμένα.",
    },
    Mail {
        ask: "Máy vẽ ở xưởng 4 dừng sau hai tờ.",
        closing: "Trân trọng cảm ơn,",
        block: "ThS. Đặng Thị Mỹ Duyên\nTrưởng phòng chất lượng và tài liệu\nCông ty TNHH Đúc Sông Lam\nSố 14 đường Lê Lợi, TP. Vinh, Nghệ An\nĐT: 0238 355 5012 - DĐ: 0912 555 012\nMST: 2900555012",
        legal: "Nội dung email này và các tệp đính kèm là bảo mật, chỉ dành cho người nhận có tên. Nghiêm cấm sao chép hoặc phát tán. Trường hợp quý vị nhận nhầm thư này, vui lòng báo cho người gửi và xóa thư.",
        privacy: "Chúng tôi xử lý dữ liệu cá nhân theo quy định, xem chính sách bảo mật trên trang web.",
        print: "Hãy nghĩ đến môi trường trước khi in email này.",
        banner: "Email này được gửi từ người gửi bên ngoài tổ chức. Không mở liên kết hoặc tệp đính kèm lạ.",
    },
    Mail {
        ask: "התוויין באולם 4 נעצר אחרי שני דפים.",
        closing: "בברכה,",
        block: "אינג' רוני שפרלינג\nמנהלת מחלקת איכות ותיעוד\nיציקות הכרמל בע\"מ\nרח' החרושת 14, נשר\nטל': 04-555-0120 | נייד: 052-555-0120\nח.פ. 510000000",
        legal: "המידע בהודעה זו ובקבצים המצורפים לה הוא סודי ומיועד אך ורק לנמען. העתקה או הפצה אסורה. אם קיבלת הודעה זו בטעות, אנא הודע לשולח ומחק אותה.",
        privacy: "המידע האישי שלך מעובד בהתאם למדיניות הפרטיות שלנו באתר.",
        print: "חשבו על איכות הסביבה לפני שאתם מדפיסים הודעה זו.",
        banner: "הודעה זו התקבלה משולח חיצוני לארגון. נא לא לפתוח קישורים או קבצים מצורפים.",
    },
    Mail {
        ask: "يتوقف جهاز الرسم في القاعة 4 بعد ورقتين.",
        closing: "وتفضلوا بقبول فائق الاحترام،",
        block: "م. سهى عبد الكريم الدغيم\nرئيسة قسم الجودة والتوثيق الفني\nشركة مسابك الفرات\nالمنطقة الصناعية، شارع 14، حلب\nهاتف: 021 555 0120 – جوال: 0944 555 012\nسجل تجاري رقم 5550120",
        legal: "هذه الرسالة وأي مرفقات معها سرية وموجهة فقط إلى الشخص المعني بها. يمنع نسخها أو نشرها دون إذن. إذا وصلتك هذه الرسالة بالخطأ فيرجى إبلاغ المرسل وحذفها فوراً.",
        privacy: "نعالج بياناتك وفق سياسة الخصوصية وحماية البيانات الشخصية المنشورة على موقعنا.",
        print: "فضلاً فكر في البيئة قبل طباعة هذه الرسالة.",
        banner: "هذه الرسالة واردة من خارج المؤسسة. لا تفتح الروابط أو المرفقات من مرسل مجهول.",
    },
    Mail {
        ask: "हॉल 4 का प्लॉटर दो पन्नों के बाद रुक जाता है।",
        closing: "सधन्यवाद,",
        block: "श्रीमती कमला प्रसाद त्रिवेदी\nगुणवत्ता एवं प्रलेखन विभाग प्रमुख\nगंगोत्री ढलाई प्राइवेट लिमिटेड\n14, औद्योगिक क्षेत्र, कानपुर 208022\nदूरभाष: 0512-2555012 | मोबाइल: +91 98000 55512\nGSTIN: 09AAAAA0000A1Z5",
        legal: "इस ईमेल और इसके साथ भेजी गई फ़ाइलों की जानकारी गोपनीय है और केवल अभिप्रेत प्राप्तकर्ता के लिए है। इसकी प्रतिलिपि बनाना या वितरण निषिद्ध है। यदि यह ईमेल आपको भूल से मिला है तो कृपया प्रेषक को सूचित करें और इसे हटा दें।",
        privacy: "हम आपके व्यक्तिगत डेटा को अपनी गोपनीयता नीति के अनुसार संसाधित करते हैं।",
        print: "इस ईमेल को प्रिंट करने से पहले पर्यावरण के बारे में सोचें।",
        banner: "यह ईमेल संगठन के बाहर के प्रेषक से आया है। लिंक या संलग्नक खोलने से पहले सावधान रहें।",
    },
    Mail {
        ask: "4공장 플로터가 두 장 뒤에 멈춥니다.",
        closing: "수고하십시오.",
        block: "남궁 은서 과장\n품질보증 및 문서관리팀\n(주)한강주조\n인천광역시 남동구 공단로 14, 3층\n전화: 032-555-0120 / 휴대폰: 010-5555-0120\n사업자등록번호 555-01-20000",
        legal: "본 메일과 첨부 파일은 기밀 정보를 포함하고 있으며 지정된 수신인만을 위한 것입니다. 무단 복사나 배포를 금지합니다. 잘못 수신하신 경우 발신자에게 알리고 즉시 삭제하여 주시기 바랍니다.",
        privacy: "개인정보는 당사의 개인정보 처리방침에 따라 처리됩니다.",
        print: "이 메일을 출력하기 전에 환경을 생각해 주십시오.",
        banner: "이 메일은 조직 외부의 발신자가 보낸 것입니다. 링크나 첨부 파일을 열 때 주의하십시오.",
    },
    Mail {
        ask: "Ploter u hali 4 staje nakon dva lista.",
        closing: "Srdačno,",
        block: "dr. sc. Blaženka Šimić\nvoditeljica odjela kvalitete i dokumentacije\nLjevaonica Šimić d.o.o.\nTvornička 14, 47000 Karlovac\ntel. 047 555 012, mob. 091 555 0120\nOIB 55501200000, MBS 020555012",
        legal: "Sadržaj ove poruke i privitaka povjerljiv je i namijenjen isključivo navedenom primatelju. Zabranjeno je kopiranje i širenje. Ako ste je primili greškom, obavijestite pošiljatelja i izbrišite je.",
        privacy: "Osobne podatke obrađujemo prema Općoj uredbi o zaštiti osobnih podataka.",
        print: "Prije ispisa ove poruke razmislite o okolišu.",
        banner: "Ova poruka stigla je od vanjskog pošiljatelja. Ne otvarajte poveznice i privitke.",
    },
    Mail {
        ask: "เครื่องพล็อตเตอร์ในโรงงาน 4 หยุดหลังสองแผ่น",
        closing: "ขอแสดงความนับถือ",
        block: "นางสาวพิมพ์ใจ แก้วกล้า\nหัวหน้าฝ่ายคุณภาพและเอกสาร\nบริษัท หล่อไทย จำกัด\n14 ถนนอุตสาหกรรม ระยอง 21000\nโทร. 038 555 012 มือถือ 081 555 0120\nเลขประจำตัวผู้เสียภาษี 0105550120000",
        legal: "อีเมลนี้และไฟล์แนบเป็นความลับและมีไว้สำหรับผู้รับที่ระบุเท่านั้น ห้ามเผยแพร่หรือทำสำเนา หากท่านได้รับอีเมลนี้โดยผิดพลาด โปรดแจ้งผู้ส่งและลบทิ้ง",
        privacy: "บริษัทประมวลผลข้อมูลส่วนบุคคลตามนโยบายความเป็นส่วนตัว",
        print: "โปรดคิดถึงสิ่งแวดล้อมก่อนพิมพ์อีเมลนี้",
        banner: "อีเมลนี้มาจากผู้ส่งภายนอกองค์กร โปรดระวังก่อนเปิดลิงก์หรือไฟล์แนบ",
    },
];

fn body(subject: &str, body: &str) -> String {
    let ticket = Ticket { subject: Some(subject.into()), body: Some(body.into()), ..Ticket::default() };
    read(&ticket).body.text
}

#[test]
fn name_blocks_go_however_they_are_laid_out() {
    for m in MAILS {
        let (first, rest) = m.block.split_once('\n').expect("a block has lines");
        for block in [
            format!("{}\n{}", m.closing, m.block),
            format!("{}\n\n{first}\n\n{rest}\nmail@firm.example", m.closing),
            format!("{}\nmail@firm.example", m.block),
            format!("━━━━━━━━\n{}\nE-mail: mail@firm.example\n━━━━━━━━", m.block),
        ] {
            assert_eq!(body("x", &format!("{}\n\n{block}", m.ask)), m.ask, "{block}");
        }
    }
}

#[test]
fn notes_go_with_and_without_a_signature() {
    for m in MAILS {
        let signed = format!("{}\n\n{}\n{}", m.ask, m.closing, m.block);
        for note in [m.legal, m.privacy, m.print] {
            assert_eq!(body("x", &format!("{signed}\n\n{note}")), m.ask, "{note}");
        }
        for note in [m.legal, m.print] {
            assert_eq!(body("x", &format!("{}\n\n{note}", m.ask)), m.ask, "{note}");
        }
        for gap in ["\n", "\n\n"] {
            assert_eq!(body("x", &format!("{}{gap}{}", m.banner, m.ask)), m.ask, "{}", m.banner);
        }
    }
}

#[test]
fn a_list_that_a_rule_shall_match_stays() {
    for text in [
        "Add this rule:\n\nFrom: orders@firm.example\nTo: stores@acme.example\nSubject: Order\n\nMove to the folder Orders.",
        "Regel anlegen:\n\nVon: rechnung@firma.example\nVon: mahnung@firma.example\nBetreff: Rechnung\n\nNach Eingang verschieben.",
        "Merci de renvoyer ainsi :\n\nDe : poste 210\nÀ : poste 310\nObjet : congés\n\nJusqu'au 20 août.",
        "Yönlendirme yapılsın:\n\nKimden: 0222 555 01 20\nKime: 0532 555 01 21\nKonu: mesai dışı\n\nBugün başlasın.",
        "Настройте правило:\n\nОт: zakaz@firma.example\nКому: sklad@nash.example\nТема: Заказ\n\nВ папку Заказы.",
        "Prosím pravidlo:\n\nOd: faktury@dodavatel.example\nKomu: ucetni@my.example\nPředmět: Faktura\n\nDo složky Faktury.",
        "ルールを設定したいです：\n\n差出人: juchu@torihiki.example\n宛先: souko@uchi.example\n件名: 注文書\n\n倉庫フォルダーへ移動。",
        "نحتاج القاعدة التالية:\n\nمن: orders@mawrid.example\nإلى: store@nahnu.example\nالموضوع: طلبية\n\nتنقل إلى مجلد الطلبات.",
    ] {
        assert_eq!(body("x", text), text);
    }
    let mail = "From: Jo Doe <jo@acme.example>\nTo: desk\nSubject: dock\n\nThe dock is dead.";
    assert_eq!(body("x", mail), "The dock is dead.");
    let typed =
        "Works now.\n\nFrom: desk@msp.example\nTo: jo@acme.example\nSubject: RE: dock\n\nPlease try again.";
    assert_eq!(body("RE: dock", typed), "Works now.");
}

#[test]
fn what_only_resembles_a_note_or_a_signature_stays() {
    for text in [
        "Put this under all our mails:\n\nThis e-mail is confidential and intended only for the addressee. If you are not the addressee, delete it.",
        "We lost a confidential file. It was deleted by mistake, and the recipient has no copy.",
        "The banner saying this message came from outside the organisation shows on internal mail too.",
        "Create consent on the form: visitors agree that we process their personal data, see the privacy policy.",
        "Outlook prints each mail twice and the test environment is affected too, I think.",
        "Beim Drucken dieser E-Mail stürzt Outlook ab. In der Testumgebung nicht.",
        "This is the new number for the front desk.\n\nFront Desk\nTel: +44 1482 555 012\nMobile: +44 7700 900 812",
        "Kolegyně nemůže volat na tato čísla.\n\nRecepce\ntel. 567 555 012\nmobil 602 555 012\nPrádelna\ntel. 567 555 013",
        "The tax number is wrong in the ERP.\n\nNorthgate Castings Ltd\nVAT GB 123 4567 89\nCompany No 01234567",
        "Users\n---\nAnn 01482 555 012\nBob 01482 555 013\n---\nThose two cannot dial out.",
        "This message from an external company landed in spam. Release it.",
        "If you delete a message by mistake the recovery wizard fails with code 114.",
        "Questo messaggio compare prima di stampare nell'ambiente di prova: errore 114.",
        "Спасибо\nПринтер заработал, но сканер всё ещё молчит",
        "شكرا\nالطابعة ما زالت لا تطبع بعد التحديث الأخير",
        "धन्यवाद, चल गया।",
        "谢谢\n打印好了，但是扫描仪还是连不上网络",
        "감사합니다\n인쇄는 되는데 스캐너가 아직 연결되지 않습니다",
    ] {
        assert_eq!(body("x", text), text);
    }
}

#[test]
fn phone_lines_and_attributions_of_more_programs_go() {
    for line in [
        "أُرسلت من هاتفي الآيفون",
        "Android के लिए Outlook प्राप्त करें",
        "iOS 版 Outlook を入手する",
        "Odesláno z aplikace Seznam Email",
        "נשלח מהסמארטפון שלי",
        "Được gửi từ điện thoại của tôi",
        "삼성 갤럭시 스마트폰에서 보냈습니다.",
        "Відправлено зі смартфона Samsung Galaxy",
        "Skaffa Outlook för Android",
    ] {
        assert_eq!(body("x", &format!("The dock is dead.\n\n{line}")), "The dock is dead.", "{line}");
    }
    for line in [
        "Missatge de Desk <desk@msp.example> del dia dt., 5 de nov. 2024 a les 8:31:",
        "Desk ने 5 नव 2024 को 8:31 पर लिखा:",
        "Vào Th 3, 5 thg 11, 2024 vào lúc 08:31 Desk <desk@msp.example> đã viết:",
    ] {
        let mail = format!("It works now.\n\n{line}\n\nOld words");
        assert_eq!(body("Re: x", &mail), "It works now.", "{line}");
    }
}
