//! Sends back the cookies that a server sets: some keep a session by them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::Channel;

/// Cookies that are kept at most.
const MOST: usize = 32;

/// A channel that keeps cookies; its clones share them.
#[derive(Debug, Clone)]
pub(super) struct CookieChannel {
    channel: Channel,
    jar: Jar,
}

/// Name and value of each cookie.
#[derive(Debug, Clone, Default)]
struct Jar(Arc<Mutex<BTreeMap<String, String>>>);

impl CookieChannel {
    /// A channel without cookies as yet.
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, jar: Jar::default() }
    }
}

impl Service<Request<Body>> for CookieChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(cookies) = self.jar.header() {
            request.headers_mut().insert(COOKIE, cookies);
        }
        let jar = self.jar.clone();
        let response = self.channel.call(request);
        Box::pin(async move {
            let response = response.await?;
            jar.keep(response.headers());
            Ok(response)
        })
    }
}

impl Jar {
    fn header(&self) -> Option<HeaderValue> {
        let cookies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() {
            return None;
        }
        let mut header = HeaderValue::try_from(pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn keep(&self, headers: &HeaderMap) {
        let mut cookies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for header in headers.get_all(SET_COOKIE) {
            let Some((pair, attributes)) = header.to_str().ok().map(|text| text.split_once(';').unwrap_or((text, "")))
            else {
                continue;
            };
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            let is_over = attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
            if is_over || value.is_empty() {
                cookies.remove(name);
            } else if cookies.len() < MOST || cookies.contains_key(name) {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use super::*;

    fn check(answers: &[&str], sent: Option<&str>) {
        let jar = Jar::default();
        for answer in answers {
            let mut headers = HeaderMap::new();
            headers.append(SET_COOKIE, answer.parse().unwrap());
            jar.keep(&headers);
        }
        assert_eq!(jar.header().as_ref().map(|header| header.to_str().unwrap()), sent);
    }

    #[test]
    fn a_cookie_is_sent_back_until_the_server_ends_it() {
        check(&[], None);
        check(&["s=abc; Path=/; HttpOnly"], Some("s=abc"));
        check(&["s=abc", "t=1", "s=def"], Some("s=def; t=1"));
        check(&["s=abc", "s=abc; Max-Age=0"], None);
        check(&["nonsense"], None);
    }
}
