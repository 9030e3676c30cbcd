//! Every phrase and name that the normaliser knows, in one place; data only.
//!
//! Phrases are written as [`fold`](super::lines::fold) leaves a line: lower case, straight quotes, plain
//! hyphens, `email` without its hyphen, no asterisks. Tables searched by halves say that they are sorted.

/// HTML elements, sorted. What is not here is text in angle brackets.
pub(super) const ELEMENTS: &[&str] = &[
    "a", "abbr", "address", "article", "aside", "audio", "b", "base", "basefont", "bdi", "bdo", "big",
    "blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup",
    "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "font",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "img", "input",
    "ins", "kbd", "label", "legend", "li", "link", "main", "map", "mark", "meta", "nav", "nobr", "noscript",
    "object", "ol", "option", "p", "pre", "q", "s", "samp", "script", "section", "select", "small", "span",
    "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template",
    "textarea", "tfoot", "th", "thead", "time", "title", "tr", "tt", "u", "ul", "var", "video", "xml",
];

/// Elements that start and end a line, sorted.
pub(super) const BLOCKS: &[&str] = &[
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li",
    "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul",
];

/// Namespaces of the elements that Office writes, as in `o:p`.
pub(super) const OFFICE_PREFIXES: &[&str] = &["o", "v", "w", "m", "x", "st1", "u1", "u2", "u3"];

/// Elements whose text no reader sees.
pub(super) const HIDDEN: &[&str] =
    &["script", "style", "title", "template", "svg", "noscript", "object", "xml"];

/// Parts of the class or id of an element that holds the mail being answered.
pub(super) const QUOTE_CLASSES: &[&str] = &["gmail_quote", "yahoo_quoted", "protonmail_quote", "zmail_extra"];

/// Class or id of an element that holds a signature.
pub(super) const SIGNATURE_CLASSES: &[&str] = &[
    "gmail_signature", "Signature", "ms-outlook-mobile-signature", "moz-signature",
    "protonmail_signature_block",
];

/// A line above a mail that is answered, between dashes.
pub(super) const ORIGINAL_MARKERS: &[&str] = &[
    "original message", "original appointment", "reply message", "ursprüngliche nachricht",
    "originalnachricht", "ursprunglicher termin", "message d'origine", "message original", "message initial",
    "mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht",
    "oorspronkelijke bericht", "original besked", "oprindelig meddelelse", "ursprungligt meddelande",
    "alkuperäinen viesti", "opprinnelig melding", "wiadomość oryginalna", "original email",
];

/// A line above a mail that is passed on.
pub(super) const FORWARD_MARKERS: &[&str] = &[
    "forwarded message", "forwarded mail", "begin forwarded message", "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten email", "message transféré",
    "message transmis", "début du message transféré", "début du message réexpédié", "mensaje reenviado",
    "inicio del mensaje reenviado", "mensagem encaminhada", "mensagem reencaminhada",
    "início da mensagem encaminhada", "messaggio inoltrato", "inizio messaggio inoltrato",
    "doorgestuurd bericht", "begin doorgestuurd bericht", "vidarebefordrat meddelande",
    "videresendt meddelelse", "przekazana wiadomość",
];

/// A line of a service desk's mail below which the thread is.
pub(super) const REPLY_LINES: &[&str] = &[
    "reply above this line", "type your reply above this line", "reply above the line",
    "write your reply above this line", "bitte antworten sie oberhalb dieser zeile",
    "bitte oberhalb dieser zeile antworten", "répondez au-dessus de cette ligne",
    "veuillez répondre au-dessus de cette ligne", "responda por encima de esta línea",
    "responda acima desta linha", "rispondi sopra questa riga", "typ uw antwoord boven deze regel",
    "antwoord boven deze regel",
];

/// How the line that introduces a quotation starts: "On Monday ... wrote:".
pub(super) const ATTRIBUTION_OPENERS: &[&str] =
    &["on ", "am ", "le ", "el ", "em ", "il ", "op ", "den ", "dnia ", "w dniu ", "on: ", "a ", "vom "];

/// Its verbs.
pub(super) const ATTRIBUTION_VERBS: &[&str] = &[
    "wrote", "writes", "schrieb", "a écrit", "escribió", "escreveu", "ha scritto", "scrisse", "schreef",
    "skrev", "napisał", "geschreven", "sent",
];

/// Keys of a mail's header block, by what they name.
pub(super) const FROM_KEYS: &[&str] = &["from", "von", "de", "da", "van", "från", "fra", "od"];
/// Keys of the date.
pub(super) const DATE_KEYS: &[&str] = &[
    "sent", "date", "gesendet", "gesendet am", "datum", "envoyé", "envoyé le", "date d'envoi", "enviado",
    "enviado el", "enviado em", "enviada em", "fecha", "data", "inviato", "data invio", "verzonden",
    "skickat", "sendt", "wysłano", "enviada",
];
/// Keys of the recipients.
pub(super) const TO_KEYS: &[&str] = &["to", "an", "à", "a", "para", "aan", "till", "til", "do"];
/// Keys of the subject.
pub(super) const SUBJECT_KEYS: &[&str] =
    &["subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne", "temat"];
/// Keys of the rest of a header block.
pub(super) const OTHER_KEYS: &[&str] = &[
    "cc", "bcc", "kopie", "copie", "copia", "cci", "cco", "ccn", "reply-to", "importance", "priority",
    "sensitivity", "attachments", "anlagen", "anhänge", "wichtigkeit", "priorität", "pièces jointes",
    "importancia", "prioridade", "datos adjuntos", "anexos", "allegati", "bijlagen", "urgentie", "antwort an",
    "répondre à", "kopia",
];
/// Keys that only a raw mail has.
pub(super) const RAW_KEYS: &[&str] = &[
    "received", "return-path", "message-id", "mime-version", "content-type", "content-transfer-encoding",
    "content-language", "content-disposition", "delivered-to", "dkim-signature", "authentication-results",
    "references", "in-reply-to", "thread-topic", "thread-index", "list-unsubscribe", "user-agent",
    "received-spf", "accept-language", "arc-seal", "arc-message-signature", "arc-authentication-results",
    "auto-submitted", "precedence",
];

/// Words by which a mail greets; a line that has little else says nothing of its own.
pub(super) const GREETINGS: &[&str] = &[
    "hi", "hello", "hey", "dear", "good morning", "good afternoon", "good evening", "hallo", "guten morgen",
    "guten tag", "sehr geehrte", "liebe", "lieber", "moin", "bonjour", "bonsoir", "salut", "chers", "cher",
    "chère", "hola", "buenos días", "buenas tardes", "estimado", "estimada", "estimados", "olá", "bom dia",
    "boa tarde", "prezado", "prezados", "prezada", "ciao", "buongiorno", "buonasera", "gentile", "gentili",
    "salve", "beste", "geachte", "goedemorgen", "goedemiddag", "goedendag", "all", "team",
];

/// Phrases by which a mail closes, above the sender's name.
pub(super) const CLOSINGS: &[&str] = &[
    "kind regards", "kindest regards", "best regards", "warm regards", "warmest regards", "with regards",
    "with best regards", "with kind regards", "regards", "rgds", "kr", "br", "best", "best wishes",
    "all the best", "many thanks", "thanks", "thank you", "thank you very much", "thanks very much",
    "thanks a lot", "thx", "tia", "thanks in advance", "thank you in advance", "thanks and regards",
    "thanks & regards", "thanks and best regards", "thanks & best regards", "many thanks and kind regards",
    "cheers", "sincerely", "sincerely yours", "yours sincerely", "yours faithfully", "yours truly",
    "respectfully", "cordially", "take care", "have a great day", "have a nice day",
    "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichen gruessen",
    "mit freundlichem gruß", "mit freundlichem gruss", "freundliche grüße", "freundliche grüsse",
    "freundlicher gruß", "viele grüße", "viele grüsse", "viele gruesse", "beste grüße", "beste grüsse",
    "liebe grüße", "lg", "vg", "mfg", "gruß", "gruss", "schöne grüße", "herzliche grüße", "danke",
    "vielen dank", "besten dank", "danke und gruß", "vielen dank im voraus",
    "vielen dank und freundliche grüße", "danke im voraus", "hochachtungsvoll", "cordialement",
    "bien cordialement", "très cordialement", "bien à vous", "salutations", "sincères salutations",
    "meilleures salutations", "bonne journée", "bonne réception", "merci", "merci d'avance", "merci beaucoup",
    "cdlt", "merci et bonne journée", "respectueusement", "saludos", "saludos cordiales", "un saludo",
    "un cordial saludo", "cordiales saludos", "atentamente", "gracias", "muchas gracias", "gracias y saludos",
    "gracias de antemano", "atte", "atenciosamente", "com os melhores cumprimentos", "melhores cumprimentos",
    "cumprimentos", "obrigado", "obrigada", "muito obrigado", "muito obrigada", "abraço", "abraços", "att",
    "grato", "grata", "desde já obrigado", "cordiali saluti", "distinti saluti", "saluti", "un saluto",
    "grazie", "grazie mille", "molte grazie", "grazie e saluti", "grazie in anticipo", "buona giornata",
    "cordialmente", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet",
    "vriendelijke groeten", "mvg", "groet", "groeten", "groetjes", "bedankt", "alvast bedankt", "dank u",
    "dank je wel", "hartelijke groet", "hartelijke groeten", "med vänliga hälsningar", "vänliga hälsningar",
    "mvh", "med venlig hilsen", "venlig hilsen", "vennlig hilsen", "tack", "pozdrawiam", "z poważaniem",
    "ystävällisin terveisin",
];

/// Lines that mail programs and phones add.
pub(super) const MOBILE_LINES: &[&str] = &[
    "sent from my ", "sent from outlook", "sent from mail for windows", "sent from yahoo",
    "sent from samsung", "sent from the ", "sent via ", "sent using ", "sent with proton", "sent from proton",
    "get outlook for ", "envoyé de mon ", "envoyé depuis mon ", "envoyé à partir de ",
    "obtenez outlook pour ", "télécharger outlook", "von meinem iphone gesendet", "von meinem ipad gesendet",
    "von meinem samsung", "gesendet von ", "gesendet mit der ", "holen sie sich outlook", "outlook für ",
    "enviado desde mi ", "enviado desde ", "obtener outlook para ", "enviado do meu ", "enviado via ",
    "obter o outlook para ", "inviato da ", "inviato dal mio ", "scarica outlook per ",
    "ottieni outlook per ", "verzonden vanaf mijn ", "verzonden met ", "verstuurd vanaf mijn ",
    "outlook voor ", "downloaden outlook", "skickat från min ", "sendt fra min ", "wysłane z ",
];

/// Labels of the lines of a contact block.
pub(super) const CONTACT_LABELS: &[&str] = &[
    "tel", "telephone", "phone", "ph", "mobile", "mob", "cell", "fax", "direct", "direct dial", "office",
    "switchboard", "t", "m", "p", "f", "e", "w", "d", "o", "c", "email", "mail", "web", "website", "telefon",
    "mobil", "handy", "tél", "téléphone", "portable", "teléfono", "móvil", "telefone", "telemóvel", "celular",
    "telefono", "cellulare", "cell.", "telefoon", "mobiel", "skype", "linkedin", "teams", "durchwahl", "ddi",
    "ext",
];

/// Words that make a line a request or a report rather than part of a signature.
pub(super) const REQUEST_WORDS: &[&str] = &[
    " please ", " can you", " could you", " would you", " i need ", " we need ", " need to ", " needs ",
    " need help", " i am ", " i'm ", " i have ", " i've ", " i can", " we are ", " we can", " we have ",
    " he is ", " she is ", " it is ", " it's ", " is not ", " isn't ", " not working", " doesn't ",
    " does not ", " don't ", " cannot ", " can't ", " won't ", " error", " urgent", " asap", " broken",
    " problem", " issue", " failed", " fails", " ps ", " p.s", " also ", " let me know", " call me",
    " help me", " attached", " bitte ", " können sie ", " könnt ihr ", " kannst du ", " ich ", " wir ",
    " nicht ", " fehler", " dringend", " funktioniert", " s'il vous ", " svp", " pouvez-vous ", " je ",
    " nous ", " ne fonctionne", " erreur", " problème", " merci de ", " por favor ", " necesito ", " puede ",
    " pueden ", " no funciona", " preciso ", " não ", " erro ", " favor ", " urgente", " per favore ",
    " non ", " errore", " ho bisogno ", " potete ", " graag ", " kunt u ", " kunnen jullie ", " niet ",
    " ik ", " fout", " storing", " dringend ",
];

/// What may stand before the first word of a legal note or a banner.
pub(super) const NOTE_LABELS: &[&str] = &[
    "caution", "warning", "attention", "important", "external email", "external sender", "external", "notice",
    "disclaimer", "confidentiality notice", "confidentiality", "legal notice", "please note", "note", "alert",
    "achtung", "vorsicht", "hinweis", "warnung", "externe email", "extern", "avertissement", "externe",
    "attention", "aviso", "aviso legal", "precaución", "advertencia", "externo", "atenção", "cuidado",
    "attenzione", "avviso", "esterno", "let op", "waarschuwing", "avis",
];

/// A legal note: how a sentence of it starts, and what it must also hold, if anything.
pub(super) const NOTES: &[(&[&str], &[&str])] = &[
    (
        &[
            "this email", "this message", "this communication", "this transmission", "this electronic m",
            "this electronic t", "the information contained in this", "the information in this",
            "the contents of this", "the content of this", "information contained in this",
            "any information in this", "emails and any attachments",
        ],
        &[
            " confidential and", "is confidential", "are confidential", "may be confidential",
            "contain confidential", "contains confidential", "contain privileged", "contain information",
            "contains information", "is privileged", "privileged and", "legally privileged",
            "strictly confidential", "intended only", "intended solely", "intended for the", "solely for the",
            "use of the individual", "use of the addressee", "has been scanned", "was scanned",
            "has been checked for virus", "checked by av", "was checked for virus",
        ],
    ),
    (
        &[
            "if you are not the intended", "if you are not an intended",
            "if you have received this email in error", "if you have received this message in error",
            "if you have received this communication in error", "if you received this email in error",
            "if you received this message in error", "if you receive this email in error", "any unauthorised",
            "any unauthorized", "any dissemination", "any review, dissemination", "unauthorised use",
            "unauthorized use", "please consider the environment before", "think before you print",
            "save paper", "confidentiality notice", "virus-free.", "virus-free www", "scanned by mailscanner",
            "no virus found in this", "computer viruses can be transmitted", "although we have taken",
            "the recipient should check this email", "registered in england", "registered office",
            "company registration n", "company registered in", "email transmission cannot be guaranteed",
            "we accept no liability for", "views expressed in this email", "any views or opinions",
            "this footnote confirms", "avast logo",
        ],
        &[],
    ),
    (
        &[
            "diese email", "diese nachricht", "der inhalt dieser", "dieses email",
            "die information in dieser", "die informationen in dieser",
        ],
        &[
            "vertraulich", "bestimmt für", "ausschließlich", "ausschliesslich", "rechtlich geschützt",
            "ist nur für", "viren",
        ],
    ),
    (
        &[
            "wenn sie nicht der richtige adressat", "sollten sie nicht der", "falls sie nicht der",
            "wenn sie diese email irrtümlich", "sollten sie diese nachricht irrtümlich",
            "das unerlaubte kopieren", "das unbefugte kopieren", "bitte denken sie an die umwelt",
            "bitte prüfen sie, ob diese mail", "geschäftsführer:", "sitz der gesellschaft", "registergericht",
            "amtsgericht", "ust-idnr", "ust-id", "handelsregister", "virenfrei",
        ],
        &[],
    ),
    (
        &[
            "ce message", "ce courriel", "cet email", "ce mail", "ce courrier",
            "les informations contenues dans ce",
        ],
        &[
            "confidentiel", "exclusif", "exclusivement", "à l'attention exclusive", "établi à l'intention",
            "destinataires", "virus",
        ],
    ),
    (
        &[
            "si vous n'êtes pas le destinataire", "si vous avez reçu ce message par erreur",
            "si vous avez reçu ce courriel par erreur", "si vous recevez ce message par erreur",
            "toute utilisation", "pensez à l'environnement", "sans virus",
        ],
        &[],
    ),
    (
        &["este mensaje", "este correo", "la información contenida en este", "el contenido de este"],
        &["confidencial", "destinatario", "exclusivamente", "privilegiad", "virus"],
    ),
    (
        &[
            "si usted no es el destinatario", "si no es usted el destinatario",
            "si ha recibido este mensaje por error", "si ha recibido este correo por error",
            "antes de imprimir este", "libre de virus",
        ],
        &[],
    ),
    (
        &[
            "esta mensagem", "este email", "esta comunicação", "as informações contidas nest",
            "a informação contida",
        ],
        &["confidencia", "destinatári", "exclusiv", "privilegiad", "vírus"],
    ),
    (
        &[
            "se você não é o destinatário", "se não for o destinatário", "caso não seja o destinatário",
            "se você recebeu esta mensagem por engano", "caso tenha recebido esta mensagem por engano",
            "se recebeu esta mensagem por engano", "antes de imprimir", "livre de vírus",
        ],
        &[],
    ),
    (
        &[
            "questo messaggio", "questa email", "questa comunicazione", "le informazioni contenute in quest",
            "il presente messaggio",
        ],
        &["riservat", "confidenzial", "destinatari", "esclusiv", "virus"],
    ),
    (
        &[
            "se non siete il destinatario", "qualora non foste il destinatario",
            "se avete ricevuto questo messaggio per errore", "se avete ricevuto questa email per errore",
            "prima di stampare", "ai sensi del d.lgs", "ai sensi del regolamento ue",
        ],
        &[],
    ),
    (
        &[
            "dit bericht", "deze email", "deze boodschap", "de informatie in dit", "de informatie in deze",
            "de inhoud van d",
        ],
        &["vertrouwelijk", "uitsluitend", "bestemd voor", "geadresseerde", "virus"],
    ),
    (
        &[
            "indien u niet de beoogde", "als u niet de beoogde", "indien u niet de geadresseerde",
            "als u dit bericht ten onrechte", "indien u dit bericht ten onrechte", "denk aan het milieu",
            "virusvrij",
        ],
        &[],
    ),
];

/// A banner that the mail server puts above a mail: starts as given, holds one of the rest, if any. Unlike
/// with a legal note, what follows it is the mail.
pub(super) const BANNERS: &[(&[&str], &[&str])] = &[
    (
        &["this email", "this message", "the sender of this", "email", "this is an external", "this sender"],
        &[
            "originated from outside", "originates from outside", "came from outside",
            "was sent from outside", "sent from outside of", "from an external s", "from an external source",
            "outside of your organi", "outside your organi", "outside of the organi", "outside the organi",
            "outside of our organi", "outside the company", "is an external email", "an external email",
            "external to the organi", "external to our organi",
        ],
    ),
    (
        &[
            "do not click links or", "do not click on links or", "do not click any links",
            "don't click links or", "never click links or", "do not open attachments or click",
            "do not click on any link", "please do not click links or", "exercise caution when opening",
            "please exercise caution when", "use caution when opening", "please use caution when",
            "be cautious when opening", "think before you click", "you don't often get email from",
            "some people who received this message don't often get email", "learn why this is important",
            "external email - ", "treat links and attachments with caution",
            "sie erhalten nicht häufig emails von", "erfahren sie, warum dies wichtig ist",
            "vous ne recevez pas souvent de courriers de", "découvrez pourquoi ceci est important",
            "no suele recibir correo", "por qué esto es importante",
            "non si ricevono spesso messaggi di posta", "u ontvangt niet vaak email van",
        ],
        &[],
    ),
    (
        &["diese email", "diese nachricht"],
        &["von außerhalb", "von ausserhalb", "von einem externen absender", "stammt von extern"],
    ),
    (&["klicken sie nicht auf links", "klicken sie auf keine links", "öffnen sie keine anhänge"], &[]),
    (
        &["ce message", "ce courriel", "cet email", "ce mail"],
        &[
            "provient de l'extérieur", "provient d'un expéditeur externe", "d'un expéditeur externe",
            "externe à l'organisation", "de l'extérieur de",
        ],
    ),
    (&["ne cliquez pas sur les liens", "ne cliquez sur aucun lien", "n'ouvrez pas les pièces jointes"], &[]),
    (
        &["este correo", "este mensaje", "este email", "esta mensagem"],
        &[
            "fuera de la organización", "fuera de su organización", "remitente externo",
            "de fora da organização", "remetente externo", "origem externa", "origen externo",
        ],
    ),
    (&["no haga clic en", "não clique em links", "não abra anexos"], &[]),
    (
        &["questa email", "questo messaggio", "deze email", "dit bericht"],
        &[
            "dall'esterno", "mittente esterno", "esterna all'organizzazione", "van buiten de organisatie",
            "buiten uw organisatie", "externe afzender", "buiten de organisatie",
        ],
    ),
    (&["non fare clic su", "non cliccare su", "klik niet op links", "open geen bijlagen"], &[]),
];

/// Whole lines that are a banner by themselves, without their brackets.
pub(super) const BANNER_LINES: &[&str] = &[
    "external", "external email", "external sender", "external message", "caution", "caution: external email",
    "caution: external", "caution external email", "warning: external email", "extern", "externe email",
    "externe mail", "expéditeur externe", "courriel externe", "correo externo", "remetente externo",
    "email externo", "mittente esterno", "email esterna", "externe afzender",
];

/// Words by which somebody speaks of a banner or a notice rather than sends one.
pub(super) const DOUBTS: &[&str] = &[
    " but ", " says ", " said ", " saying ", " although ", " aber ", " sagt ", " mais ", " dit ", " pero ",
    " dice ", " mas ", " diz ", " ma ", " maar ", " zegt ",
];

/// Words of which a further sentence of a legal note holds one.
pub(super) const NOTE_WORDS: &[&str] = &[
    "email", "message", "recipient", "sender", "confidential", "delete", "virus", "attachment", "liab",
    "disclos", "copying", "distribut", "registered", "privileged", "addressee", "unauthori", "nachricht",
    "empfänger", "absender", "vertraulich", "anhäng", "gesellschaft", "weitergabe", "expéditeur", "destinat",
    "confiden", "mensaje", "mensagem", "remitente", "remetente", "correo", "elimin", "messaggio", "mittente",
    "riservat", "bericht", "afzender", "vertrouwelijk", "aansprakelijk", "courriel", "détrui", "vernichten",
    "löschen", "print", "www.",
];

/// Subjects of a service desk's own notice, and what it says of them.
pub(super) const NOTICE_SUBJECTS: &[&str] = &[
    "ticket", "your ticket", "a ticket", "service ticket", "a new ticket", "new ticket", "case", "your case",
    "request", "your request", "incident", "your incident", "support ticket", "a new support ticket",
    "ihr ticket", "ihre anfrage", "das ticket", "votre ticket", "votre demande", "le ticket", "su ticket",
    "su solicitud", "el ticket", "seu chamado", "o chamado", "sua solicitação", "il ticket",
    "la tua richiesta", "uw ticket", "uw melding", "het ticket",
];
/// Its verbs.
pub(super) const NOTICE_VERBS: &[&str] = &[
    "has been created", "has been opened", "has been received", "has been assigned", "has been updated",
    "has been logged", "has been submitted", "was created", "was updated", "wurde erstellt", "wurde eröffnet",
    "wurde aktualisiert", "a été créé", "a été reçue", "a été mis à jour", "a été enregistré",
    "ha sido creado", "ha sido recibid", "ha sido actualizado", "foi criado", "foi aberto", "foi recebida",
    "foi registrada", "è stato creato", "è stato aperto", "è stata ricevuta", "is aangemaakt", "is ontvangen",
    "is geregistreerd", "is bijgewerkt",
];

/// Lines of a portal that say nothing, by their start.
pub(super) const PORTAL_LINES: &[&str] = &[
    "do not reply to this", "please do not reply to this", "please do not respond to this",
    "do not respond to this", "this is an automated email", "this is an automated message",
    "this is an automatically generated", "this email was automatically generated",
    "this message was automatically generated", "this is a system generated", "to view this ticket",
    "to view your ticket", "to view the ticket", "view this ticket", "view ticket", "view your ticket",
    "click here to view", "to view the status of", "you can view the status", "to unsubscribe", "unsubscribe",
    "if you no longer wish to receive", "manage your notification", "view in browser",
    "view this email in your browser", "submitted via the portal", "submitted from the portal",
    "created via portal", "you received this email because", "you are receiving this email because",
    "please do not change the subject", "to add additional comments, reply", "to add a comment, reply",
    "ticket created by email", "powered by freshdesk", "this email is a service from",
    "dies ist eine automatisch", "diese email wurde automatisch", "bitte antworten sie nicht auf diese",
    "ceci est un message automatique", "cet email a été envoyé automatiquement", "ne pas répondre à ce",
    "merci de ne pas répondre à ce", "veuillez ne pas répondre à ce", "este es un mensaje automático",
    "no responda a este", "por favor no responda", "esta é uma mensagem automática", "não responda a est",
    "por favor, não responda", "questo è un messaggio automatico", "non rispondere a quest",
    "si prega di non rispondere", "dit is een automatisch", "niet beantwoorden", "gelieve niet te antwoorden",
];

/// Signs that a machine wrote the text; one is enough where keys and values stand beside it.
pub(super) const ALERT_PHRASES: &[&str] = &[
    "nagios", "prtg", "zabbix", "icinga", "datto", "n-able", "n-central", "ninjarmm", "ninjaone", "veeam",
    "acronis", "connectwise automate", "labtech", "kaseya", "atera", "syncro", "solarwinds", "auvik",
    "logicmonitor", "pagerduty", "opsgenie", "checkmk", "uptime robot", "uptimerobot", "grafana", "altaro",
    "cove data", "storagecraft", "backup exec", "sentinelone", "huntress", "sophos central", "alert type",
    "alert category", "alert policy", "alert priority", "alert triggered", "monitor type", "monitor name",
    "notification type", "trigger name", "trigger status", "trigger severity", "problem started at",
    "has gone offline", "has been triggered", "was triggered", "backup job", "threshold", "job status",
    "sensor", "schwellwert", "schwellenwert", "alerte", "alarm", "alarmtyp", "überwachung", "backup failed",
    "backup status", "event id", "eventid", "heartbeat",
];

/// How a machine's subject or only line starts.
pub(super) const ALERT_OPENERS: &[&str] = &[
    "problem service alert", "problem host alert", "problem alert", "recovery service alert",
    "recovery host alert", "problem:", "resolved:", "resolved in ", "alert:", "[alert]", "[prtg", "[veeam",
    "[failed]", "[warning]", "[critical]", "[success]", "[problem]", "[ok]", "[firing", "[resolved",
    "critical:", "monitoring alert", "backup failed:", "failed: ", "down escalation", "host down alert",
    "service alert:", "host alert:", "alarm:", "datto rmm alert", "alert - ", "alert for ", "disaster:",
    "[zabbix", "zabbix:", "veeam backup",
];

/// Keys of an alert's lines.
pub(super) const ALERT_KEYS: &[&str] = &[
    "host", "hostname", "host name", "device", "device name", "device hostname", "computer", "computer name",
    "server", "server name", "machine", "agent", "agent name", "service", "service name", "state", "status",
    "severity", "alert", "alert type", "alert category", "alert name", "alert message", "alert id",
    "alert priority", "monitor", "monitor type", "monitor name", "sensor", "check", "trigger", "trigger name",
    "trigger status", "trigger severity", "trigger url", "item values", "problem", "problem name",
    "problem started at", "original problem id", "site", "site name", "location", "client", "customer",
    "customer name", "organization", "address", "ip", "ip address", "date/time", "date", "time", "timestamp",
    "event time", "additional info", "info", "job", "job name", "backup", "backup job", "repository", "vm",
    "event id", "event source", "event", "source", "message", "last message", "group", "probe", "value",
    "threshold", "current value", "duration", "uptime", "downtime", "details", "description",
    "notification type", "os", "operating system", "last seen", "last check", "result", "error", "uid",
    "device id", "device uid", "link", "url", "dashboard", "policy", "start time", "end time", "gerät",
    "rechner", "dienst", "zustand", "kunde", "meldung", "uhrzeit", "datum", "schweregrad", "serveur",
    "client", "statut", "état", "gravité", "message", "hôte", "fecha", "servidor", "estado", "cliente",
    "mensaje", "gravedad", "sensore", "stato", "storing", "apparaat",
];

/// Keys whose value, a time or an identifier, says neither what nor where.
pub(super) const ALERT_NOISE_KEYS: &[&str] = &[
    "date/time", "date", "time", "timestamp", "event time", "problem started at", "started at", "start time",
    "end time", "last check", "last seen", "uid", "device uid", "device id", "alert id", "alert uid",
    "original problem id", "notification id", "guid", "id", "correlation id", "link", "url", "dashboard",
    "trigger url", "uhrzeit", "datum", "fecha", "heure", "data", "triggered at", "created at", "generated at",
    "received", "agent id", "site id",
];

/// Lines of an alert that only lead to a web page, by their start.
pub(super) const ALERT_LINK_LINES: &[&str] = &[
    "view in portal", "view in the portal", "view alert", "view device", "view in dashboard", "view details",
    "open in ", "click here", "go to ", "log in to ", "login to ", "acknowledge", "to acknowledge",
    "see dashboard", "view dashboard", "view this alert", "more information:", "more info:",
    "im portal anzeigen", "voir dans le portail", "ver en el portal", "connect to device", "remote control",
    "takeover", "snooze", "mute this alert", "manage alert",
];
