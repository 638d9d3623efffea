//! A store in a bucket: S3, and what speaks its language; Google Cloud Storage; Azure Blob Storage.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use object_store::aws::{AmazonS3Builder, Checksum, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::HttpError;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, Error, GetOptions, GetResult, ObjectStore,
    ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig, UpdateVersion,
};
use tempfile::NamedTempFile;
use url::Url;

use super::error::Cause;
use super::media::{cache_control, content_type};
use super::{Content, Key, Listed, Object, StoreOptions, Swap, Tag};

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// Before so much time has passed since the first try, another one is made. Credentials live longer.
const KEEP_TRYING: Duration = Duration::from_secs(180);
/// The wait before a write is tried again; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    retries: usize,
}

/// An object in a bucket, as it was when it was looked at.
pub(super) struct Remote {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    pub(super) size: u64,
    pub(super) e_tag: Option<String>,
    pub(super) modified: std::time::SystemTime,
}

impl Bucket {
    /// Sets everything up but asks nothing.
    pub(super) fn new(url: &Url, options: &StoreOptions) -> Result<Self, Cause> {
        let unfit = |error: Error| Cause::Unavailable(reason(&error));
        let settings = Settings::new(&options.environment);
        let retry =
            RetryConfig { max_retries: options.retries, retry_timeout: KEEP_TRYING, backoff: BackoffConfig::default() };
        let client = ClientOptions::new()
            .with_user_agent(USER_AGENT)
            .with_connect_timeout(CONNECT)
            .with_timeout(options.timeout)
            .with_allow_http(settings.names_plain_http());
        let store: Arc<dyn ObjectStore> = match url.scheme() {
            "gs" => {
                let builder = GoogleCloudStorageBuilder::new().with_client_options(client).with_retry(retry);
                let builder = settings.with("google_").fold(builder, |builder, (key, value)| match key.parse() {
                    Ok(key) => builder.with_config(key, value),
                    Err(_) => builder,
                });
                Arc::new(builder.with_url(url.as_str()).build().map_err(unfit)?)
            }
            "az" => {
                let builder = MicrosoftAzureBuilder::new().with_client_options(client).with_retry(retry);
                let builder = settings.with("azure_").fold(builder, |builder, (key, value)| match key.parse() {
                    Ok(key) => builder.with_config(key, value),
                    Err(_) => builder,
                });
                Arc::new(builder.with_url(url.as_str()).build().map_err(unfit)?)
            }
            _ => {
                let builder = AmazonS3Builder::new().with_client_options(client).with_retry(retry);
                let builder = settings.with("aws_").fold(builder, |builder, (key, value)| match key.parse() {
                    Ok(key) => builder.with_config(key, value),
                    Err(_) => builder,
                });
                let builder = builder
                    .with_url(url.as_str())
                    .with_conditional_put(S3ConditionalPut::ETagMatch)
                    .with_checksum_algorithm(Checksum::SHA256);
                Arc::new(builder.build().map_err(unfit)?)
            }
        };
        let prefix = url.path().trim_matches('/').to_owned();
        Ok(Self { store, prefix, retries: options.retries })
    }

    pub(super) async fn get(&self, key: &Key, limit: u64) -> Result<Option<Object>, Cause> {
        let result = match self.store.get_opts(&self.path(key)?, GetOptions::default()).await {
            Ok(result) => result,
            Err(error) if is_no_object(&error) => return Ok(None),
            Err(error) => return Err(cause(error)),
        };
        let tag = Tag::version(result.meta.e_tag.clone(), result.meta.version.clone());
        let mut bytes = Vec::new();
        receive(result, limit, &mut bytes).await?;
        Ok(Some(Object { bytes, tag }))
    }

    /// Returns an object as a file.
    pub(super) async fn file(&self, key: &Key, limit: u64) -> Result<Option<NamedTempFile>, Cause> {
        let result = match self.store.get_opts(&self.path(key)?, GetOptions::default()).await {
            Ok(result) => result,
            Err(error) if is_no_object(&error) => return Ok(None),
            Err(error) => return Err(cause(error)),
        };
        let mut file = NamedTempFile::new()?;
        receive(result, limit, &mut file).await?;
        Ok(Some(file))
    }

    pub(super) async fn size(&self, key: &Key) -> Result<Option<u64>, Cause> {
        match self.store.head(&self.path(key)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(cause(error)),
        }
    }

    /// Returns what is needed to read an object piece by piece.
    pub(super) async fn remote(&self, key: &Key) -> Result<Option<Remote>, Cause> {
        let path = self.path(key)?;
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(Remote {
                store: Arc::clone(&self.store),
                path,
                size: meta.size,
                e_tag: meta.e_tag,
                modified: meta.last_modified.into(),
            })),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(cause(error)),
        }
    }

    pub(super) async fn tag(&self, key: &Key) -> Result<Option<Tag>, Cause> {
        match self.store.head(&self.path(key)?).await {
            Ok(meta) => Ok(Some(Tag::version(meta.e_tag, meta.version))),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(cause(error)),
        }
    }

    /// Returns whether the object is new.
    pub(super) async fn create(&self, key: &Key, content: &Content<'_>) -> Result<bool, Cause> {
        let payload = PutPayload::from(content.read()?);
        let size = payload.content_length() as u64;
        match self.put(key, payload.clone(), PutMode::Create).await {
            Ok(_) => Ok(true),
            // Somebody was first, or an answer was lost and this is a second try.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => match self.get(key, size).await {
                Ok(Some(there)) if payload.iter().flatten().eq(&there.bytes) => Ok(false),
                Ok(Some(_)) | Err(Cause::TooLarge(_)) => Err(Cause::OtherBytes),
                Ok(None) => {
                    Err(Cause::Unavailable("it says that the object is there, and does not have it".to_owned()))
                }
                Err(cause) => Err(cause),
            },
            Err(error) => Err(cause(error)),
        }
    }

    /// Copies inside the store.
    pub(super) async fn link(&self, from: &Key, to: &Key) -> Result<(), Cause> {
        self.store.copy(&self.path(from)?, &self.path(to)?).await.map_err(cause)
    }

    pub(super) async fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), Cause> {
        self.put(key, bytes.to_vec().into(), PutMode::Overwrite).await.map(drop).map_err(cause)
    }

    pub(super) async fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Tag>) -> Result<Swap, Cause> {
        let mode = match expected.map(Tag::as_version) {
            None => PutMode::Create,
            Some(Some((e_tag, version))) => PutMode::Update(UpdateVersion { e_tag, version }),
            Some(None) => return Ok(Swap::Lost),
        };
        match self.put(key, bytes.to_vec().into(), mode).await {
            Ok(result) => Ok(Swap::Done(Tag::version(result.e_tag, result.version))),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) => {
                // An answer may have been lost on the way, and this be a second try.
                match self.get(key, bytes.len() as u64).await {
                    Ok(Some(there)) if there.bytes == bytes => Ok(Swap::Done(there.tag)),
                    Ok(_) | Err(Cause::TooLarge(_)) => Ok(Swap::Lost),
                    Err(cause) => Err(cause),
                }
            }
            Err(error) => Err(cause(error)),
        }
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Cause> {
        let base = Path::parse(join(&self.prefix, prefix)).map_err(|error| Cause::Missing(error.to_string()))?;
        let mut found = Vec::new();
        let mut objects = self.store.list(Some(&base));
        while let Some(meta) = objects.next().await {
            let meta = meta.map_err(cause)?;
            let whole = meta.location.as_ref();
            let name = whole.strip_prefix(&self.prefix).unwrap_or(whole).trim_start_matches('/');
            // What is not ours to write is not ours to judge.
            if let Ok(key) = name.parse() {
                let modified = u64::try_from(meta.last_modified.timestamp()).unwrap_or_default();
                found.push(Listed { key, size: meta.size, modified });
            }
        }
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<(), Cause> {
        match self.store.delete(&self.path(key)?).await {
            Err(error) if !is_no_object(&error) => Err(cause(error)),
            _ => Ok(()),
        }
    }

    async fn put(&self, key: &Key, payload: PutPayload, mode: PutMode) -> Result<object_store::PutResult, Error> {
        let path = Path::parse(join(&self.prefix, key.as_str()))?;
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, content_type(key.as_str())),
            (Attribute::CacheControl, cache_control(key.as_str())),
        ]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        for tries in 0.. {
            match self.store.put_opts(&path, payload.clone(), options.clone()).await {
                // Nobody knows whether it was done, and the library does not try again. Whoever called looks at what is
                // there if it was.
                Err(error) if tries < self.retries && is_cut(&error) => {
                    tokio::time::sleep(
                        FIRST_WAIT * 2u32.saturating_pow(u32::try_from(tries).unwrap_or(u32::MAX).min(8)),
                    )
                    .await;
                }
                other => return other,
            }
        }
        unreachable!("tries end")
    }

    /// Parsed and not converted: a conversion would write `~` as `%7E`, and apt would not find a release candidate.
    fn path(&self, key: &Key) -> Result<Path, Cause> {
        Path::parse(join(&self.prefix, key.as_str())).map_err(|error| Cause::Missing(error.to_string()))
    }
}

/// Writes what a store sends, up to a limit.
async fn receive(result: GetResult, limit: u64, out: &mut impl Write) -> Result<(), Cause> {
    if result.meta.size > limit {
        return Err(Cause::TooLarge(limit));
    }
    let mut received = 0;
    let mut chunks = result.into_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(cause)?;
        received += chunk.len() as u64;
        if received > limit {
            return Err(Cause::TooLarge(limit));
        }
        out.write_all(&chunk)?;
    }
    Ok(())
}

const USER_AGENT: reqwest::header::HeaderValue =
    reqwest::header::HeaderValue::from_static(concat!("kubepkg/", env!("CARGO_PKG_VERSION")));

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}/{key}") }
}

/// What the environment says of stores: `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`,
/// `AZURE_STORAGE_ACCOUNT_NAME` and their like, in lower case as the builders know them.
struct Settings(BTreeMap<String, String>);

impl Settings {
    fn new(environment: &[(String, String)]) -> Self {
        Self(environment.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect())
    }

    fn with<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(move |(name, value)| name.starts_with(start) && !value.is_empty())
    }

    /// Whoever writes `http://` for an endpoint means it.
    fn names_plain_http(&self) -> bool {
        self.0.iter().any(|(name, value)| {
            ((name.contains("endpoint") || name.ends_with("base_url")) && value.starts_with("http://"))
                || (name.ends_with("_allow_http") && value == "true")
        })
    }
}

/// Whether the object is not there. A bucket that is not there answers likewise, but says so.
fn is_no_object(error: &Error) -> bool {
    let is_bucket = |said: String| ["NoSuchBucket", "ContainerNotFound"].iter().any(|code| said.contains(code));
    matches!(error, Error::NotFound { .. }) && !is_bucket(reason(error))
}

/// Whether the network failed, and not the store.
fn is_cut(error: &Error) -> bool {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if error.is::<HttpError>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[expect(clippy::needless_pass_by_value, reason = "an error ends here")]
fn cause(error: Error) -> Cause {
    let reason = reason(&error);
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Cause::Denied(reason),
        Error::NotFound { .. } => Cause::Missing(reason),
        _ => Cause::Unavailable(reason),
    }
}

/// What the store said, in one short line: the status, and the code and message of an error document. The rest of it may
/// repeat what was asked, and with it who asked.
fn reason(error: &Error) -> String {
    const SHOWN: usize = 300;
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text = source.to_string();
        next = source.source();
    }
    let said = text.split_once(" - ").map_or(text.as_str(), |(_, said)| said);
    let document = ["Code", "Message"].map(|name| element(said, name));
    let status = said.split(": <?xml").next().unwrap_or(said).split(": <Error").next().unwrap_or(said);
    let status = status.trim_start_matches("Server returned non-2xx status code: ").trim_end_matches([' ', ':']);
    let line = match document {
        [Some(code), Some(message)] => format!("{status}: {code}: {message}"),
        _ => status.to_owned(),
    };
    line.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}
