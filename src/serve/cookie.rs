//! The cookie that carries a session's token.
//!
//! `__Host-` has browsers keep it to this very host, over TLS or on this machine, for the whole site. Must never be set without Secure
//! and HttpOnly.

use axum::http::{HeaderMap, HeaderValue, header};
use firstline_fault::{InternalError, Result};

const NAME: &str = "__Host-fl";
/// Follows a link from elsewhere, such as the PSA; never sent with another site's form.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The token of a request, where it has the form of one.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, _)| *name == NAME)?;
    (token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit())).then_some(token)
}

/// Sets the cookie for so many hours.
pub(crate) fn set(token: &str, hours: i64) -> Result<HeaderValue> {
    let text = format!("{NAME}={token}; {ATTRIBUTES}; Max-Age={}", hours * 3_600);
    let mut value =
        HeaderValue::try_from(text).map_err(|_| InternalError::new("a token that fits no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Takes the cookie away.
pub(crate) fn gone() -> HeaderValue {
    HeaderValue::from_static("__Host-fl=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn a_token_is_found_among_other_cookies_and_nothing_else_is_one() {
        let hex = "0a".repeat(32);
        let ours = format!("__Host-fl={hex}");
        assert_eq!(of(&[&ours]).as_ref(), Some(&hex));
        assert_eq!(of(&["a=b; c", &format!("x=1;{ours};y=2")]).as_ref(), Some(&hex));
        for odd in
            ["", "__Host-fl=", "__Host-fl=zz", "fl=1", &ours.replace("Host", "host"), &format!("{ours}0")]
        {
            assert_eq!(of(&[odd]), None, "{odd}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_other_hosts_and_plain_lines() {
        let hex = "0a".repeat(32);
        let set = set(&hex, 168).unwrap();
        assert_eq!(
            set.to_str().unwrap(),
            format!("__Host-fl={hex}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=604800")
        );
        assert!(set.is_sensitive());
        assert!(gone().to_str().unwrap().ends_with(&format!("{ATTRIBUTES}; Max-Age=0")));
    }
}
