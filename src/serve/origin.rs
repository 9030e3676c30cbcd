//! Whether a request that changes something was sent by a page of ours: a browser sends its cookies for other sites' pages, too.
//!
//! Browsers say where a request comes from, in Sec-Fetch-Site or in Origin, and no page can make them say something else. Must never let
//! a request pass of which neither says that it is ours.

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use firstline_fault::Code;

use crate::problem::Problem;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Whether a request that is made in a person's name, without a key, may do what it asks for.
///
/// # Errors
/// [`Code::Origin`] where another site may have sent it.
pub(crate) fn check(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if [Method::GET, Method::HEAD].contains(method) || is_ours(headers) {
        return Ok(());
    }
    let next = "Send it from a page of this service; programs send an API key: Authorization: Bearer fl_...";
    Err(Problem::new(Code::Origin, "the request", "nothing says that a page of this service sent it", next))
}

fn is_ours(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    match (sites.next(), sites.next()) {
        (Some(site), None) => site == "same-origin" || site == "none",
        (Some(_), Some(_)) => false,
        // Browsers from before 2023.
        (None, _) => is_host(headers).unwrap_or(false),
    }
}

/// Whether the origin is the host that was asked.
fn is_host(headers: &HeaderMap) -> Option<bool> {
    let text = |name| {
        let mut all = headers.get_all(name).iter().map(HeaderValue::to_str);
        all.next().and_then(Result::ok).filter(|_| all.next().is_none())
    };
    let origin: Uri = text(header::ORIGIN)?.parse().ok()?;
    let (origin, host) = (origin.authority()?, text(header::HOST)?);
    Some(origin.as_str().eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(method: &Method, sent: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        check(method, &headers).is_ok()
    }

    #[test]
    fn only_a_page_of_ours_changes_anything() {
        let host = ("host", "desk.example:8484");
        let origin = |of: &'static str| ("origin", of);
        let site = |of: &'static str| ("sec-fetch-site", of);
        let table: [(&[(&str, &str)], bool); 16] = [
            (&[host, site("same-origin")], true),
            (&[host, site("none")], true),
            (&[host, site("same-site")], false),
            (&[host, site("cross-site")], false),
            (&[host, site("Same-Origin")], false),
            (&[host, site("")], false),
            (&[host, site("same-origin"), site("cross-site")], false),
            // What the browser says of the site goes before the origin.
            (&[host, site("cross-site"), origin("https://desk.example:8484")], false),
            (&[host, site("same-origin"), origin("https://evil.example")], true),
            (&[host, origin("https://desk.example:8484")], true),
            (&[host, origin("https://DESK.example:8484")], true),
            (&[host, origin("https://desk.example")], false),
            (&[host, origin("https://evil.example")], false),
            (&[host, origin("null")], false),
            (&[origin("https://desk.example:8484")], false),
            (&[host], false),
        ];
        for (sent, due) in table {
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
                assert_eq!(passes(&method, sent), due, "{sent:?}");
            }
            assert!(passes(&Method::GET, sent) && passes(&Method::HEAD, sent), "nothing is done by a GET");
        }
    }

    #[test]
    fn the_refusal_has_a_code_and_a_next_step() {
        let refused = check(&Method::POST, &HeaderMap::new()).unwrap_err();
        assert_eq!((refused.status, refused.code), (403, "E_ORIGIN"));
        assert!(refused.detail.contains("Bearer"), "{}", refused.detail);
    }
}
