//! Requests to ConnectWise: where it is, who asks, pages, and what its refusals mean.

use std::fmt;
use std::result::Result;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use firstline_fault::{Code, Error, UserError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Method;

use super::wire::{CompanyInfo, Refusal};
use crate::http::{Answer, Call, Http, Pace, Sent};
use crate::secret::Secret;
use crate::url::{encoded, query_of};

/// The version of the API that is asked for.
const ACCEPT: &str = "application/vnd.connectwise.com+json; version=2022.2";
/// Rows of a page.
const PAGE: &str = "250";
/// The path of the audit trail.
pub(super) const AUDIT_TRAIL: &str = "system/audittrail";
/// What is said of a right that the API member lacks.
pub(super) const FORBIDDEN: &str = "the API member may not do this (403)";
/// Pages of a list that are read at most.
const MOST_PAGES: usize = 10_000;

/// Where a ConnectWise PSA is, and who asks.
#[derive(Debug, Clone)]
pub struct ConnectwiseSettings {
    /// Its address without a path, such as `https://api-na.myconnectwise.net`.
    pub url: String,
    /// The company's name for signing in.
    pub company: String,
    /// The API member's public key.
    pub public_key: String,
    /// The API member's private key.
    pub private_key: Secret,
    /// The integration's `clientId`.
    pub client_id: Secret,
    /// The codebase of a server on site, such as `v4_6_release/`; asked for where it is `None`.
    pub codebase: Option<String>,
    /// Requests a minute at most.
    pub requests_per_minute: u32,
}

impl ConnectwiseSettings {
    pub(super) fn pace(&self) -> Pace {
        Pace { requests: self.requests_per_minute, window: Duration::from_secs(60) }
    }

    /// The headers that say who asks.
    pub(super) fn credentials(&self) -> [(&'static str, String); 2] {
        let user = format!("{}+{}", self.company, self.public_key);
        let key = STANDARD.encode(format!("{user}:{}", self.private_key.shown()));
        [("authorization", format!("Basic {key}")), ("clientid", self.client_id.shown().to_owned())]
    }
}

/// Asks ConnectWise.
pub(super) struct Client {
    settings: ConnectwiseSettings,
    codebase: Option<String>,
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
    /// The record is not there.
    Missing,
    /// The path is not there: an old server, or a codebase that moved.
    NoEndpoint,
    /// Another refusal.
    Other(Error),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => {
                fault("the record is not there", "It may have been deleted, or moved to a board out of sight")
            }
            Refused::NoEndpoint => {
                fault("the endpoint does not exist", "Check \"url\" and \"codebase\" in the settings")
            }
            Refused::Other(error) => error,
        }
    }
}

/// An error of this PSA.
pub(super) fn fault(problem: &str, next: &str) -> Error {
    UserError::new(Code::Psa, "ConnectWise", problem, next).into()
}

/// An error of a write that this PSA would refuse again.
pub(super) fn refuses(problem: &str, next: &str) -> Error {
    UserError::new(Code::PsaRefused, "ConnectWise", problem, next).into()
}

impl Client {
    pub(super) fn new(settings: ConnectwiseSettings, http: Http) -> Self {
        let codebase = settings.codebase.clone();
        Self { settings, codebase, http }
    }

    /// Requests a minute at most.
    pub(super) fn a_minute(&self) -> u32 {
        self.settings.requests_per_minute
    }

    /// A record, or any other body.
    pub(super) fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Refused> {
        let answer = self.ask(&Method::GET, path, query, None)?;
        read(&answer).map_err(Refused::Other)
    }

    /// Sends a body, which changes something, and gives the reply.
    pub(super) fn send(&mut self, method: Method, path: &str, body: &Value) -> Result<Answer, Sent> {
        self.ask_once(method, path, &[], Some(body))
    }

    /// Tells `each` every record of a list, in the order of ids.
    pub(super) fn each<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        each: &mut dyn FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        Ok(self.list(path, query, each)?)
    }

    /// The same, where it matters whether the endpoint is there.
    pub(super) fn list<T: DeserializeOwned>(
        &mut self,
        path: &str,
        query: &[(&str, &str)],
        each: &mut dyn FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Refused> {
        let mut next: Option<(String, String)> = None;
        for _ in 0..MOST_PAGES {
            let mut asked: Vec<(&str, &str)> = query.to_vec();
            asked.push(("pageSize", PAGE));
            if let Some((key, value)) = &next {
                asked.push((key, value));
            }
            let answer = self.ask(&Method::GET, path, &asked, None)?;
            let rows: Vec<T> = read(&answer).map_err(Refused::Other)?;
            let empty = rows.is_empty();
            for row in rows {
                each(row).map_err(Refused::Other)?;
            }
            let following = answer.header("link").and_then(next_page);
            if empty || following.is_none() || following == next {
                return Ok(());
            }
            next = following;
        }
        Err(Refused::Other(fault("a list has no end", "Please report it, with the path that the log names")))
    }

    /// The API's version and the server's time, where it tells them.
    pub(super) fn clock(&mut self) -> Result<(String, Option<Timestamp>), Error> {
        let answer = self.ask(&Method::GET, "system/info", &[], None)?;
        let version = answer.header("api-current-version").unwrap_or("not told").to_owned();
        let date = answer
            .header("date")
            .and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        Ok((version, date))
    }

    /// How many records meet `conditions`.
    pub(super) fn count(&mut self, path: &str, conditions: &str) -> Result<u64, Error> {
        let counted: Value = self.get(&format!("{path}/count"), &[("conditions", conditions)])?;
        Ok(counted.get("count").and_then(Value::as_u64).unwrap_or_default())
    }

    /// How many rows a short list has.
    pub(super) fn count_rows(&mut self, path: &str, query: &[(&str, &str)]) -> Result<u64, Error> {
        let mut rows = 0;
        self.each(path, query, &mut |_: Value| {
            rows += 1;
            Ok(())
        })?;
        Ok(rows)
    }

    /// The reply to a request that changes nothing, from another codebase where the one that was known is gone.
    fn ask(
        &mut self,
        method: &Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, Refused> {
        for again in [true, false] {
            let answer = match self.ask_once(method.clone(), path, query, body) {
                Ok(answer) => answer,
                Err(sent) => return Err(Refused::Other(sent.into())),
            };
            match self.judged(answer) {
                // The cloud's codebase moves with its releases.
                Err(Refused::NoEndpoint) if again && self.settings.codebase.is_none() => self.codebase = None,
                judged => return judged,
            }
        }
        Err(Refused::NoEndpoint)
    }

    /// A reply that is a success, or what its refusal means.
    pub(super) fn judged(&self, answer: Answer) -> Result<Answer, Refused> {
        if answer.is_good() {
            return Ok(answer);
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let told = refusal.told().unwrap_or_else(|| answer.text());
        let code = refusal.code.as_deref().unwrap_or_default();
        Err(match answer.status {
            404 if code == "NotFound" => Refused::Missing,
            404 | 405 => Refused::NoEndpoint,
            401 => Refused::Other(fault(
                &format!("it refuses the key (401): {told}"),
                "Check \"company\", \"public_key\", \"private_key_file\" and \"client_id\" in the settings; the API member may be locked",
            )),
            403 => Refused::Other(fault(
                &format!("{FORBIDDEN}: {told}"),
                "Widen the member's security role: service tickets, companies, table setup, close service tickets",
            )),
            429 => Refused::Other(fault(
                &format!("too many requests (429): {told}"),
                "Lower \"requests_per_minute\" in the settings; it goes on by itself",
            )),
            status @ (400 | 409 | 422) => Refused::Other(refuses(
                &format!("status {status}: {told}"),
                "See what the text names; the board may not take it",
            )),
            status => Refused::Other(fault(
                &format!("status {status}: {told}"),
                "See the PSA's own log where it does not say",
            )),
        })
    }

    fn ask_once(
        &mut self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, Sent> {
        let safe = method == Method::GET;
        let base = self.base(safe).map_err(Sent::NotDone)?;
        let url = format!("{base}{path}{}", query_of(query));
        let mut headers = self.settings.credentials().to_vec();
        headers.push(("accept", ACCEPT.to_owned()));
        // Rows of the audit trail have no id to go forward by; it only grows.
        if method == Method::GET && path != AUDIT_TRAIL {
            headers.push(("pagination-type", "forward-only".to_owned()));
        }
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        let sent = self.http.send(&Call { method, url, headers, body, safe });
        sent.map_err(|failure| Sent::of(&failure, "ConnectWise"))
    }

    /// The address of the API, with the codebase that the PSA names; asked for again and again only where `patient`.
    fn base(&mut self, patient: bool) -> Result<String, Error> {
        let host = self.settings.url.trim_end_matches('/').to_owned();
        if self.codebase.is_none() {
            let url = format!("{host}/login/companyinfo/{}", encoded(&self.settings.company));
            let headers = vec![("accept", "application/json".to_owned())];
            let call = Call { method: Method::GET, url, headers, body: None, safe: patient };
            let answer = self.http.send(&call).map_err(|failure| failure.at("ConnectWise"))?;
            self.codebase = Some(codebase(&answer, &self.settings.company)?);
        }
        let codebase = self.codebase.as_deref().unwrap_or_default().trim_matches('/');
        Ok(format!("{host}/{codebase}/apis/3.0/"))
    }
}

/// The codebase that the PSA tells of a company. It knows none where it says `null`, or 404; any other reply says nothing of it.
fn codebase(answer: &Answer, company: &str) -> Result<String, Error> {
    let told: Option<Option<CompanyInfo>> = serde_json::from_slice(&answer.body).ok();
    match (answer.status, told) {
        (200..=299, Some(Some(CompanyInfo { codebase: Some(codebase), .. }))) => Ok(codebase),
        (200..=299, Some(None)) | (404, _) => {
            let problem = format!("it does not know the company {company:?} (status {})", answer.status);
            Err(fault(&problem, "Check \"url\" and \"company\" in the settings"))
        }
        (429 | 500..=599, _) => {
            let problem = format!("it can't be asked just now (status {}): {}", answer.status, answer.text());
            Err(fault(&problem, "Look whether the PSA is up; it goes on by itself"))
        }
        (status, _) => {
            let problem = format!("it does not say where its API is (status {status}): {}", answer.text());
            Err(fault(&problem, "Check that \"url\" is the API's address: a proxy may answer in its place"))
        }
    }
}

/// A body of the expected form.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|e| {
        let problem = format!("a reply is not of the expected form: {e}");
        fault(&problem, "Check that \"url\" is the API's address: a proxy may answer in its place")
    })
}

/// A time as conditions take it: UTC, whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The key and value of the next page in a `Link` header. Its address is not followed: only what it says of the page.
fn next_page(link: &str) -> Option<(String, String)> {
    let next = link.split(',').find(|part| part.replace('\'', "\"").contains("rel=\"next\""))?;
    let address = next.split('>').next()?.trim().trim_start_matches('<');
    let query = address.split_once('?')?.1;
    let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let page = ["pageId", "page"]
        .iter()
        .find_map(|key| pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
    page.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
}
