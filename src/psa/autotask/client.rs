//! Requests to Autotask: its zone, who asks, pages, the hour's requests, and what its refusals mean.
//!
//! A 500 is no reason to try again: it tells missing rights and wrong values, too. Must never go on asking with a secret that was refused:
//! that locks the user out.

use std::fmt;
use std::result::Result;
use std::time::{Duration, Instant};

use firstline_fault::Error;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::Method;

use super::refusal::{Refused, fault, reason, refused};
use super::wire::{Count, Item, Page, Threshold, whole};
use super::zone;
use crate::http::{Answer, Call, Http, Pace, Sent};
use crate::secret::Secret;
use crate::url::encoded;

/// Rows of a page: the most that Autotask gives.
const PAGE: usize = 500;
/// Pages of a list that are read at most.
const MOST_PAGES: usize = 10_000;
/// The history of a ticket: a query of it takes one condition and no more.
pub(super) const HISTORY: &str = "TicketHistory";
/// How long a zone is believed.
const ZONE_HOLDS: Duration = Duration::from_secs(12 * 3_600);
/// How long nothing is asked after the credentials were refused.
const BARRED: Duration = Duration::from_secs(15 * 60);
/// Times that a request waits for its turn among the tenant's others.
const TURNS: u32 = 4;
/// How long it waits.
const TURN: Duration = Duration::from_secs(2);
/// How long the count of the hour's requests is believed, and for how many requests of our own.
const COUNT_HOLDS: (Duration, u64) = (Duration::from_secs(300), 100);
/// The pause while half of the hour's requests are used.
const SPARING: Duration = Duration::from_secs(60);

/// Where an Autotask is, and who asks.
#[derive(Debug, Clone)]
pub struct AutotaskSettings {
    /// The address that tells zones, without a path, such as `https://webservices2.autotask.net`.
    pub url: String,
    /// The API user's name: `UserName`.
    pub user: String,
    /// The API user's password: `Secret`.
    pub secret: Secret,
    /// The integration's tracking identifier: `ApiIntegrationCode`.
    pub integration_code: Secret,
    /// The type of notes that are written; the tenant's default, or its "notes" type, where it is `None`.
    pub note_type: Option<String>,
    /// The resource in whose name is written; the API user's own where it is `None`.
    pub act_as: Option<i64>,
    /// Requests a minute at most.
    pub requests_per_minute: u32,
}

impl AutotaskSettings {
    pub(super) fn pace(&self) -> Pace {
        Pace { requests: self.requests_per_minute, window: Duration::from_secs(60) }
    }

    /// The address without a path.
    fn host(&self) -> &str {
        let end = self.url.to_ascii_lowercase().find("/atservicesrest").unwrap_or(self.url.len());
        self.url.get(..end).unwrap_or(&self.url).trim_end_matches('/')
    }
}

/// Asks Autotask.
pub(super) struct Client {
    pub(super) settings: AutotaskSettings,
    zone: Option<(String, Instant)>,
    barred_since: Option<Instant>,
    counted: Option<(Instant, u64)>,
    pub(super) http: Http,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.settings.url).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(settings: AutotaskSettings, http: Http) -> Self {
        Self { settings, zone: None, barred_since: None, counted: None, http }
    }

    /// Any body that a path has.
    pub(super) fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, Refused> {
        let answer = self.ask(&Method::GET, path, None)?;
        read(&answer).map_err(Refused::Other)
    }

    /// A record by its id; `None` where it is gone, or out of sight.
    pub(super) fn item<T: DeserializeOwned>(&mut self, entity: &str, id: &str) -> Result<Option<T>, Error> {
        let found: Item = match self.get(&format!("{entity}/{}", encoded(id))) {
            Err(Refused::Missing) => return Ok(None),
            found => found?,
        };
        found.item.map(|item| form(item)).transpose()
    }

    /// Tells `each` every record that meets all of `filter`, with the fields of `include`; all fields where it names none.
    pub(super) fn each<T: DeserializeOwned>(
        &mut self,
        entity: &str,
        filter: &[Value],
        include: &[&str],
        each: &mut dyn FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Refused> {
        let mut by_id = entity != HISTORY;
        let mut after: Option<i64> = None;
        let mut path = format!("{entity}/query");
        for _ in 0..MOST_PAGES {
            let mut conditions = filter.to_vec();
            conditions.extend(after.map(|id| json!({"op": "gt", "field": "id", "value": id})));
            let mut body = json!({"MaxRecords": PAGE, "filter": conditions});
            if !include.is_empty() {
                body["IncludeFields"] = json!(include);
            }
            let answer = self.ask(&Method::POST, &path, Some(&body))?;
            let page: Page = read(&answer).map_err(Refused::Other)?;
            let rows = page.items.unwrap_or_default();
            let link = page.page_details.and_then(|details| details.next_page_url);
            let last = last_id(&rows, after);
            let ended = rows.is_empty() || link.is_none() && rows.len() < PAGE;
            for row in rows {
                form(row).and_then(&mut *each).map_err(Refused::Other)?;
            }
            match (ended, last, link) {
                (true, ..) => return Ok(()),
                // From id to id: rows that come and go meanwhile hide no others, and no address has to hold.
                (_, Some(last), _) if by_id => after = Some(last),
                (_, _, Some(link)) if after.is_none() => {
                    by_id = false;
                    path = self.below(&link).map_err(Refused::Other)?;
                }
                (_, _, None) if after.is_none() => return Ok(()),
                _ => break,
            }
        }
        Err(Refused::Other(fault(
            "a list has no order or no end",
            "Please report it, with the log's last lines",
        )))
    }

    /// How many records meet `filter`.
    pub(super) fn count(&mut self, entity: &str, filter: &Value) -> Result<i64, Error> {
        let body = json!({"filter": [filter]});
        let answer = self.ask(&Method::POST, &format!("{entity}/query/count"), Some(&body))?;
        let counted: Count = read(&answer)?;
        Ok(counted.query_count.unwrap_or_default())
    }

    /// The server's time, where it tells it.
    pub(super) fn clock(&mut self) -> Result<Option<Timestamp>, Error> {
        let answer = self.ask(&Method::GET, "ThresholdInformation", None)?;
        let date = answer.header("date");
        Ok(date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()))
    }

    /// How many requests of the hour are used by all integrations, and how many there are.
    pub(super) fn used(&mut self) -> Result<Option<(i64, i64)>, Refused> {
        let told: Threshold = match self.get("ThresholdInformation") {
            Err(Refused::NoEndpoint | Refused::Missing | Refused::Forbidden(_)) => return Ok(None),
            told => told?,
        };
        let most = told.external_request_threshold.filter(|most| *most > 0);
        Ok(told.current_timeframe_request_count.zip(most))
    }

    /// Leaves the tenant's other integrations half of the hour's requests: waits up to `waits` minutes while it is used, and then goes on
    /// as long as there is a tenth left.
    pub(super) fn spare(&mut self, mut waits: u32) -> Result<(), Error> {
        let (holds, requests) = COUNT_HOLDS;
        if self.counted.is_some_and(|(at, n)| at.elapsed() < holds && self.http.requests - n < requests) {
            return Ok(());
        }
        while let Some((used, most)) = self.used()? {
            if waits == 0 && 10 * used >= 9 * most {
                let problem = format!("{used} of the hour's {most} requests are used, by all integrations");
                return Err(fault(
                    &problem,
                    "It goes on by itself; see in Autotask which integration asks so much",
                ));
            }
            if waits == 0 || 2 * used < most {
                break;
            }
            waits -= 1;
            if !self.http.pause(SPARING) {
                return Err(fault("stopped while it waited for the hour's requests", "Start it again"));
            }
        }
        self.counted = Some((Instant::now(), self.http.requests));
        Ok(())
    }

    /// The reply to a request that changes nothing.
    fn ask(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, Refused> {
        let answer = self.exchange(method, path, body, true).map_err(|sent| Refused::Other(sent.into()))?;
        self.judged(answer)
    }

    /// Sends what changes something, and gives the reply.
    pub(super) fn send(&mut self, method: &Method, path: &str, body: &Value) -> Result<Answer, Sent> {
        self.exchange(method, path, Some(body), false)
    }

    /// One request and its reply: from another zone where the tenant has moved, and in its turn where too many ask at once. Neither was
    /// done before.
    fn exchange(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        safe: bool,
    ) -> Result<Answer, Sent> {
        self.not_barred().map_err(Sent::NotDone)?;
        // What writes waits for no turn: it is tried again later.
        let mut turns = if safe { TURNS } else { 0 };
        let mut moved = false;
        loop {
            let answer = self.once(method.clone(), path, body, safe)?;
            match self.refusal(&answer) {
                Some(Refused::Credentials(_)) if !moved && self.has_moved(safe).map_err(Sent::NotDone)? => {
                    moved = true;
                }
                Some(Refused::Credentials(_)) => {
                    self.barred_since = Some(Instant::now());
                    return Ok(answer);
                }
                Some(Refused::Busy(_)) if turns > 0 => {
                    turns -= 1;
                    if !self.http.pause(TURN) {
                        return Ok(answer);
                    }
                }
                _ => return Ok(answer),
            }
        }
    }

    fn not_barred(&self) -> Result<(), Error> {
        let left = self.barred_since.map(|since| BARRED.saturating_sub(since.elapsed())).unwrap_or_default();
        if left.is_zero() {
            return Ok(());
        }
        let minutes = left.as_secs().div_ceil(60);
        let problem = format!(
            "credentials rejected; no requests for {minutes} min, because further attempts would lock the API user"
        );
        Err(fault(&problem, "Correct the settings and start again, or unlock the API user"))
    }

    /// Whether the zone is another one than was known.
    fn has_moved(&mut self, patient: bool) -> Result<bool, Error> {
        let known = self.zone.take().map(|(url, _)| url);
        let told = self.base(patient)?;
        Ok(known.is_some_and(|known| known != told))
    }

    /// A reply that is a success, or what its refusal means.
    pub(super) fn judged(&mut self, answer: Answer) -> Result<Answer, Refused> {
        self.refusal(&answer).map_or(Ok(answer), Err)
    }

    fn refusal(&mut self, answer: &Answer) -> Option<Refused> {
        if answer.is_good() {
            return None;
        }
        let reason = reason(answer);
        if answer.status == 500 && reason.is_some() {
            self.http.is_up();
        }
        let own = reason.is_some();
        Some(refused(answer.status, &reason.unwrap_or_else(|| answer.text()), own))
    }

    fn once(&mut self, method: Method, path: &str, body: Option<&Value>, safe: bool) -> Result<Answer, Sent> {
        let url = format!("{}{path}", self.base(safe).map_err(Sent::NotDone)?);
        let mut headers = vec![
            ("apiintegrationcode", self.settings.integration_code.shown().to_owned()),
            ("username", self.settings.user.clone()),
            ("secret", self.settings.secret.shown().to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        if let Some(resource) = self.settings.act_as.filter(|_| !safe) {
            headers.push(("impersonationresourceid", resource.to_string()));
        }
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        let sent = self.http.send(&Call { method, url, headers, body, safe });
        sent.map_err(|failure| Sent::of(&failure, "Autotask"))
    }

    /// The address of the API in the zone that the tenant lives in; asked for again and again only where `patient`.
    pub(super) fn base(&mut self, patient: bool) -> Result<String, Error> {
        if let Some((base, _)) = self.zone.as_ref().filter(|(_, since)| since.elapsed() < ZONE_HOLDS) {
            return Ok(base.clone());
        }
        let host = self.settings.host().to_owned();
        let url = format!("{host}/ATServicesRest/v1.0/zoneInformation?user={}", encoded(&self.settings.user));
        let headers = vec![("accept", "application/json".to_owned())];
        let call = Call { method: Method::GET, url, headers, body: None, safe: patient };
        let answer = self.http.send(&call).map_err(|failure| failure.at("Autotask"))?;
        if answer.status == 500 && reason(&answer).is_some() {
            self.http.is_up();
        }
        let url = zone::told(&answer, &host, &self.settings.user)?;
        let base = format!("{}/v1.0/", url.trim_end_matches('/'));
        self.zone = Some((base.clone(), Instant::now()));
        Ok(base)
    }

    /// What an address of the next page has below the API's.
    fn below(&mut self, address: &str) -> Result<String, Error> {
        let base = self.base(true)?;
        let rest = address.get(base.len()..);
        let same = address.get(..base.len()).is_some_and(|start| start.eq_ignore_ascii_case(&base));
        rest.filter(|_| same).map(str::to_owned).ok_or_else(|| {
            fault(
                "a page's next one is at another address",
                "Check \"url\" in the settings: nothing was sent there",
            )
        })
    }
}

/// The id of the last row, where all go upwards from `after` on.
fn last_id(rows: &[Value], after: Option<i64>) -> Option<i64> {
    let mut last = after;
    for row in rows {
        let id = whole(row.get("id")?)?;
        last = Some(id).filter(|id| last.is_none_or(|last| last < *id));
        last?;
    }
    last
}

/// A body of the expected form.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|e| unexpected(&e))
}

/// A record of the expected form.
fn form<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|e| unexpected(&e))
}

fn unexpected(e: &serde_json::Error) -> Error {
    let problem = format!("a reply is not of the expected form: {e}");
    fault(&problem, "Check that \"url\" is Autotask's address: a proxy may answer in its place")
}

/// A time as queries take it: UTC, milliseconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A condition of a query.
pub(super) fn is(field: &str, value: impl Into<Value>) -> Value {
    json!({"op": "eq", "field": field, "value": value.into()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_upwards_or_not_at_all() {
        let rows = |ids: &[i64]| ids.iter().map(|id| json!({"id": id.to_string()})).collect::<Vec<_>>();
        for (ids, after, last) in [
            (&[3, 4, 9][..], None, Some(9)),
            (&[3, 4, 9], Some(2), Some(9)),
            (&[3, 4, 9], Some(3), None),
            (&[4, 3], None, None),
            (&[3, 3], None, None),
            (&[], Some(7), Some(7)),
        ] {
            assert_eq!(last_id(&rows(ids), after), last, "{ids:?} {after:?}");
        }
        assert_eq!(last_id(&[json!({"name": "no id"})], None), None);
    }
}
