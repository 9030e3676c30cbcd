//! Where a tenant lives: the address that the PSA tells, believed where it is the vendor's.
//!
//! Credentials go there: an address at another domain, or without TLS where the settings have it, must never be used.

use firstline_fault::Error;
use ureq::http::Uri;

use super::refusal::{fault, reason};
use super::wire::Zone;
use crate::http::Answer;

/// The address of the zone that `host` tells for `user`.
pub(super) fn told(answer: &Answer, host: &str, user: &str) -> Result<String, Error> {
    let zone: Zone = serde_json::from_slice(&answer.body).unwrap_or_default();
    match zone.url.filter(|_| answer.is_good()) {
        Some(url) if is_near(host, &url) => Ok(url),
        Some(url) => {
            let problem = format!("it names a zone at another host: {url}");
            Err(fault(&problem, "Check \"url\" in the settings: nothing was sent there"))
        }
        // So an unknown user is refused.
        None if answer.status == 500 && reason(answer).is_some() => {
            let problem = format!("it does not know the user {user:?} (500)");
            Err(fault(&problem, "Check \"user\" in the settings: the name of an API user"))
        }
        None => {
            let problem = format!("it tells no zone (status {})", answer.status);
            Err(fault(&problem, "Check \"url\" in the settings: such as https://webservices2.autotask.net"))
        }
    }
}

/// Whether an address that the PSA tells is its own: the same host, or another of the same domain, reached in the same way.
fn is_near(own: &str, told: &str) -> bool {
    let (Ok(own), Ok(told)) = (own.parse::<Uri>(), told.parse::<Uri>()) else { return false };
    let (Some(ours), Some(theirs)) = (own.host(), told.host()) else { return false };
    let domain = |host: &str| {
        let rest = host.split_once('.')?.1.to_lowercase();
        (rest.contains('.') && host.parse::<std::net::IpAddr>().is_err()).then_some(rest)
    };
    let same = ours.eq_ignore_ascii_case(theirs) && own.port_u16() == told.port_u16();
    own.scheme() == told.scheme() && (same || domain(ours).is_some() && domain(ours) == domain(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_believed_at_the_vendors_own_hosts_only() {
        let own = "https://webservices2.autotask.net";
        for near in
            ["https://webservices5.autotask.net/ATServicesRest/", "https://WebServices16.Autotask.net/"]
        {
            assert!(is_near(own, near), "{near}");
        }
        for far in [
            "http://webservices5.autotask.net/ATServicesRest/",
            "https://autotask.net.example/ATServicesRest/",
            "https://webservices5.autotask.net@host.example/",
            "https://evil-autotask.net/",
            "/ATServicesRest/",
            "",
        ] {
            assert!(!is_near(own, far), "{far}");
        }
        assert!(is_near("http://127.0.0.1:8080", "http://127.0.0.1:8080/ATServicesRest/"));
        assert!(!is_near("http://127.0.0.1:8080", "http://126.0.0.1:8080/ATServicesRest/"));
    }
}
