//! Where paths of an index lead.

use url::Url;

use crate::repository::layout;
use crate::repository::store::{Key, Location, Store, StoreError};

/// A repository in a store: its root, from which a client finds everything.
#[derive(Debug, Clone, Copy)]
pub struct Root<'a> {
    store: &'a Store,
    folder: &'a str,
    alias: Option<(&'a str, &'a str)>,
}

/// Where a file lies that somebody else wrote of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the store.
    Here(Key),
    /// Below another URL.
    Elsewhere(Url, Key),
}

impl<'a> Root<'a> {
    /// Takes a folder of a store, or all of it: then it is empty.
    pub fn new(store: &'a Store, folder: &'a str) -> Self {
        Self { store, folder, alias: None }
    }

    /// Takes what an index says to lie below a URL for what lies in a folder of the store.
    #[must_use]
    pub fn known_as(self, url: &'a str, folder: &'a str) -> Self {
        Self { alias: Some((url, folder)), ..self }
    }

    /// Returns the store.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// Returns where a path lies that somebody else wrote; none if it leads elsewhere or means several things.
    pub(super) fn foreign(&self, path: &str) -> Option<Key> {
        self.join(plain(path)?).parse().ok()
    }

    /// Returns where a path lies that counts from a URL (`xml:base`); none if it means several things, or if the URL is not
    /// that of a web server.
    pub(super) fn below_base(&self, base: &str, path: &str) -> Option<Place> {
        let path = plain(path)?;
        let base = address(base)?;
        let own = match self.store.location() {
            Location::Web(url) => Some((url.as_str(), "")),
            Location::Folder(_) | Location::Bucket(_) => None,
        };
        for (url, folder) in self.alias.into_iter().chain(own) {
            let Some(rest) = address(url).and_then(|url| base.as_str().strip_prefix(url.as_str())) else { continue };
            let inside = format!("{}{path}", plain(rest)?);
            return Self { folder, ..*self }.join(&inside).parse().ok().map(Place::Here);
        }
        Some(Place::Elsewhere(base, path.parse().ok()?))
    }

    /// Returns where a path of ours lies.
    pub(super) fn key(&self, path: &str) -> Key {
        layout::key(&self.join(path))
    }

    pub(super) fn join(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }

    pub(super) fn get(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.store.get(&self.key(path), limit)?.map(|object| object.bytes))
    }
}

/// Returns a path that means one thing.
fn plain(path: &str) -> Option<&str> {
    // `dpkg-scanpackages .` writes it so.
    let path = path.strip_prefix("./").unwrap_or(path);
    (path.len() <= 1024 && !path.contains(['#', '%', '\\'])).then_some(path)
}

/// Returns the URL of a folder on a web server, with a slash at its end, if it is one without secrets.
fn address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain || url.query().is_some() || url.fragment().is_some() {
        return None;
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::store::StoreOptions;

    #[test]
    fn a_base_of_ours_leads_into_the_store_and_another_one_to_its_address() {
        let store = Store::new(&Location::Folder("/".into()), &StoreOptions::default()).unwrap();
        let root = Root::new(&store, "rpm/snapshots/1").known_as("https://example.org/rpm/", "rpm");
        let here = |text: &str| Some(Place::Here(text.parse().unwrap()));
        assert_eq!(root.below_base("https://example.org/rpm/", "x86_64/a.rpm"), here("rpm/x86_64/a.rpm"));
        assert_eq!(root.below_base("https://EXAMPLE.org:443/rpm", "./a.rpm"), here("rpm/a.rpm"));
        assert_eq!(root.below_base("https://example.org/rpm/old", "a.rpm"), here("rpm/old/a.rpm"));
        for other in ["https://example.org/rpm2/", "http://example.org/rpm/", "https://example.org.evil/rpm/"] {
            let place = Place::Elsewhere(other.parse().unwrap(), "a.rpm".parse().unwrap());
            assert_eq!(root.below_base(other, "a.rpm"), Some(place));
        }
        for bad in ["file:///etc/", "../", "https://me:secret@example.org/", "https://h/?a", "s3://bucket/", "x"] {
            assert_eq!(root.below_base(bad, "a.rpm"), None, "{bad}");
        }
        for bad in ["../a.rpm", "/a.rpm", "a/../../b", "%2e%2e/a", ""] {
            assert_eq!(root.below_base("https://example.org/rpm/", bad), None, "{bad}");
            assert_eq!(root.below_base("https://elsewhere.org/", bad), None, "{bad}");
        }
    }
}
