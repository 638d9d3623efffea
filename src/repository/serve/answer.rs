//! From a request to an answer.

use std::time::{Duration, SystemTime};

use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_staticfile::util::FileResponseBuilder;
use hyper_staticfile::{Body as Stream, ResolvedFile};
use percent_encoding::percent_decode_str;

use crate::repository::store::media::{cache_control, content_type};
use crate::repository::store::{Key, Opened, Pieces, Reading, STATE, Store};

/// The body of an answer.
pub(super) type Answer = Response<Either<Stream<Pieces>, Full<Bytes>>>;

/// What is served for a folder.
const INDEX: &str = "index.html";
/// HTTP's times have whole seconds: within one, a file can change twice.
const SECOND: Duration = Duration::from_secs(1);

/// Answers a request at the time `now`.
pub(super) async fn answer<B: Body>(store: &Store, request: &Request<B>, now: SystemTime) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "this server is for reading");
        set(&mut refused, header::ALLOW, "GET, HEAD");
        return refused;
    }
    let path = request.uri().path();
    let Some(key) = key(path) else { return missing() };
    match store.open(&key).await {
        Ok(Opened::Object(reading)) => object(request, &key, reading, now),
        Ok(Opened::Folder) if !path.ends_with('/') => elsewhere(path),
        // A bucket has no folders, but people ask for them.
        Ok(Opened::Nothing) if !path.ends_with('/') => match below(&key, INDEX) {
            Some(index) if matches!(store.open(&index).await, Ok(Opened::Object(_))) => elsewhere(path),
            _ => missing(),
        },
        Ok(_) => missing(),
        Err(_) => plain(StatusCode::BAD_GATEWAY, "the store does not answer as it should"),
    }
}

/// Returns the name that a path stands for; none if it can be no name, or is not for clients.
fn key(path: &str) -> Option<Key> {
    let path = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    let key: Key = match path.strip_suffix('/') {
        Some(folder) => below(&folder.parse().ok()?, INDEX)?,
        None if path.is_empty() => INDEX.parse().ok()?,
        None => path.parse().ok()?,
    };
    // Unfinished files lie in hidden folders inside the state, and what else is hidden is not the repository's.
    let rest = key.as_str().strip_prefix(STATE).and_then(|rest| rest.strip_prefix('/')).unwrap_or(key.as_str());
    let is_hidden = rest.split('/').any(|part| part.starts_with('.'));
    (!is_hidden).then_some(key)
}

fn below(folder: &Key, name: &str) -> Option<Key> {
    format!("{folder}/{name}").parse().ok()
}

fn object<B>(request: &Request<B>, key: &Key, reading: Reading, now: SystemTime) -> Answer {
    let size = reading.size;
    let mut builder = FileResponseBuilder::new();
    builder.request(request);
    let conditions = request.headers().get(header::IF_NONE_MATCH);
    let is_settled = reading.modified.is_none_or(|modified| is_settled(modified, now));
    if conditions.is_some() || !is_settled {
        // RFC 9110, 13.1.3: the finer condition is the one that counts. Two states of one second have one time.
        builder.if_modified_since(None);
    }
    // RFC 9110, 14.2: a server may ignore ranges, and many in one request serve nobody.
    builder.range = builder.range.filter(|range| !range.contains(','));
    let file = ResolvedFile {
        handle: reading.bytes,
        path: key.as_str().into(),
        size,
        modified: reading.modified.map(|modified| settled(modified, now)),
        content_type: None,
        encoding: None,
    };
    let Ok(mut answer) = builder.build(file) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "no answer");
    };
    if is_known(answer.headers(), conditions) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.body_mut() = Stream::Empty;
        for name in [header::CONTENT_LENGTH, header::CONTENT_RANGE] {
            answer.headers_mut().remove(name);
        }
    }
    let mut answer = answer.map(Either::Left);
    set(&mut answer, header::CACHE_CONTROL, cache_control(key.as_str()));
    match answer.status() {
        StatusCode::NOT_MODIFIED => {}
        StatusCode::RANGE_NOT_SATISFIABLE => {
            *answer.body_mut() = Either::Right(Full::default());
            set(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
        }
        _ => set(&mut answer, header::CONTENT_TYPE, content_type(key.as_str())),
    }
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// The time of a last change that a client may ask by. A file that changed in this very second may change once more in
/// it, and a client that has the first of the two would never hear of the second.
fn settled(modified: SystemTime, now: SystemTime) -> SystemTime {
    if is_settled(modified, now) { modified } else { modified.checked_sub(SECOND).unwrap_or(modified) }
}

fn is_settled(modified: SystemTime, now: SystemTime) -> bool {
    now.duration_since(modified).is_ok_and(|age| age > SECOND)
}

/// Whether the client has what would be sent (RFC 9110, 13.1.2: tags are compared weakly).
fn is_known(headers: &HeaderMap, conditions: Option<&HeaderValue>) -> bool {
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let (Some(tag), Some(wanted)) = (tag, conditions.and_then(|wanted| wanted.to_str().ok())) else { return false };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    wanted.split(',').any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

fn missing() -> Answer {
    plain(StatusCode::NOT_FOUND, "there is nothing of this name")
}

/// A folder without the slash, in which no relative link would be right.
fn elsewhere(path: &str) -> Answer {
    let mut answer = plain(StatusCode::MOVED_PERMANENTLY, "a folder");
    set(&mut answer, header::LOCATION, &format!("{path}/"));
    answer
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from(format!("{text}\n")))));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_names_or_nothing() {
        for (path, expected) in [
            ("/", "index.html"),
            ("/core:/stable:/v1.36/deb/", "core:/stable:/v1.36/deb/index.html"),
            ("/core%3A/stable%3a/v1.36/deb/InRelease", "core:/stable:/v1.36/deb/InRelease"),
            (
                "/pool/main/k/kubelet/kubelet_1.37.0%7erc.0-1.1_amd64.deb",
                "pool/main/k/kubelet/kubelet_1.37.0~rc.0-1.1_amd64.deb",
            ),
            ("/.kubepkg/repository.json", ".kubepkg/repository.json"),
        ] {
            assert_eq!(key(path).unwrap().as_str(), expected);
        }
        for path in [
            "",
            "*",
            "//example.org",
            "/../etc/passwd",
            "/a/../../b",
            "/%2e%2e/etc/passwd",
            "/a/%2e%2e%2fb",
            "/%2fetc/passwd",
            "/a//b",
            "/./a",
            "/a%00b",
            "/%ff",
            "/.git/config",
            "/.kubepkg",
            "/.kubepkg-x/half.deb",
            "/.kubepkg/.kubepkg-aB3/0",
            "/pool/.hidden",
        ] {
            assert_eq!(key(path), None, "{path}");
        }
    }

    #[test]
    fn a_file_of_this_second_is_asked_for_again() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_900);
        assert_eq!(settled(now - 3 * SECOND, now), now - 3 * SECOND);
        assert_eq!(settled(now - SECOND / 2, now), now - SECOND * 3 / 2);
        assert_eq!(settled(now + SECOND, now), now);
    }
}
