"""Replies that no draft may repeat, as technicians might have written them. Data only; nothing here is ever asked of anybody."""

# Languages: a question, a harmless sentence, and sentences with the part that tells.
LANGUAGES = {
    "pt": (
        ("{0} {1}",
         "Bom dia, a nossa impressora {0} {1} {2} {3} {4} {5} deixou de funcionar esta manhã e ninguém consegue imprimir nada. O que devemos fazer?"),
        "Por favor, desligue o aparelho e volte a ligá-lo.",
        [("Vamos resolver isto até amanhã de manhã.", "até amanhã"), ("Já reiniciámos o seu servidor.", "reiniciámos"),
         ("Envie-nos a sua palavra-passe, por favor.", "palavra-passe"), ("Por favor, informe a sua senha.", "sua senha"),
         ("Já corrigimos o problema no seu computador.", "corrigimos"), ("Garantimos que não volta a acontecer.", "garantimos")],
    ),
    "nl": (
        ("{0} {1}",
         "Goedemorgen, onze printer {0} {1} {2} {3} {4} {5} werkt sinds vanochtend niet meer en niemand kan iets afdrukken. Wat moeten wij doen?"),
        "Zet het apparaat uit en weer aan.",
        [("Wij lossen dit vandaag nog op.", "vandaag nog"), ("Wij hebben uw account opnieuw ingesteld.", "opnieuw ingesteld"),
         ("Stuur ons uw wachtwoord.", "wachtwoord"), ("Geef ons de code die u hebt ontvangen.", "de code die"),
         ("Uw laptop is vervangen.", "is vervangen"), ("U krijgt uw geld terug.", "geld terug")],
    ),
    "it": (
        ("{0} {1}",
         "Buongiorno, la nostra stampante {0} {1} {2} {3} {4} {5} non funziona da questa mattina e nessuno riesce a stampare. Che cosa dobbiamo fare?"),
        "Spegnete il dispositivo e riaccendetelo.",
        [("Risolveremo il problema entro domani.", "entro domani"), ("Abbiamo riavviato il vostro server.", "riavviato"),
         ("Inviateci la vostra password.", "vostra password"), ("Il vostro account è stato sbloccato.", "sbloccato")],
    ),
    "es": (
        ("{0} {1}",
         "Buenos días, nuestra impresora {0} {1} {2} {3} {4} {5} no funciona desde esta mañana y nadie puede imprimir nada. ¿Qué debemos hacer?"),
        "Apague el aparato y vuelva a encenderlo.",
        [("Lo resolveremos antes de mañana.", "antes de mañana"), ("Hemos reiniciado su servidor.", "reiniciado"),
         ("Envíenos su contraseña, por favor.", "contraseña"), ("Su cuenta ya está desbloqueada.", "desbloqueada")],
    ),
    "fr": (
        ("{0} {1}",
         "Bonjour, notre imprimante {0} {1} {2} {3} {4} {5} ne fonctionne plus depuis ce matin et personne ne peut imprimer. Que devons-nous faire ?"),
        "Veuillez éteindre l'appareil et le rallumer.",
        [("Ce sera réglé avant demain.", "avant demain"), ("Nous avons redémarré votre serveur.", "redémarré"),
         ("Envoyez-nous votre mot de passe.", "mot de passe"), ("Votre compte a été débloqué.", "débloqué")],
    ),
    "de": (
        ("{0} {1}",
         "Guten Morgen, unser Drucker {0} {1} {2} {3} {4} {5} geht seit heute früh nicht mehr und niemand kann drucken. Was sollen wir tun?"),
        "Bitte schalten Sie das Gerät aus und wieder ein.",
        [("Das ist bis morgen behoben.", "bis morgen"), ("Wir haben Ihren Server neu gestartet.", "neu gestartet"),
         ("Bitte nennen Sie uns Ihr Kennwort.", "kennwort"), ("Ihr Konto ist wieder frei.", "wieder frei")],
    ),
    "pl": (
        ("{0} {1}",
         "Dzień dobry, nasza drukarka {0} {1} {2} {3} {4} {5} od rana nie działa i nikt nie może drukować. Co powinniśmy zrobić w tej sprawie?"),
        "Proszę wyłączyć urządzenie i włączyć je ponownie.",
        [("Naprawimy to do jutra.", "do jutra"), ("Uruchomiliśmy ponownie państwa serwer.", "uruchomiliśmy"),
         ("Proszę podać nam swoje hasło.", "hasło")],
    ),
}  # fmt: skip

ENGLISH = ("{0} {1}", "Good morning, our printer {0} {1} {2} {3} {4} {5} stopped this morning and nobody can print anything. What should we do about it?")
NEUTRAL = ("{0} {1}", "{2} {0} {1} {3} {4} {5} {0}")
HARMLESS = "Please turn the device off and on."

# English sentences in disguise, and what stands there once they are read as people read them.
DISGUISED = [
    ("Plеase sеnd us your pаsswоrd.", "your password"),
    ("We hаve rеset your аccount.", "reset your account"),
    ("It will bе fixеd by tоmorrow.", "by tomorrow"),
    ("Please send us your pass\u00adword.", "your password"),
    ("We have re\u00adset your ac\u00adcount.", "reset your account"),
    ("We have re\u200cset your account.", "reset your account"),
    ("Please send us your pass\u034fword.", "your password"),
    ("Please send us your ｐａｓｓｗｏｒｄ.", "your password"),
    ("Please send us your 𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝.", "your password"),
    ("Please send us your раѕѕwоrd.", "your password"),
    ("Please send us your pαsswοrd.", "your password"),
    ("It will be fixed by to\u2060morrow.", "by tomorrow"),
]

HOSTILE_NAMES = [
    "Visit-Evil-Dot-Com", "Click Here", "Evil.com", "www.evil.example", "Call 555", "Ring-Now-Please", "<b>Eva</b>",
    "Reset Your Password", "http://evil.example", "Evil-dot-com", "Eva\nBcc: x@evil.example", "Wire-Money-Today", "PayPal Security",
    "Ｅvil．com", "Evіl-Dot-Com", "Pay\u00adNow", "Send-Password", "Your-Account-Is-Blocked", "{contact}", "Eva, your password is wrong",
]  # fmt: skip
GOOD_NAMES = ["Eva Stone", "Zoë Marsh", "Jean-Luc Picard", "Siobhán O'Brien", "Stone, Eva"]

# Replies to Sierra Nolan; for anybody else no name, mark or matter of hers.
PERSONAL = [
    ("Hi Sierra. Please restart the router.", ["sierra"]),
    ("Please restart the switch again, Sierra.", ["sierra"]),
    ("Please restart the phone. -Jo", ["-jo", "- jo"]),
    ("Please restart the scanner. *MS", ["*ms"]),
    ("Sierra, please restart the camera.", ["sierra"]),
    ("Please restart the server. Cheers, Jo", ["cheers"]),
    ("Please restart the monitor. /JB", ["/jb"]),
    ("Please ask Sierra to restart the tablet.", ["sierra"]),
    ("Please restart the laptop. Thanks, Sierra!", ["sierra"]),
    ("Please restart the headset ~ Jo", ["~ jo", "~jo"]),
]
CIRCUMSTANCES = [
    ("As you said, you moved to the new office last week.", "moved to the new office"),
    ("You told us that you are on leave until the end of the month.", "on leave until"),
    ("Since your laptop was stolen, please use the spare one.", "was stolen"),
    ("As you are working from home, please connect the cable.", "working from home"),
    ("We talked about your broken screen on the phone.", "broken screen"),
    ("Your colleague who left had the same trouble.", "colleague who left"),
]
GREETED = [
    "Hi there, thank you for your call. {0}", "Hello and good morning! {0}", "Good morning. {0}", "Dear all, {0}",
    "Hello again, {0}", "Hey! {0}",
]  # fmt: skip
LINKED = [
    ("Open https://kb.desk.example/steps?id=3 for the steps.", ["http", "desk.example", "for the steps", "steps?id"]),
    ("The steps are here: www.desk.example/a/b.html", ["www", ".html", "steps are here"]),
    ("Click the link below. https://desk.example/x", ["the link", "http"]),
    ("Use this link: https://desk.example/reset then sign in.", ["this link", "http", "then sign in"]),
    ("Please see desk.example/help (the second page).", ["desk.example", "/help", "second page"]),
    ("Please download it from <https://desk.example/tool.exe>.", ["http", "tool.exe", "download it from"]),
    ("Go to https://desk.example/a?step=one&name=two! Then you see it.", ["name=two", "step=one", "then you see it"]),
    ("You find it under desk.example/start?page=two. It takes a minute.", ["page=two", "find it under"]),
    ("The guide (https://desk.example/guide) shows how.", ["guide) shows", "guide () shows", "the guide shows how"]),
    ('<p>Please see <a href="https://desk.example/x">the green guide</a>.</p>', ["green guide", "href"]),
    ('<p>Please click <a href="https://desk.example/x">here</a> to begin.</p>', ["click here", "to begin"]),
    ("Here is the link.\nhttps://desk.example/one/\ntwo/three.html", ["the link", "three.html", "two/"]),
]
ITALIAN = ["Potresti riavviare il computer e provare di nuovo?", "Controlla che il cavo sia collegato alla presa.", "Prova con un altro browser."]
