//! Deliveries as the fakes really post them, judged; and what others would post in their place.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firstline_fakes::{
    Author, Clock, Fake, FakeOptions, HookTrouble, Id, NewTicket, Which, autotask, connectwise, halo,
};
use proptest::prelude::*;
use ring::hmac;
use serde_json::{Value, json};
use ureq::http::{HeaderMap, HeaderName, HeaderValue};

use super::{Hook, MOST_BODY, Proof, Refused, SigningKeys, Standing, Subscription, Told};
use crate::autotask::{Autotask, AutotaskSettings};
use crate::connector::Connector;
use crate::connectwise::{Connectwise, ConnectwiseSettings, signing_keys};
use crate::halo::{Halo, HaloSettings};
use crate::http::{Wait, agent};
use crate::secret::Secret;

const SECRET: &str = "a-secret-of-webhooks";

/// A request as it came.
struct Came {
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A place that deliveries are posted to.
struct Place {
    url: String,
    came: Receiver<Came>,
}

impl Place {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (send, came) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(one) = stream.ok().and_then(request) else { continue };
                if send.send(one).is_err() {
                    return;
                }
            }
        });
        Self { url, came }
    }

    fn next(&self) -> Came {
        self.came.recv_timeout(Duration::from_secs(20)).expect("a delivery")
    }
}

fn request(mut stream: TcpStream) -> Option<Came> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let mut headers = HeaderMap::new();
            for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
                let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
                headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
            }
            let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
            if bytes.len() >= end + 4 + length {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
                return Some(Came { headers, body: bytes[end + 4..end + 4 + length].to_vec() });
            }
        }
        match stream.read(&mut part).ok()? {
            0 => return None,
            n => bytes.extend_from_slice(&part[..n]),
        }
    }
}

fn start(which: Which) -> Fake {
    Fake::start(FakeOptions { which, clock: Clock::real(), port: 0, tls: None }).unwrap()
}

fn connectwise_settings(fake: &Fake) -> ConnectwiseSettings {
    ConnectwiseSettings {
        url: fake.url(),
        company: connectwise::COMPANY_ID.to_owned(),
        public_key: connectwise::PUBLIC_KEY.to_owned(),
        private_key: Secret::new(connectwise::PRIVATE_KEY),
        client_id: Secret::new(connectwise::CLIENT_ID),
        codebase: None,
        requests_per_minute: 10_000,
    }
}

fn connector(which: Which, fake: &Fake) -> Box<dyn Connector> {
    let wait: Wait = Arc::new(|pause| {
        std::thread::sleep(pause.min(Duration::from_millis(5)));
        true
    });
    match which {
        Which::Connectwise => Box::new(Connectwise::new(connectwise_settings(fake), agent(), wait)),
        Which::Autotask => {
            let settings = AutotaskSettings {
                url: fake.url(),
                user: autotask::API_USER.to_owned(),
                secret: Secret::new(autotask::API_SECRET),
                integration_code: Secret::new(autotask::INTEGRATION_CODE),
                note_type: None,
                act_as: None,
                requests_per_minute: 10_000,
            };
            Box::new(Autotask::new(settings, agent(), wait))
        }
        Which::Halo => {
            let settings = HaloSettings {
                url: fake.url(),
                auth_url: None,
                tenant: None,
                client_id: halo::CLIENT_ID.to_owned(),
                client_secret: Secret::new(halo::CLIENT_SECRET),
                scope: "all".to_owned(),
                note_outcome: halo::PRIVATE_NOTE,
                reply_outcome: None,
                requests_per_five_minutes: 10_000,
            };
            Box::new(Halo::new(settings, agent(), wait))
        }
    }
}

fn proof(which: Which) -> Proof {
    if which == Which::Connectwise { Proof::Keys } else { Proof::Secret(Secret::new(SECRET)) }
}

fn hook(which: Which, fake: &Fake) -> Hook {
    match which {
        Which::Connectwise => Hook::connectwise(signing_keys(&connectwise_settings(fake))),
        Which::Autotask => Hook::autotask(Secret::new(SECRET)),
        Which::Halo => Hook::halo(Secret::new(SECRET)),
    }
}

/// A fake that posts to `place`, asked twice to do so.
fn posting(which: Which, place: &Place, proof: &Proof) -> Fake {
    let fake = start(which);
    let mut psa = connector(which, &fake);
    let look = Subscription { url: None, path: "/hook".to_owned(), proof: proof.clone() };
    assert_eq!(psa.webhook(&look).unwrap(), Standing::Missing, "{which:?}");
    let make = Subscription { url: Some(place.url.clone()), ..look.clone() };
    for _ in 0..2 {
        assert_eq!(psa.webhook(&make).unwrap(), Standing::Active, "{which:?}");
    }
    assert_eq!(psa.webhook(&look).unwrap(), Standing::Active, "{which:?}");
    fake
}

fn open(fake: &Fake, summary: &str) -> Id {
    fake.world(|world| {
        let board = *world.boards.keys().next().unwrap();
        let company = world.company("Halden Logistics");
        let contact = world.contact(company, "Ruth Meier");
        let new = NewTicket {
            summary: summary.to_owned(),
            description: "Since this morning.".to_owned(),
            company,
            contact: Some(contact),
            board,
            ..NewTicket::default()
        };
        world.open(new, Author::Contact(contact))
    })
}

fn tickets(ids: &[Id]) -> Result<Told, Refused> {
    Ok(Told::Tickets(ids.iter().map(ToString::to_string).collect()))
}

const PSAS: [Which; 3] = [Which::Connectwise, Which::Autotask, Which::Halo];

fn signature(which: Which) -> &'static str {
    match which {
        Which::Connectwise => "x-content-signature",
        Which::Autotask => "x-hook-signature",
        Which::Halo => "token",
    }
}

#[test]
fn what_a_psa_posts_names_its_ticket_and_what_others_make_of_it_is_refused() {
    for which in PSAS {
        let place = Place::new();
        let fake = posting(which, &place, &proof(which));
        let mut hook = hook(which, &fake);
        let now = Instant::now();
        let id = open(&fake, "Größe & <Farbe> \"falsch\" 印刷");
        let genuine = place.next();
        // The second is a replay: judged alike, since the loop reads a ticket once in a while only.
        for _ in 0..2 {
            assert_eq!(hook.judge(&genuine.headers, &genuine.body, now), tickets(&[id]), "{which:?}");
        }
        let refused =
            |hook: &mut Hook, headers: &HeaderMap, body: &[u8]| hook.judge(headers, body, now).unwrap_err();
        let headers = &genuine.headers;
        let cut = &genuine.body[..genuine.body.len() - 1];
        assert!(
            matches!(refused(&mut hook, headers, cut), Refused::Forged | Refused::Unreadable),
            "{which:?}"
        );
        let other = String::from_utf8(genuine.body.clone()).unwrap().replace(&id.to_string(), "1");
        assert_eq!(refused(&mut hook, headers, other.as_bytes()), Refused::Forged, "{which:?}");
        let mut spaced = genuine.body.clone();
        spaced.push(b' ');
        assert_eq!(refused(&mut hook, headers, &spaced), Refused::Forged, "{which:?}");
        assert_eq!(refused(&mut hook, headers, &vec![b' '; MOST_BODY + 1]), Refused::TooLong);
        let name = signature(which);
        let mut none = headers.clone();
        none.remove(name);
        assert_eq!(refused(&mut hook, &none, &genuine.body), Refused::Unsigned, "{which:?}");
        let mut two = headers.clone();
        two.append(name, two[name].clone());
        assert_eq!(refused(&mut hook, &two, &genuine.body), Refused::Unsigned, "{which:?}");
        for value in ["", "sha1=", "sha1=????", "c2hvcnQ=", "sha1=c2hvcnQ=", "sha256=c2hvcnQ="] {
            let mut odd = headers.clone();
            odd.insert(name, HeaderValue::from_static(value));
            assert!(
                matches!(refused(&mut hook, &odd, &genuine.body), Refused::Forged | Refused::Unsigned),
                "{which:?} {value}"
            );
        }

        fake.hook_trouble(HookTrouble { forged_every: 1, drop_every: 1, ..HookTrouble::default() });
        open(&fake, "Another");
        // What is left of the first ticket comes before it.
        let mut judged = place.next();
        while hook.judge(&judged.headers, &judged.body, now).is_ok() {
            judged = place.next();
        }
        let why = hook.judge(&judged.headers, &judged.body, now);
        assert!(matches!(why, Err(Refused::Forged | Refused::Unsigned)), "{which:?} {why:?}");
    }
}

/// Signs a body as a PSA does, with the key of `keys` where it is ConnectWise.
fn signed(which: Which, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = match which {
        Which::Connectwise => {
            let key = ring::digest::digest(&ring::digest::SHA256, SECRET.as_bytes());
            STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), body))
        }
        Which::Autotask => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
            format!("sha1={}", STANDARD.encode(hmac::sign(&key, body)))
        }
        Which::Halo => {
            STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body))
        }
    };
    headers.insert(signature(which), HeaderValue::from_str(&value).unwrap());
    headers
}

/// A hook whose key is [`SECRET`], with a body of that PSA about the ticket `id`.
fn signed_by_us(which: Which, id: &Value) -> (Hook, Value) {
    let url = "https://psa.example/callbackkey/index?companyName=acme";
    match which {
        Which::Connectwise => {
            let fetch = Box::new(|_: &str| Some(Secret::new(SECRET)));
            let hook = Hook::connectwise(SigningKeys::new("https://psa.example", "acme", fetch));
            (hook, json!({"Type": "ticket", "ID": id, "Metadata": {"key_url": url}}))
        }
        Which::Autotask => {
            let hook = Hook::autotask(Secret::new(SECRET));
            (hook, json!({"Action": "Update", "EntityType": "Ticket", "Id": id}))
        }
        Which::Halo => {
            (Hook::halo(Secret::new(SECRET)), json!({"ticket": {"id": id}, "event": "Ticket Updated"}))
        }
    }
}

#[test]
fn of_a_body_nothing_is_taken_but_a_number() {
    for which in PSAS {
        let judged = |id: &Value| {
            let (mut hook, body) = signed_by_us(which, id);
            let body = body.to_string();
            hook.judge(&signed(which, body.as_bytes()), body.as_bytes(), Instant::now())
        };
        for (good, id) in [(json!(48_213), 48_213), (json!("48213"), 48_213), (json!(1), 1)] {
            assert_eq!(judged(&good), tickets(&[id]), "{which:?} {good}");
        }
        for bad in [
            json!("../../system/info"),
            json!("12/../13"),
            json!("12?fields=id"),
            json!("12%2F13"),
            json!("１２"),
            json!(" 12"),
            json!(""),
            json!("99999999999999999999"),
            json!(u64::MAX),
            json!(-5),
            json!(1.5),
            json!(true),
            json!(null),
            json!([12]),
            json!({"id": 12}),
        ] {
            assert_eq!(judged(&bad), tickets(&[]), "{which:?} {bad}");
        }
    }
}

#[test]
fn signed_bodies_of_other_things_and_odd_forms_harm_nothing() {
    let judge = |which: Which, body: &str| {
        let (mut hook, _) = signed_by_us(which, &json!(1));
        hook.judge(&signed(which, body.as_bytes()), body.as_bytes(), Instant::now())
    };
    let key = r#""Metadata": {"key_url": "https://psa.example/callbackkey/index?companyName=acme"}"#;
    let contact = format!(r#"{{"Type": "contact", "ID": 9, {key}}}"#);
    assert_eq!(judge(Which::Connectwise, &contact), tickets(&[]));
    assert_eq!(judge(Which::Connectwise, r#"{"Type": "ticket", "ID": 9}"#), Err(Refused::Unsigned));
    assert_eq!(
        judge(Which::Autotask, r#"{"Action": "Update", "EntityType": "TicketNote", "Id": 9}"#),
        tickets(&[])
    );
    assert_eq!(judge(Which::Autotask, r#"{"Action": "Deactivated", "Id": 9}"#), Ok(Told::SwitchedOff));
    // Halo: the event alone, several together, and none.
    assert_eq!(judge(Which::Halo, r#"{"object_id": 7, "event": "New"}"#), tickets(&[7]));
    assert_eq!(judge(Which::Halo, r#"[{"object_id": 7}, {"ticket": {"id": "8"}}, {}]"#), tickets(&[7, 8]));
    assert_eq!(judge(Which::Halo, r#"{"ticket": null, "object_id": null}"#), tickets(&[]));
    let many = format!("[{}]", vec![r#"{"object_id": 7}"#; 5_000].join(","));
    assert!(matches!(judge(Which::Halo, &many), Ok(Told::Tickets(ids)) if ids.len() == 100));
    for which in PSAS {
        for odd in ["", "null", "12", "\"12\"", "{", "{\"ID\": 1, \"ID\": 2}", "\u{0}", "<html></html>"] {
            let judged = judge(which, odd);
            assert!(judged.is_err() || judged == tickets(&[]), "{which:?} {odd:?}: {judged:?}");
        }
        for open in ["[", "{\"Id\":[", "{\"a\":", "{\"ID\":{\"a\":", "{\"object_id\":["] {
            let deep = open.repeat(MOST_BODY / open.len());
            assert_eq!(judge(which, &deep), Err(Refused::Unreadable), "{which:?} {open}");
        }
    }
}

#[test]
fn a_key_elsewhere_is_not_asked_for() {
    let place = Place::new();
    let fake = posting(Which::Connectwise, &place, &Proof::Keys);
    let mut hook = hook(Which::Connectwise, &fake);
    let thief = TcpListener::bind("127.0.0.1:0").unwrap();
    thief.set_nonblocking(true).unwrap();
    let path = "v2025_1//system/callbackkey/index.rails?companyName=acme&id=1";
    let url = format!("http://{}/{path}", thief.local_addr().unwrap());
    fake.set(&json!({"forged": {"key_url": url, "key": "theirs"}})).unwrap();
    let id = open(&fake, "Printer");
    let now = Instant::now();
    let judged: Vec<_> =
        (0..2).map(|_| place.next()).map(|one| hook.judge(&one.headers, &one.body, now)).collect();
    assert_eq!(judged, [tickets(&[id]), Err(Refused::ForeignKey)]);
    assert_eq!(thief.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody has asked");

    // Another company of the same PSA has keys of its own, and signs well with them.
    let own = format!("{}/v2025_1//system/callbackkey/index.rails?companyName=another&id=1", fake.url());
    fake.set(&json!({"forged": {"key_url": own, "key": "theirs"}})).unwrap();
    open(&fake, "Printer");
    let asked = fake.log().len();
    let theirs = loop {
        let one = place.next();
        if String::from_utf8_lossy(&one.body).contains("companyName=another") {
            break one;
        }
    };
    assert_eq!(hook.judge(&theirs.headers, &theirs.body, now), Err(Refused::ForeignKey));
    assert_eq!(fake.log().len(), asked, "the PSA was not asked for it");
}

#[test]
fn a_key_is_had_with_and_without_credentials_and_after_it_was_changed() {
    let place = Place::new();
    let fake = posting(Which::Connectwise, &place, &Proof::Keys);
    let mut hook = hook(Which::Connectwise, &fake);
    let start = Instant::now();
    for (n, settings) in [
        json!({"key_needs_auth": false}),
        json!({"key_needs_auth": true, "signing_key": "the-second-key"}),
        json!({"key_needs_auth": true, "signing_key": "the-third-key"}),
    ]
    .iter()
    .enumerate()
    {
        fake.set(settings).unwrap();
        let id = open(&fake, "Printer");
        let now = start + Duration::from_secs(20 * n as u64);
        // What is left of the ticket before comes first.
        let mut judged = Ok(Told::SwitchedOff);
        while judged != tickets(&[id]) {
            let one = place.next();
            judged = hook.judge(&one.headers, &one.body, now);
            assert!(judged.is_ok() || n > 0, "{settings}: {judged:?}");
        }
    }
}

#[test]
fn a_key_that_changes_at_its_address_is_read_again() {
    let keys = Arc::new(Mutex::new(SECRET.to_owned()));
    let read = Arc::clone(&keys);
    let fetch = Box::new(move |_: &str| Some(Secret::new(&read.lock().unwrap())));
    let mut hook = Hook::connectwise(SigningKeys::new("https://psa.example", "acme", fetch));
    let (_, body) = signed_by_us(Which::Connectwise, &json!(5));
    let body = body.to_string();
    let headers = signed(Which::Connectwise, body.as_bytes());
    let start = Instant::now();
    "before".clone_into(&mut keys.lock().unwrap());
    assert_eq!(hook.judge(&headers, body.as_bytes(), start), Err(Refused::Forged));
    SECRET.clone_into(&mut keys.lock().unwrap());
    let later = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(hook.judge(&headers, body.as_bytes(), later(30)), Err(Refused::Forged), "the key is young");
    assert_eq!(hook.judge(&headers, body.as_bytes(), later(70)), tickets(&[5]));
}

#[test]
fn autotask_signs_either_form_and_says_unsigned_that_it_stops() {
    let place = Place::new();
    let fake = posting(Which::Autotask, &place, &proof(Which::Autotask));
    fake.set(&json!({"signature": "escaped"})).unwrap();
    let mut hook = hook(Which::Autotask, &fake);
    let now = Instant::now();
    for summary in
        ["Plain", "R&D's <Drucker> + `größer`", "C:\\temp\\\"x\"", "プリンター 😀", "Принтер\nне печатает"]
    {
        let id = open(&fake, summary);
        let one = place.next();
        assert_eq!(hook.judge(&one.headers, &one.body, now), tickets(&[id]), "{summary}");
    }
    fake.set(&json!({"deactivate": [1]})).unwrap();
    open(&fake, "Last");
    let off = place.next();
    assert!(!off.headers.contains_key("x-hook-signature"));
    assert_eq!(hook.judge(&off.headers, &off.body, now), Ok(Told::SwitchedOff));
    let mut psa = connector(Which::Autotask, &fake);
    let look = Subscription { url: None, path: "/hook".to_owned(), proof: proof(Which::Autotask) };
    assert_eq!(psa.webhook(&look).unwrap(), Standing::Off { why: "isActive is false".to_owned() });
    let url = Some(place.url.clone());
    fake.set(&json!({"deactivate": []})).unwrap();
    assert_eq!(psa.webhook(&Subscription { url, ..look }).unwrap(), Standing::Active);
}

#[test]
fn a_halo_may_prove_itself_with_a_password() {
    let place = Place::new();
    let basic = Proof::Basic { user: "firstline".to_owned(), password: Secret::new(SECRET) };
    let fake = posting(Which::Halo, &place, &basic);
    let mut hook = Hook::halo_basic("firstline", &Secret::new(SECRET));
    let id = open(&fake, "Scanner");
    let one = place.next();
    let now = Instant::now();
    assert_eq!(hook.judge(&one.headers, &one.body, now), tickets(&[id]));
    let pairs = [format!("firstline:{SECRET}x"), format!("other:{SECRET}"), "firstline:".to_owned()];
    for wrong in pairs.iter().map(|pair| format!("Basic {}", STANDARD.encode(pair))) {
        let mut headers = one.headers.clone();
        headers.insert("authorization", HeaderValue::from_str(&wrong).unwrap());
        assert_eq!(hook.judge(&headers, &one.body, now), Err(Refused::Forged), "{wrong}");
    }
    // Where the tenant's third kind of proof is the secret itself, an HMAC is missing: said, and polled.
    let place = Place::new();
    let fake = posting(Which::Halo, &place, &proof(Which::Halo));
    fake.set(&json!({"type_three": "api_key"})).unwrap();
    open(&fake, "Scanner");
    let one = place.next();
    let judged = Hook::halo(Secret::new(SECRET)).judge(&one.headers, &one.body, now);
    assert!(matches!(judged, Err(Refused::Forged | Refused::Unsigned)), "{judged:?}");
}

proptest! {
    #[test]
    fn whatever_is_posted_is_refused_without_the_key(
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{}\",:0-9a-zIDTypeMetadatakey_url ]{0,200}".prop_map(String::into_bytes),
        ],
        value in "[ -~]{0,60}",
    ) {
        let mut hooks: Vec<Hook> = PSAS.map(|which| signed_by_us(which, &json!(1)).0).into();
        hooks.push(Hook::halo_basic("firstline", &Secret::new(SECRET)));
        let mut headers = HeaderMap::new();
        for name in ["x-content-signature", "x-hook-signature", "token", "authorization"] {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        for hook in &mut hooks {
            prop_assert!(hook.judge(&headers, &body, Instant::now()).is_err());
        }
    }
}
