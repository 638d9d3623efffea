//! Files over HTTP and HTTPS.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName,
    IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{Certificate, Client, Proxy, Response, StatusCode, redirect};
use url::Url;

use super::{Failure, Reply, Rest, Transport, Validator};
use crate::fetch::error::{Foreign, RefusedRedirect, SetupError, TransferError};
use crate::fetch::upstream::redacted;

const MOST_REDIRECTS: usize = 10;

/// How servers are spoken to.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Files with PEM certificates of authorities that are trusted besides those of the system.
    pub ca_certificates: Vec<PathBuf>,
    /// Who stands between.
    pub proxies: Proxies,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest silence of a connected server. There is no limit on the whole: a slow line is no error.
    pub read_timeout: Duration,
    /// How often a failed transfer is tried again.
    pub retries: usize,
    /// The wait before the first retry; it doubles with each one, and up to as much again is added at random.
    pub first_wait: Duration,
    /// The longest wait before a retry, whatever the server asks for in `Retry-After`.
    pub longest_wait: Duration,
    /// How many files are fetched at once.
    pub concurrency: usize,
    /// The `User-Agent`.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_certificates: Vec::new(),
            proxies: Proxies::System,
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(60),
            retries: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            concurrency: 4,
            user_agent: concat!("kubepkg/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Which proxies are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxies {
    /// Those of the system: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    #[default]
    System,
    /// None.
    Direct,
    /// This one for everything.
    Only(Url),
}

/// An HTTP client.
#[derive(Debug)]
pub(in crate::fetch) struct Http(Client);

impl Http {
    pub(in crate::fetch) fn new(options: &HttpOptions) -> Result<Self, SetupError> {
        let client = |error: reqwest::Error| SetupError::Client(Arc::new(error.without_url()));
        let builder = Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .referer(false)
            .retry(reqwest::retry::never())
            .redirect(redirect::Policy::custom(follow))
            .tls_certs_merge(authorities(&options.ca_certificates)?);
        let builder = match &options.proxies {
            Proxies::System => builder,
            Proxies::Direct => builder.no_proxy(),
            Proxies::Only(url) => builder.proxy(Proxy::all(url.clone()).map_err(client)?),
        };
        builder.build().map(Self).map_err(client)
    }

    async fn send(&self, location: &Url, rest: Option<&Rest>) -> Result<Reply, Failure> {
        let mut request = self.0.get(location.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(rest) = rest {
            request = request.header(RANGE, format!("bytes={}-", rest.start)).header(IF_RANGE, rest.validator.as_str());
        }
        let response = request.send().await.map_err(failure)?;
        let (start, total) = match (response.status(), rest) {
            (StatusCode::OK, _) => (0, response.content_length()),
            (StatusCode::PARTIAL_CONTENT, Some(rest)) => (rest.start, Some(continued(response.headers(), rest)?)),
            (status, _) => return Err(refusal(status, rest, response.headers())),
        };
        let coding =
            text(response.headers(), &CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity"));
        if let Some(coding) = coding {
            return Err(Failure::Final(TransferError::ContentCoding(coding.escape_default().to_string())));
        }
        Ok(Reply { start, total, validator: validator(response.headers()), body: body(response) })
    }

    async fn head(&self, location: &Url) -> Result<Option<u64>, Failure> {
        let request = self.0.head(location.clone()).header(ACCEPT_ENCODING, "identity");
        let response = request.send().await.map_err(failure)?;
        match response.status() {
            StatusCode::OK => Ok(text(response.headers(), &CONTENT_LENGTH).and_then(|size| size.trim().parse().ok())),
            // Some servers know nothing but GET.
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(None),
            status => Err(refusal(status, None, response.headers())),
        }
    }
}

impl Transport for Http {
    fn get<'a>(&'a self, location: &'a Url, rest: Option<&'a Rest>) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(self.send(location, rest))
    }

    fn size<'a>(&'a self, location: &'a Url) -> BoxFuture<'a, Result<Option<u64>, Failure>> {
        Box::pin(self.head(location))
    }
}

fn body(response: Response) -> futures_util::stream::BoxStream<'static, Result<Vec<u8>, Failure>> {
    response.bytes_stream().map(|chunk| chunk.map(Vec::from).map_err(failure)).boxed()
}

fn authorities(files: &[PathBuf]) -> Result<Vec<Certificate>, SetupError> {
    let mut all = Vec::new();
    for path in files {
        let bad = |source: Foreign| SetupError::CertificateAuthority { path: path.clone(), source };
        let pem = fs_err::read(path).map_err(|error| bad(Arc::new(error)))?;
        let found = Certificate::from_pem_bundle(&pem).map_err(|error| bad(Arc::new(error)))?;
        if found.is_empty() {
            return Err(bad(Arc::new(io::Error::new(io::ErrorKind::InvalidData, "there is no PEM certificate in it"))));
        }
        all.extend(found);
    }
    Ok(all)
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let (next, previous) = (attempt.url(), attempt.previous());
    let refused = if previous.contains(next) {
        RefusedRedirect::Circle(redacted(next))
    } else if previous.len() > MOST_REDIRECTS {
        RefusedRedirect::TooMany(MOST_REDIRECTS)
    } else if next.scheme() != "https" && previous.last().is_some_and(|url| url.scheme() == "https") {
        RefusedRedirect::Downgrade(redacted(next))
    } else {
        return attempt.follow();
    };
    attempt.error(refused)
}

/// What an answer means that brings no bytes.
fn refusal(status: StatusCode, rest: Option<&Rest>, headers: &HeaderMap) -> Failure {
    let cause = TransferError::Status(status);
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::Absent,
        StatusCode::RANGE_NOT_SATISFIABLE if rest.is_some() => Failure::Restart(cause),
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Failure::Again { cause, wait: retry_after(headers) },
        _ => Failure::Final(cause),
    }
}

/// Checks that a partial answer is the rest that was asked for, and returns the size of the whole file.
fn continued(headers: &HeaderMap, rest: &Rest) -> Result<u64, Failure> {
    let given = text(headers, &CONTENT_RANGE).unwrap_or_default();
    let wrong = |given: &str| {
        Failure::Restart(TransferError::WrongPart {
            given: given.escape_default().to_string(),
            wanted: format!("bytes {}-, {}", rest.start, rest.validator.as_str()),
        })
    };
    let now = match &rest.validator {
        Validator::Etag(_) => text(headers, &ETAG),
        Validator::LastModified(_) => text(headers, &LAST_MODIFIED),
    };
    if let Some(now) = now.filter(|now| *now != rest.validator.as_str()) {
        return Err(wrong(now));
    }
    content_range(given).filter(|range| range.start == rest.start).map(|range| range.end).ok_or_else(|| wrong(given))
}

/// Reads `bytes FIRST-LAST/TOTAL` (RFC 9110, 14.4) of a range that goes to the end of the file.
fn content_range(value: &str) -> Option<std::ops::Range<u64>> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    (first <= last && last.checked_add(1) == Some(total)).then_some(first..total)
}

/// What allows to ask for the rest: `If-Range` takes no weak entity tag (RFC 9110, 13.1.5).
fn validator(headers: &HeaderMap) -> Option<Validator> {
    if text(headers, &ACCEPT_RANGES).is_some_and(|value| value.eq_ignore_ascii_case("none")) {
        return None;
    }
    let etag = text(headers, &ETAG).filter(|tag| tag.starts_with('"')).map(|tag| Validator::Etag(tag.to_owned()));
    etag.or_else(|| text(headers, &LAST_MODIFIED).map(|date| Validator::LastModified(date.to_owned())))
}

/// Reads `Retry-After` in seconds or as a date, which is measured against the server's own `Date`: no clock is asked.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let then = parser.parse_timestamp(value).ok()?;
    let now = parser.parse_timestamp(text(headers, &DATE)?).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What an error of the client means for the next try.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if let Some(refused) = find::<RefusedRedirect>(&error) {
        return Failure::Final(TransferError::Redirect(refused.clone()));
    }
    let is_certificate = |tls: &rustls::Error| matches!(tls, rustls::Error::InvalidCertificate(_));
    let is_tls = find::<rustls::Error>(&error).is_some_and(|tls| error.is_connect() || is_certificate(tls));
    let (is_timeout, is_request) = (error.is_timeout(), error.is_builder() || error.is_redirect());
    let error: Foreign = Arc::new(error);
    if is_timeout {
        Failure::Again { cause: TransferError::TimedOut(error), wait: None }
    } else if is_tls {
        Failure::Final(TransferError::Tls(error))
    } else if is_request {
        Failure::Final(TransferError::Request(error))
    } else {
        Failure::Again { cause: TransferError::Connection(error), wait: None }
    }
}

/// Finds an error of type `E` among the causes, also inside an [`io::Error`], which does not show what it wraps.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.and_then(|inner| find::<E>(inner)).or_else(|| error.source().and_then(find::<E>))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let date = (&DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        let wait = |pairs: &[(&HeaderName, &str)]| retry_after(&headers(pairs)).map(|wait| wait.as_secs());
        assert_eq!(wait(&[(&RETRY_AFTER, "120")]), Some(120));
        assert_eq!(wait(&[(&RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT"), date]), Some(120));
        assert_eq!(wait(&[(&RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT"), date]), Some(0));
        assert_eq!(wait(&[(&RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT")]), None);
        assert_eq!(wait(&[(&RETRY_AFTER, "soon"), date]), None);
    }

    #[test]
    fn only_strong_validators_allow_to_resume() {
        let of = |pairs: &[(&HeaderName, &str)]| validator(&headers(pairs)).map(|found| found.as_str().to_owned());
        let date = (&LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(of(&[(&ETAG, "\"a\""), date]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[(&ETAG, "W/\"a\""), date]).as_deref(), Some(date.1));
        assert_eq!(of(&[(&ETAG, "W/\"a\"")]), None);
        assert_eq!(of(&[(&ETAG, "\"a\""), (&ACCEPT_RANGES, "none")]), None);
    }

    #[test]
    fn content_ranges_must_reach_the_end() {
        assert_eq!(content_range("bytes 5-9/10"), Some(5..10));
        for bad in [
            "bytes 5-8/10",
            "bytes 5-9/*",
            "bytes 9-5/6",
            "bytes */10",
            "items 5-9/10",
            "bytes 0-18446744073709551615/0",
            "",
        ] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
