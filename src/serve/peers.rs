//! Who is at the other end of a connection, and what a proxy in front says of it.
//!
//! A header counts only where it comes from an address that the settings name. Must never believe anybody else's.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use firstline_fault::{Code, Result, UserError};
use ipnet::IpNet;

use crate::connections::Slot;
use crate::problem::Problem;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// What the settings say of those at the other end.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    is_tls: bool,
    proxies: Vec<IpNet>,
    header: Option<HeaderName>,
}

impl Peers {
    /// Reads the settings `login.header` and `login.proxies`.
    ///
    /// # Errors
    /// [`Code::Config`] where there is no such header, or an address is none.
    pub(crate) fn new(header: &str, proxies: &str, is_tls: bool) -> Result<Self> {
        let fault = |place: &str, problem: String, next: &str| {
            firstline_fault::Error::from(UserError::new(Code::Config, place, problem, next))
        };
        let named = proxies.split(',').map(str::trim).filter(|text| !text.is_empty());
        let proxies = named
            .map(|text| {
                let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
                text.parse::<IpNet>().ok().or_else(one).ok_or_else(|| {
                    let next =
                        "Give addresses or networks, such as 10.0.0.5 or 10.0.0.0/24, separated by commas";
                    fault("login.proxies", format!("{text:?} is no address"), next)
                })
            })
            .collect::<Result<Vec<_>>>()?;
        if let Some(all) = proxies.iter().find(|proxy| proxy.prefix_len() == 0) {
            let next = "Name the proxies' own addresses";
            return Err(fault("login.proxies", format!("{all} is everybody"), next));
        }
        let header = header.trim();
        if !header.is_empty() && proxies.is_empty() {
            let next = "Name in login.proxies the proxy that sets it, or leave login.header empty";
            return Err(fault("login.header", "nobody is named who may send it".to_owned(), next));
        }
        let header = match header {
            "" => None,
            text => Some(HeaderName::try_from(text).map_err(|_| {
                let next = "Name one, such as X-Forwarded-User";
                fault("login.header", format!("{text:?} is no header"), next)
            })?),
        };
        Ok(Self { is_tls, proxies, header })
    }

    /// Whether `peer` is a proxy that the settings name.
    fn is_proxy(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.proxies.iter().any(|proxy| proxy.contains(&peer))
    }

    /// Whether nobody reads along between the browser, or its proxy, and this service.
    ///
    /// # Errors
    /// [`Code::Origin`] where somebody may.
    pub(crate) fn private(&self, parts: &Parts) -> std::result::Result<(), Problem> {
        let is_private = |peer: IpAddr| peer.to_canonical().is_loopback() || self.is_proxy(peer);
        if self.is_tls || peer(parts).is_some_and(is_private) {
            return Ok(());
        }
        let problem =
            "people sign in over TLS, from this machine, or through a proxy that login.proxies names";
        let next = "Open the service's address with https, or have its settings name the proxy";
        Err(Problem::new(Code::Origin, "the connection", problem, next))
    }

    /// Where a request comes from: the address that a named proxy gives, else the other end's.
    pub(crate) fn address(&self, parts: &Parts) -> Option<IpAddr> {
        let peer = peer(parts)?;
        if !self.is_proxy(peer) {
            return Some(peer);
        }
        let said = parts.headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|line| line.split(',')).collect();
        // Each proxy adds at the end whom it has heard; what stands before is the client's own word.
        let heard = said.into_iter().rev().map_while(heard);
        heard.into_iter().find(|address| !self.is_proxy(*address)).or(Some(peer))
    }

    /// The person whom a named proxy has let in; `None` where there is no proxy, or no such header.
    ///
    /// # Errors
    /// [`Code::Auth`] where the proxy names nobody clearly.
    pub(crate) fn person(&self, parts: &Parts) -> std::result::Result<Option<String>, Problem> {
        let Some(header) = &self.header else { return Ok(None) };
        if !peer(parts).is_some_and(|peer| self.is_proxy(peer)) {
            return Ok(None);
        }
        one(&parts.headers, header)
    }
}

/// An address as proxies write it, some with its port.
fn heard(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

fn one(headers: &HeaderMap, header: &HeaderName) -> std::result::Result<Option<String>, Problem> {
    let text =
        |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(|text| text.trim().to_owned());
    let mut all = headers.get_all(header).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match text(value) {
            Some(name) if name.is_empty() => Ok(None),
            Some(name) => Ok(Some(name)),
            None => Err(unclear(header, "it is no text")),
        },
        (Some(_), Some(_)) => Err(unclear(header, "it is there twice")),
    }
}

fn unclear(header: &HeaderName, problem: &str) -> Problem {
    let next = "Have the proxy remove what its clients send, and set it once";
    Problem::new(Code::Auth, header.as_str(), problem, next)
}

/// The other end of the connection.
fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Arc<Slot>>().map(|slot| slot.peer())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::Connections;

    fn peers(header: &str, proxies: &str) -> Result<Peers> {
        Peers::new(header, proxies, false)
    }

    fn request(from: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = axum::http::Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let open = Connections::new(8).open(from.parse().unwrap()).unwrap();
        request.extensions_mut().insert(Arc::clone(&open.slot));
        request.into_parts().0
    }

    #[test]
    fn a_person_is_named_by_a_named_proxy_alone() {
        let peers = peers("X-Forwarded-User", "10.0.0.5/32, 10.1.0.0/16, 2001:db8::7").unwrap();
        let user = ("x-forwarded-user", " ada ");
        let named = |from: &str| peers.person(&request(from, &[user])).unwrap();
        for proxy in ["10.0.0.5", "10.1.200.3", "2001:db8::7", "::ffff:10.0.0.5"] {
            assert_eq!(named(proxy).as_deref(), Some("ada"), "{proxy}");
        }
        for other in ["10.0.0.6", "127.0.0.1", "10.2.0.1", "2001:db8::8", "::1"] {
            assert_eq!(named(other), None, "{other}");
        }
        assert_eq!(peers.person(&request("10.0.0.5", &[])).unwrap(), None);
        assert_eq!(peers.person(&request("10.0.0.5", &[("x-forwarded-user", "  ")])).unwrap(), None);
        let twice = peers.person(&request("10.0.0.5", &[user, ("x-forwarded-user", "eve")])).unwrap_err();
        assert_eq!(twice.code, "E_AUTH");
        // Nobody who is not asked for it.
        let off = self::peers("", "10.0.0.5").unwrap();
        assert_eq!(off.person(&request("10.0.0.5", &[user])).unwrap(), None);
    }

    #[test]
    fn where_a_request_comes_from_is_said_by_a_named_proxy_alone() {
        let peers = peers("", "10.0.0.0/24").unwrap();
        let address = |from: &str, said: &[&str]| {
            let headers: Vec<_> = said.iter().map(|text| ("x-forwarded-for", *text)).collect();
            peers.address(&request(from, &headers)).unwrap().to_string()
        };
        assert_eq!(address("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(address("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        // What the client itself has sent stands before what the proxies have.
        assert_eq!(address("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["nonsense"]), "10.0.0.1");
    }

    #[test]
    fn people_sign_in_where_nobody_reads_along() {
        let plain = peers("", "10.0.0.5").unwrap();
        let private = |peers: &Peers, from: &str| peers.private(&request(from, &[])).is_ok();
        for from in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.5"] {
            assert!(private(&plain, from), "{from}");
        }
        assert!(!private(&plain, "10.0.0.6"));
        let tls = Peers { is_tls: true, ..plain };
        assert!(private(&tls, "10.0.0.6"));
    }

    #[test]
    fn a_header_needs_somebody_who_may_send_it() {
        for (header, proxies, place) in [
            ("X-User", "", "login.header"),
            ("X User", "10.0.0.5", "login.header"),
            ("", "10.0.0.500", "login.proxies"),
            ("", "10.0.0.0/33", "login.proxies"),
            ("", "proxy.example", "login.proxies"),
        ] {
            assert!(
                peers(header, proxies).unwrap_err().to_string().contains(place),
                "{header:?} {proxies:?}"
            );
        }
    }
}
