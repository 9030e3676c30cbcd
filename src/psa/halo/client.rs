//! Requests to Halo: where it is, tokens, pages, and what its refusals mean.

use std::fmt;
use std::result::Result;
use std::time::{Duration, Instant};

use firstline_fault::{Code, Error, UserError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use super::wire;
use crate::http::{Answer, Call, Http, Pace, Sent};
use crate::secret::Secret;
use crate::url::query_of;

/// Rows of a page: more are cut without a word.
const PAGE: &str = "100";
/// Pages of a list that are read at most.
const MOST_PAGES: usize = 10_000;
/// Times that a list is begun again because rows went while it was read.
const RESTARTS: usize = 3;
/// A token is renewed so long before it ends.
const EARLY: u64 = 60;

/// Where a HaloPSA is, who asks, and how notes are written.
#[derive(Debug, Clone)]
pub struct HaloSettings {
    /// Its address without a path, such as `https://acme.halopsa.com`.
    pub url: String,
    /// The address of its authorisation server; `{url}/auth` where it is `None`.
    pub auth_url: Option<String>,
    /// The tenant that hosted servers want to have named.
    pub tenant: Option<String>,
    /// The application's id: its type is "Client ID and Secret (Services)", with an agent to log in as.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
    /// The scope that is asked for, such as `all`.
    pub scope: String,
    /// The id of the outcome of internal notes: hidden from users, without mail and without a status.
    pub note_outcome: i64,
    /// The id of the outcome of replies that customers get; without it none can be sent.
    pub reply_outcome: Option<i64>,
    /// Requests in five minutes at most.
    pub requests_per_five_minutes: u32,
}

impl HaloSettings {
    pub(super) fn pace(&self) -> Pace {
        Pace { requests: self.requests_per_five_minutes, window: Duration::from_secs(300) }
    }
}

struct Token {
    text: Secret,
    ends: Instant,
    scope: Option<String>,
}

/// Asks Halo.
pub(super) struct Client {
    pub(super) settings: HaloSettings,
    token: Option<Token>,
    pub(super) http: Http,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.settings.url).finish_non_exhaustive()
    }
}

/// What a refusal says.
#[derive(Debug)]
pub(super) enum Refused {
    /// The record is not there, or the path.
    Missing,
    /// The application or its agent may not.
    Denied(Error),
    /// Another refusal.
    Other(Error),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => fault(
                "the record is not there (404)",
                "It may have been deleted, or be of a team that the agent can't see; else check \"url\" in the settings",
            ),
            Refused::Denied(error) | Refused::Other(error) => error,
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Rows of a reply, and how many there are in all where it says so.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Value>,
    pub(super) count: Option<usize>,
}

impl Page {
    /// Whether the PSA says that there are more.
    pub(super) fn is_short(&self) -> bool {
        self.count.is_some_and(|count| count > self.rows.len())
    }
}

/// An error of this PSA.
pub(super) fn fault(problem: &str, next: &str) -> Error {
    UserError::new(Code::Psa, "HaloPSA", problem, next).into()
}

/// An error of a write that this PSA would refuse again.
pub(super) fn refuses(problem: &str, next: &str) -> Error {
    UserError::new(Code::PsaRefused, "HaloPSA", problem, next).into()
}

impl Client {
    pub(super) fn new(settings: HaloSettings, http: Http) -> Self {
        Self { settings, token: None, http }
    }

    /// The body of a reply to a GET.
    pub(super) fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Value, Refused> {
        let answer = self.ask(path, query, None).map_err(Error::from)?;
        Ok(body(&self.judged(answer)?)?)
    }

    /// Posts an array of one object, which changes something, and gives the reply.
    pub(super) fn post(&mut self, path: &str, item: Value) -> Result<Answer, Sent> {
        self.ask(path, &[], Some(&Value::Array(vec![item])))
    }

    /// Tells `each` every record of a list.
    pub(super) fn each<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        each: &mut dyn FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        Ok(self.list(path, query, each)?)
    }

    /// The same, where it matters why there is none. A list that shrinks while it is read is begun again: rows have moved to pages that
    /// were read already. Where each page is the first one, all rows are asked for at once.
    pub(super) fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        each: &mut dyn FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Refused> {
        let mut restarts = 0;
        let (mut number, mut read, mut before) = (1_usize, 0_usize, None);
        let mut first: Option<Value> = None;
        for _ in 0..MOST_PAGES {
            let asked = number.to_string();
            let pages = [("pageinate", "true"), ("page_size", PAGE), ("page_no", asked.as_str())];
            let page = self.page(path, &[query, &pages].concat())?;
            let shrinks = page.count.zip(before).is_some_and(|(now, before)| now < before);
            if shrinks && restarts < RESTARTS {
                restarts += 1;
                (number, read, before, first) = (1, 0, None, None);
                continue;
            }
            before = page.count;
            let head = page.rows.first().map(|row| {
                let key = ["id", "guid", "name"].iter().find_map(|key| row.get(key));
                key.unwrap_or(row).clone()
            });
            if number > 1 && head.is_some() && head == first {
                return if page.count > Some(read) {
                    self.at_once(path, query, page.count, each)
                } else {
                    Ok(())
                };
            }
            first = first.or(head);
            read += page.rows.len();
            let ends = page.rows.is_empty() || page.count.is_some_and(|count| read >= count);
            tell(page.rows, each)?;
            if ends {
                return Ok(());
            }
            number += 1;
        }
        Err(Refused::Other(fault("a list has no end", "Please report it, with the path that the log names")))
    }

    fn at_once<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        count: Option<usize>,
        each: &mut dyn FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Refused> {
        let count = count.unwrap_or_default().to_string();
        let page = self.page(path, &[query, &[("count", count.as_str())]].concat())?;
        if page.is_short() {
            let problem = format!("{path} gives page 1 again and again: {} of {count} rows", page.rows.len());
            return Err(Refused::Other(fault(&problem, "Please report it, with the version of Halo")));
        }
        tell(page.rows, each)
    }

    /// A reply that is a list.
    pub(super) fn page(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Page, Refused> {
        let page = page_of(self.get(path, query)?, path);
        page.ok_or_else(|| {
            let next = "Check that \"url\" is the address of Halo: a proxy may answer in its place";
            Refused::Other(fault(&format!("the reply of {path} is no list"), next))
        })
    }

    /// How many rows a list has, and its first ones.
    pub(super) fn count(&mut self, path: &str, query: &[(&str, &str)]) -> Result<usize, Error> {
        let first = [("pageinate", "true"), ("page_size", "1"), ("page_no", "1")];
        let page = self.page(path, &[query, &first].concat())?;
        Ok(page.count.unwrap_or(page.rows.len()))
    }

    /// The server's time, where it tells it.
    pub(super) fn clock(&mut self) -> Result<Option<Timestamp>, Error> {
        let answer = self.ask("Status", &[], None)?;
        let answer = self.judged(answer)?;
        let date = answer.header("date");
        Ok(date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()))
    }

    /// The scope of the token, where the PSA says it.
    pub(super) fn scope(&mut self) -> Result<Option<String>, Error> {
        self.token(true)?;
        Ok(self.token.as_ref().and_then(|token| token.scope.clone()))
    }

    /// Where the PSA says that tokens are to be had, for messages only.
    pub(super) fn auth_info(&mut self) -> Option<(String, String)> {
        let url = format!("{}/api/authinfo", self.host());
        let call = Call { method: Method::GET, url, headers: Vec::new(), body: None, safe: true };
        let info = self.http.send(&call).ok().filter(Answer::is_good)?.json()?;
        let text = |key: &str| info.get(key).and_then(Value::as_str).map(str::to_owned);
        Some((text("auth_url")?, text("tenant_id").unwrap_or_default()))
    }

    /// A reply that is a success, or what its refusal means.
    pub(super) fn judged(&self, answer: Answer) -> Result<Answer, Refused> {
        if answer.is_good() {
            return Ok(answer);
        }
        let told = told(&answer);
        Err(match answer.status {
            404 | 405 => Refused::Missing,
            401 => Refused::Other(fault(
                &format!("it refuses a token that it has just given (401): {told}"),
                "Make sure nothing else requests tokens with this client ID; a new token may invalidate the previous one",
            )),
            403 => Refused::Denied(fault(
                &format!("the application may not do this (403): {told}"),
                "Widen both: the application's permissions under Integrations > API, and the role of its agent",
            )),
            429 => Refused::Other(fault(
                &format!("too many requests (429): {told}"),
                "Lower \"requests_per_five_minutes\" in the settings; it goes on by itself",
            )),
            status @ (400 | 409 | 422) => Refused::Other(refuses(
                &format!("status {status}: {told}"),
                "See what the text names; the ticket's type may not take it",
            )),
            status => Refused::Other(fault(
                &format!("status {status}: {told}"),
                "See the PSA's own log where it does not say",
            )),
        })
    }

    /// The reply to a request, a POST where it has a body. One whose token has ended was not done, and is sent again with a new one, once.
    fn ask(&mut self, path: &str, query: &[(&str, &str)], body: Option<&Value>) -> Result<Answer, Sent> {
        let url = format!("{}/api/{path}{}", self.host(), query_of(query));
        let safe = body.is_none();
        let method = if safe { Method::GET } else { Method::POST };
        for again in [true, false] {
            let token = self.token(safe).map_err(Sent::NotDone)?;
            let bearer = format!("Bearer {}", token.shown());
            let headers = vec![("authorization", bearer), ("accept", "application/json".to_owned())];
            let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
            let call = Call { method: method.clone(), url: url.clone(), headers, body, safe };
            match self.http.send(&call) {
                Ok(answer) if answer.status == 401 && again => self.token = None,
                Ok(answer) => return Ok(answer),
                Err(failure) => return Err(Sent::of(&failure, "HaloPSA")),
            }
        }
        Err(Sent::NotDone(fault("no token", "Please report it")))
    }

    fn host(&self) -> String {
        let url = self.settings.url.trim().trim_end_matches('/');
        url.strip_suffix("/api").unwrap_or(url).to_owned()
    }

    /// The token, a new one where there is none or it ends soon. One at a time: a new token may end the one
    /// before. It is asked for again and again only where `patient`.
    fn token(&mut self, patient: bool) -> Result<Secret, Error> {
        if let Some(token) = self.token.as_ref().filter(|token| Instant::now() < token.ends) {
            return Ok(token.text.clone());
        }
        let answer = self.ask_for_token(patient)?;
        let given: wire::Token = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(text) = given.access_token.filter(|_| answer.is_good()) else {
            return Err(no_token(&answer));
        };
        let life = u64::try_from(given.expires_in.unwrap_or(3_600)).unwrap_or_default();
        let ends = Instant::now() + Duration::from_secs(life.saturating_sub(EARLY).max(life / 2));
        let text = Secret::new(&text);
        self.token = Some(Token { text: text.clone(), ends, scope: given.scope });
        Ok(text)
    }

    fn ask_for_token(&mut self, patient: bool) -> Result<Answer, Error> {
        let auth = self.settings.auth_url.clone().unwrap_or_else(|| format!("{}/auth", self.host()));
        let tenant: Vec<(&str, &str)> =
            self.settings.tenant.iter().map(|tenant| ("tenant", tenant.as_str())).collect();
        let url = format!("{}/token{}", auth.trim_end_matches('/'), query_of(&tenant));
        let form = query_of(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.settings.client_id),
            ("client_secret", self.settings.client_secret.shown()),
            ("scope", &self.settings.scope),
        ]);
        let body = form.trim_start_matches('?').as_bytes().to_vec();
        let body = Some(("application/x-www-form-urlencoded", body));
        let headers = vec![("accept", "application/json".to_owned())];
        let call = Call { method: Method::POST, url, headers, body, safe: patient };
        self.http.send(&call).map_err(|failure| failure.at("HaloPSA"))
    }
}

fn no_token(answer: &Answer) -> Error {
    let next = match answer.status {
        404 | 405 => "Check \"url\" and \"auth_url\" in the settings",
        429 | 502..=504 => "Look whether the PSA is up; it goes on by itself",
        500 => "Check \"tenant\" in the settings: servers answer like this to a wrong or missing one",
        _ => {
            "Check \"client_id\", \"client_secret_file\", \"scope\" and \"tenant\" in the settings, and that the application's type is \"Client ID and Secret (Services)\""
        }
    };
    fault(&format!("it hands out no token (status {}): {}", answer.status, told(answer)), next)
}

fn tell<T: DeserializeOwned>(
    rows: Vec<Value>,
    each: &mut dyn FnMut(T) -> Result<(), Error>,
) -> Result<(), Refused> {
    for row in rows.into_iter().filter(Value::is_object) {
        each(read(row)?)?;
    }
    Ok(())
}

/// The rows of a bare array, or of the list of that resource beside a count.
fn page_of(body: Value, path: &str) -> Option<Page> {
    let mut body = match body {
        Value::Array(rows) => return Some(Page { rows, count: None }),
        Value::Object(body) => body,
        _ => return None,
    };
    let count =
        body.get("record_count").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let lists = || body.iter().filter(|(_, value)| value.is_array()).map(|(key, _)| key.clone());
    let own = path.to_lowercase();
    let named = |key: &String| *key == own || *key == format!("{own}s") || key == "results";
    match lists().find(named).or_else(|| lists().next()).and_then(|key| body.remove(&key)) {
        Some(Value::Array(rows)) => Some(Page { rows, count }),
        _ => (count == Some(0)).then(Page::default),
    }
}

/// A record of the expected form.
pub(super) fn read<T: DeserializeOwned>(row: Value) -> Result<T, Error> {
    serde_json::from_value(row).map_err(|e| {
        let problem = format!("a record is not of the expected form: {e}");
        fault(&problem, "Please report it, with the version of Halo")
    })
}

/// The body of a success.
pub(super) fn body(answer: &Answer) -> Result<Value, Error> {
    answer.json().ok_or_else(|| {
        let problem = format!("a reply is no JSON: {}", answer.text());
        fault(&problem, "Check that \"url\" is the address of Halo: a proxy may answer in its place")
    })
}

/// What a refusal says: its bodies have no common form.
pub(super) fn told(answer: &Answer) -> String {
    let text =
        |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let said = answer.json().and_then(|body| {
        let nested = body.get("error").filter(|error| error.is_object()).cloned();
        let inner = nested.as_ref().unwrap_or(&body);
        let keys = ["error_description", "errorMessage", "Message", "message", "error", "title"];
        let only =
            || body.as_object().filter(|body| body.len() == 1).and_then(|body| text(body.values().next()?));
        text(&body).or_else(|| keys.iter().find_map(|key| text(inner.get(key)?))).or_else(only)
    });
    let said = said.unwrap_or_else(|| answer.text());
    said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// A time as filters take it: UTC, whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
