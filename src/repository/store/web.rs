//! A store that a web server shows: it is read, and never written.

use tempfile::NamedTempFile;
use url::Url;

use super::error::Cause;
use super::{Key, Object, StoreOptions, Tag};
use crate::fetch::{SetupError, Web};

/// Bytes that a file may have whose size the server does not tell.
const LIMIT: u64 = 16 << 30;

#[derive(Debug)]
pub(super) struct WebFolder {
    web: Web,
    base: Url,
}

impl WebFolder {
    pub(super) fn new(base: &Url, options: &StoreOptions) -> Result<Self, SetupError> {
        Ok(Self { web: Web::new(&options.http)?, base: base.clone() })
    }

    pub(super) async fn get(&self, key: &Key, limit: u64) -> Result<Option<Object>, Cause> {
        let bytes = self.web.bytes(&url_below(&self.base, key), limit).await?;
        Ok(bytes.map(|bytes| Object { tag: Tag::content(&bytes), bytes }))
    }

    pub(super) async fn file(&self, key: &Key, limit: u64) -> Result<Option<NamedTempFile>, Cause> {
        Ok(self.web.file(&url_below(&self.base, key), limit).await?)
    }

    pub(super) async fn size(&self, key: &Key) -> Result<Option<u64>, Cause> {
        Ok(self.web.size(&url_below(&self.base, key), LIMIT).await?)
    }
}

/// Returns the address of an object. A plus sign is a blank to some servers (S3), unless it is escaped.
pub fn url_below(base: &Url, key: &Key) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), key.as_str().replace('+', "%2B")));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_addresses_below_the_base() {
        let of = |base: &str, key: &str| url_below(&base.parse().unwrap(), &key.parse().unwrap()).to_string();
        assert_eq!(
            of("https://h/r/", "core:/stable:/v1.36/deb/a_1.0~rc.1+x.deb"),
            "https://h/r/core:/stable:/v1.36/deb/a_1.0~rc.1%2Bx.deb"
        );
        assert_eq!(of("http://h", "key.asc"), "http://h/key.asc");
        assert_eq!(of("http://h/a%20b", "x#y"), "http://h/a%20b/x%23y");
    }
}
