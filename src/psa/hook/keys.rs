//! The keys that ConnectWise signs with: each delivery names where its key is, and until it is proven, that may be anybody's word.
//!
//! Must never ask another host than the PSA's own for a key, nor for one of another company, which on the vendor's cloud has the same host.

use std::fmt;
use std::time::{Duration, Instant};

use ureq::http::Uri;

use super::Refused;
use crate::secret::Secret;

/// Keys that are kept: they change, so that two are in use at most.
const MOST_KEYS: usize = 4;
/// How long a key is used without being asked for again.
const HOLDS: Duration = Duration::from_secs(3_600);
/// A key that can't be had again is used so long.
const HOLDS_AT_MOST: Duration = Duration::from_secs(24 * 3_600);
/// A key that is younger is not suspected of having been changed.
const YOUNG: Duration = Duration::from_secs(60);
/// The pause between two requests for a key, whatever deliveries ask for.
const BETWEEN: Duration = Duration::from_secs(10);

/// Gives the key that is at an address.
type Fetch = Box<dyn FnMut(&str) -> Option<Secret> + Send>;

/// The keys of one ConnectWise.
pub struct SigningKeys {
    psa: Uri,
    company: String,
    fetch: Fetch,
    kept: Vec<Kept>,
    asked: Option<Instant>,
}

struct Kept {
    url: String,
    key: Secret,
    since: Instant,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").field("psa", &self.psa).finish_non_exhaustive()
    }
}

impl SigningKeys {
    /// The keys of `company` at the address `psa`, which `fetch` asks for.
    pub(crate) fn new(psa: &str, company: &str, fetch: Fetch) -> Self {
        let psa = psa.trim().parse().unwrap_or_default();
        Self { psa, company: company.trim().to_owned(), fetch, kept: Vec::new(), asked: None }
    }

    /// The key at `url`, and whether it may have been changed since it was read.
    pub(super) fn key(&mut self, url: &str, now: Instant) -> Result<(Secret, bool), Refused> {
        if !self.is_own(url) {
            return Err(Refused::ForeignKey);
        }
        let age = |kept: &Kept| now.saturating_duration_since(kept.since);
        let kept = self.kept.iter().find(|kept| kept.url == url);
        let kept = kept.map(|kept| (kept.key.clone(), age(kept)));
        match kept {
            Some((key, age)) if age < HOLDS => Ok((key, age >= YOUNG)),
            kept => match (self.renewed(url, now), kept) {
                (Some(key), _) => Ok((key, false)),
                (None, Some((key, age))) if age < HOLDS_AT_MOST => Ok((key, false)),
                (None, _) => Err(Refused::NoKey),
            },
        }
    }

    /// The key at `url` as it is now; `None` where it can't be had, or one was asked for a moment ago.
    pub(super) fn renewed(&mut self, url: &str, now: Instant) -> Option<Secret> {
        if self.asked.is_some_and(|asked| now.saturating_duration_since(asked) < BETWEEN) {
            return None;
        }
        self.asked = Some(now);
        let key = (self.fetch)(url)?;
        self.kept.retain(|kept| kept.url != url);
        if self.kept.len() >= MOST_KEYS {
            self.kept.remove(0);
        }
        self.kept.push(Kept { url: url.to_owned(), key: key.clone(), since: now });
        Some(key)
    }

    /// Whether an address is that of a key of this company at this PSA: reached in the same way, at the same host, which for its pages is
    /// that of its API without `api-`. UNCONFIRMED: that servers on site have the path and the parameter of the cloud.
    fn is_own(&self, url: &str) -> bool {
        let Ok(told) = url.parse::<Uri>() else { return false };
        let name = |uri: &Uri| {
            let host = uri.host()?.to_ascii_lowercase();
            Some(host.strip_prefix("api-").map_or(host.clone(), str::to_owned))
        };
        let named = told.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        let port = |uri: &Uri| uri.port_u16();
        let at_psa = told.scheme().is_some() && told.scheme() == self.psa.scheme();
        let at_psa = at_psa
            && named
            && name(&told).is_some()
            && name(&told) == name(&self.psa)
            && port(&told) == port(&self.psa);
        let path = told.path().to_ascii_lowercase();
        at_psa
            && path.contains("/callbackkey/")
            && !path.contains("..")
            && !path.contains('%')
            && self.is_ours(&told)
    }

    /// Whether the query names this company, and no other beside it.
    fn is_ours(&self, url: &Uri) -> bool {
        let pairs = url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let companies: Vec<&str> = pairs
            .filter(|(key, _)| key.eq_ignore_ascii_case("companyName"))
            .map(|(_, value)| value)
            .collect();
        companies.len() == 1 && companies[0].eq_ignore_ascii_case(&crate::url::encoded(&self.company))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(psa: &str, company: &str) -> SigningKeys {
        SigningKeys::new(psa, company, Box::new(|url| Some(Secret::new(url))))
    }

    #[test]
    fn a_key_is_asked_for_at_the_psa_and_of_the_company_alone() {
        let cloud = at("https://api-eu.myconnectwise.net", "alpenblick");
        let path = "/v2025_1//system/callbackkey/index.rails";
        for own in [
            format!("https://eu.myconnectwise.net{path}?companyName=Alpenblick&id=1"),
            format!("https://api-eu.myconnectwise.net{path}?id=1&companyname=alpenblick"),
            "https://EU.MyConnectWise.net/v4_6_release/system/callbackKey/index.rails?companyName=alpenblick"
                .to_owned(),
        ] {
            assert!(cloud.is_own(&own), "{own}");
        }
        for foreign in [
            format!("http://eu.myconnectwise.net{path}?companyName=alpenblick"),
            format!("https://eu.myconnectwise.net.example{path}?companyName=alpenblick"),
            format!("https://eu.myconnectwise.net@host.example{path}?companyName=alpenblick"),
            format!("https://user@eu.myconnectwise.net{path}?companyName=alpenblick"),
            format!("https://eu.myconnectwise.net:8443{path}?companyName=alpenblick"),
            format!("https://na.myconnectwise.net{path}?companyName=alpenblick"),
            format!("https://xapi-eu.myconnectwise.net{path}?companyName=alpenblick"),
            // Another company of the same cloud signs well, and with its own key.
            format!("https://eu.myconnectwise.net{path}?companyName=another"),
            format!("https://eu.myconnectwise.net{path}?companyName=alpenblick&companyName=another"),
            format!("https://eu.myconnectwise.net{path}?companyName=another&CompanyName=alpenblick"),
            format!("https://eu.myconnectwise.net{path}"),
            "https://eu.myconnectwise.net/upload/key.json?companyName=alpenblick".to_owned(),
            "https://eu.myconnectwise.net/callbackkey/../upload/key?companyName=alpenblick".to_owned(),
            "https://eu.myconnectwise.net/callbackkey/%2e%2e/upload/key?companyName=alpenblick".to_owned(),
            "https://169.254.169.254/callbackkey/?companyName=alpenblick".to_owned(),
            "file:///callbackkey/?companyName=alpenblick".to_owned(),
            "/callbackkey/?companyName=alpenblick".to_owned(),
            String::new(),
        ] {
            assert!(!cloud.is_own(&foreign), "{foreign}");
        }
        let here = at("http://127.0.0.1:8600", "acme");
        assert!(
            here.is_own("http://127.0.0.1:8600/v4_6_release/system/callbackkey/index.rails?companyName=acme")
        );
        assert!(!here.is_own("http://127.0.0.1:8601/system/callbackkey/index.rails?companyName=acme"));
        assert!(!here.is_own("https://127.0.0.1:8600/system/callbackkey/index.rails?companyName=acme"));
    }

    #[test]
    fn keys_are_kept_for_an_hour_and_asked_for_now_and_then_only() {
        let url = |n: usize| format!("https://psa.example/callbackkey/?companyName=acme&id={n}");
        let mut keys = at("https://psa.example", "acme");
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(keys.key(&url(0), start).map(|(_, old)| old), Ok(false));
        // A flood of deliveries that name others costs the PSA one request in ten seconds, and the known key stays in use.
        for n in 1..1_000 {
            assert_eq!(keys.key(&url(n), after(1)), Err(Refused::NoKey));
        }
        assert_eq!(keys.key(&url(0), after(9)), Ok((Secret::new(&url(0)), false)));
        assert_eq!(
            keys.key(&url(0), after(61)),
            Ok((Secret::new(&url(0)), true)),
            "it may have been changed"
        );
        for n in 1..100 {
            assert!(keys.key(&url(n), after(100 + 10 * n as u64)).is_ok());
            assert!(keys.kept.len() <= MOST_KEYS);
        }
        // A PSA that does not answer: what is known holds for a day.
        let mut answers = true;
        let fetch = Box::new(move |url: &str| std::mem::take(&mut answers).then(|| Secret::new(url)));
        let mut keys = SigningKeys::new("https://psa.example", "acme", fetch);
        assert!(keys.key(&url(0), start).is_ok());
        assert!(keys.key(&url(0), after(4_000)).is_ok());
        assert_eq!(keys.key(&url(0), after(25 * 3_600)), Err(Refused::NoKey));
    }
}
