//! What a form or a query says: names and values, within bounds.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use firstline_fault::Code;

use crate::body;
use crate::memory::Held;
use crate::problem::Problem;
use std::sync::Arc;

use crate::shared::Shared;

/// Values of a form.
const MOST_VALUES: usize = 400;
/// Bytes of a form.
const MOST_BYTES: usize = 1 << 20;
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// Names with their values, as they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body.
    pub(super) fn read(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).take(MOST_VALUES);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// The first value of this name; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// All values of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box of this name was ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// The draft's version that the page was made of.
    pub(super) fn version(&self) -> Result<i64, Problem> {
        self.get("version").parse().map_err(|_| {
            let next = "Open the ticket again";
            Problem::new(Code::Request, "version", "the form does not say which draft was seen", next)
        })
    }
}

impl FromRequest<Arc<Shared>> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Shared>) -> Result<Self, Problem> {
        let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = media
            .is_some_and(|media| media.split(';').next().is_some_and(|media| media.trim() == MEDIA_TYPE));
        let has_body = !axum::body::HttpBody::is_end_stream(request.body());
        if has_body && !is_form {
            let problem = format!("it is no form: its media type is not {MEDIA_TYPE}");
            return Err(Problem::new(Code::Request, "the body", problem, "Send the page's form"));
        }
        let held = Held::current().ok_or_else(|| Problem::internal("a form outside of a request"))?;
        Ok(Self::read(&body::read(request.into_body(), MOST_BYTES, &held).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_within_bounds() {
        let form = Form::read(b"a=1&b=x+y%0D%0Az&a=2&empty=");
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), ("1", "x y\nz", ""));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(form.is_ticked("a") && !form.is_ticked("empty") && form.version().is_err());
        assert_eq!(Form::read(b"version=3").version().unwrap(), 3);
        assert_eq!(Form::read("a=1&".repeat(9_999).as_bytes()).0.len(), MOST_VALUES);
    }
}
