//! What people and mirrors find in a repository: pages, files for clients, and lists with digests.
//!
//! ```text
//! index.html   index.json             all channels
//! channels/stable-v1.36/index.html    what it holds, and how it is installed
//! channels/stable-v1.36/index.json    every file that belongs to it, with its SHA-256
//! channels/stable-v1.36/*             files for apt, dnf and zypper, if it is known where they find the repository
//! ```
//!
//! Everything is a function of the heads and the charter, and can be written again at any time without a key. Whoever
//! changes a channel writes its files and those of the root, by compare-and-swap against what was there before the heads
//! were read: of several that do so at once, the last one has seen what all others did.

mod listing;
mod page;
mod snippets;

use super::channel::Channel;
use super::charter::{Charter, Repository};
use super::error::RepositoryError;
use super::generation::Generation;
use super::head::Head;
use super::history::Shown;
use super::layout::{CERTIFICATE, key};
use super::store::{Key, Store, Swap, Tag};
use crate::sign::KeyError;
use listing::{Index, Summary};

pub use snippets::{Snippet, Subject};

/// Bytes that a page, or a list of the root, may have.
const LIMIT: u64 = 64 << 20;
/// How often others may write while this run does.
const TRIES: usize = 100;
/// The page and the list of the root.
pub(super) const PAGE: &str = "index.html";
pub(super) const LIST: &str = "index.json";
/// What says of a page that kubepkg wrote it: another one belongs to somebody else.
const GENERATOR: &str = "<meta name=\"generator\" content=\"kubepkg\">";

/// Whether what an earlier run said of channels is believed as long as their heads are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Their manifests need not be read.
    Earlier,
    /// Everything is made anew.
    Nothing,
}

/// What the heads of all channels know of the charter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// It is the newest one that they know.
    Current,
    /// Some of them know an older one alone: who signed the newest was killed, or others change it at the moment.
    Behind,
}

impl Repository {
    /// Writes everything anew that is not as the heads and the charter want it, and returns how many files that were.
    pub fn show_site(&self) -> Result<usize, RepositoryError> {
        let mut written = 0;
        for channel in self.published()? {
            written += show_channel(self, channel, None)?.1;
        }
        Ok(written + show_root(self, None, Trust::Nothing)?.1)
    }
}

/// Shows what a channel has become; `generation` is that of `head`. Returns what all heads know of the charter.
pub(super) fn show(repository: &Repository, head: &Head, generation: &Generation) -> Result<Heads, RepositoryError> {
    let (summary, _) = show_channel(repository, generation.channel, Some((head, generation)))?;
    Ok(show_root(repository, Some(&summary), Trust::Earlier)?.0)
}

/// Whether the list of the root, which is written last, shows what the channel does.
pub(super) fn is_shown(store: &Store, channel: Channel, head: &Head) -> Result<bool, RepositoryError> {
    let there = store.get(&key(LIST), LIMIT)?;
    let index = there.and_then(|object| Index::read(&object.bytes));
    Ok(index.is_some_and(|index| index.find(channel).is_some_and(|one| one.manifest == head.generation.hex())))
}

/// Returns everything that is for people and mirrors, for a copy of some channels.
pub(super) fn files(charter: &Charter, shown: &[Shown]) -> Result<Vec<(Key, Vec<u8>)>, RepositoryError> {
    let (mut files, mut channels) = (Vec::new(), Vec::new());
    for Shown { head, generation } in shown {
        let list = listing::list(generation);
        let summary = Summary::new(head, generation, &list);
        files.extend(render_channel(charter, generation, &summary)?);
        files.push((key(&list_path(generation.channel)), list));
        channels.push(summary);
    }
    let fingerprints = fingerprints(charter);
    let index = Index::new(charter, &fingerprints, channels);
    files.push((key(PAGE), page::root(charter, &fingerprints, &index)?));
    files.push((key(LIST), index.write()));
    Ok(files)
}

/// Returns what is typed to install from each channel, as a text.
pub(super) fn guides(charter: &Charter, shown: &[Shown]) -> Vec<String> {
    let guide = |Shown { head, generation }: &Shown| {
        page::guide(charter, &Summary::new(head, generation, &listing::list(generation)))
    };
    shown.iter().map(guide).collect()
}

/// Writes the files of a channel, and returns how the root sums it up.
fn show_channel(
    repository: &Repository,
    channel: Channel,
    known: Option<(&Head, &Generation)>,
) -> Result<(Summary, usize), RepositoryError> {
    let store = repository.store();
    for _ in 0..TRIES {
        let charter = repository.charter_now()?;
        let small: Vec<Key> = snippets::ENDS
            .iter()
            .map(|end| key(&snippet_path(channel, &format!("{}{end}", snippets::id(&charter, channel)))))
            .chain([key(&page_path(channel))])
            .collect();
        let large = key(&list_path(channel));
        let there = store.get_all(&small, LIMIT)?;
        let tag = store.tags(std::slice::from_ref(&large))?.pop().flatten();
        let Some(held) = Head::read(store, channel)? else { return Err(repository.no_channel(channel)) };
        let read;
        let generation = match known {
            Some((head, generation)) if *head == held.head => generation,
            _ => {
                read = Generation::read(store, channel, &held.head)?;
                &read
            }
        };
        let list = listing::list(generation);
        let summary = Summary::new(&held.head, generation, &list);
        let files = render_channel(&charter, generation, &summary)?;
        let mut written = 0;
        let mut is_current = put(store, &large, &list, tag.as_ref(), &mut written)?;
        for (path, bytes) in files {
            let found = small.iter().position(|one| *one == path).and_then(|at| there[at].as_ref());
            if found.is_some_and(|object| object.bytes == bytes) {
                continue;
            }
            is_current = is_current && put(store, &path, &bytes, found.map(|object| &object.tag), &mut written)?;
        }
        if is_current {
            return Ok((summary, written));
        }
    }
    Err(RepositoryError::Busy { channel, tries: TRIES })
}

/// Writes the page and the list of the root, and returns how many of them, and what the heads know of the charter.
fn show_root(
    repository: &Repository,
    known: Option<&Summary>,
    trust: Trust,
) -> Result<(Heads, usize), RepositoryError> {
    let store = repository.store();
    let paths = [key(PAGE), key(LIST)];
    for _ in 0..TRIES {
        let there = store.get_all(&paths, LIMIT)?;
        let charter = repository.charter_now()?;
        let earlier = there[1].as_ref().and_then(|object| Index::read(&object.bytes));
        let earlier = earlier.filter(|_| trust == Trust::Earlier);
        let (mut channels, mut heads) = (Vec::new(), Heads::Current);
        for channel in charter.channels() {
            let Some(held) = Head::read(store, channel)? else { continue };
            if held.charter < charter.number() {
                heads = Heads::Behind;
            }
            let is_it = |summary: &&Summary| {
                summary.channel == channel.to_string() && summary.manifest == held.head.generation.hex()
            };
            let earlier = earlier.as_ref().and_then(|index| index.find(channel));
            let found = known.into_iter().chain(earlier).find(is_it).cloned();
            channels.push(if let Some(summary) = found {
                summary
            } else {
                let generation = Generation::read(store, channel, &held.head)?;
                Summary::new(&held.head, &generation, &listing::list(&generation))
            });
        }
        let fingerprints = fingerprints(&charter);
        let index = Index::new(&charter, &fingerprints, channels);
        let page = page::root(&charter, &fingerprints, &index)?;
        let (mut written, mut is_current) = (0, true);
        for ((path, bytes), there) in paths.iter().zip([page, index.write()]).zip(&there) {
            let is_same = there.as_ref().is_some_and(|object| object.bytes == bytes);
            let is_foreign = path.as_str() == PAGE && there.as_ref().is_some_and(|object| is_foreign(&object.bytes));
            if is_same || is_foreign {
                continue;
            }
            let tag = there.as_ref().map(|object| &object.tag);
            is_current = is_current && put(store, path, &bytes, tag, &mut written)?;
        }
        if is_current {
            return Ok((heads, written));
        }
    }
    Err(RepositoryError::Contended { tries: TRIES })
}

/// Returns whether nobody else wrote it meanwhile.
fn put(
    store: &Store,
    path: &Key,
    bytes: &[u8],
    there: Option<&Tag>,
    written: &mut usize,
) -> Result<bool, RepositoryError> {
    if there.is_some_and(|tag| tag.is_of(bytes)) {
        return Ok(true);
    }
    *written += 1;
    Ok(store.swap(path, bytes, there)? != Swap::Lost)
}

/// Whether a page is somebody else's, who wants to keep it.
pub(super) fn is_foreign(page: &[u8]) -> bool {
    !page.windows(GENERATOR.len()).any(|window| window == GENERATOR.as_bytes())
}

/// Returns the small files of a channel, the page last.
fn render_channel(
    charter: &Charter,
    generation: &Generation,
    summary: &Summary,
) -> Result<Vec<(Key, Vec<u8>)>, RepositoryError> {
    let (armor, fingerprints) = (apt_keys(charter)?, fingerprints(charter));
    let channel = generation.channel;
    let subject = |url| Subject { charter, url, armor: &armor, generation };
    let snippets = charter.settings.url.as_ref().map(|url| subject(url).snippets()).unwrap_or_default();
    let page = page::channel(charter, &fingerprints, generation, summary, &snippets)?;
    let named = snippets.into_iter().map(|one| (key(&snippet_path(channel, &one.name)), one.text.into_bytes()));
    Ok(named.chain([(key(&page_path(channel)), page)]).collect())
}

/// Returns the certificates that apt believes, in armor.
fn apt_keys(charter: &Charter) -> Result<String, RepositoryError> {
    let failed = |error: KeyError| RepositoryError::Index { file: CERTIFICATE.to_owned(), cause: error.to_string() };
    charter.keyring.for_apt().to_armor().map_err(failed)
}

/// Returns the fingerprints of all certificates.
fn fingerprints(charter: &Charter) -> Vec<String> {
    charter.keyring.iter().map(|one| one.certificate.fingerprint().to_owned()).collect()
}

fn folder(channel: Channel) -> String {
    format!("channels/{}", channel.word())
}

pub(super) fn page_path(channel: Channel) -> String {
    format!("{}/{PAGE}", folder(channel))
}

/// Returns where the files of a channel for apt are that may have certificates in them.
pub(super) fn sources(charter: &Charter, channel: Channel) -> Vec<Key> {
    let ends = snippets::ENDS.iter().filter(|end| end.ends_with(".sources"));
    ends.map(|end| key(&snippet_path(channel, &format!("{}{end}", snippets::id(charter, channel))))).collect()
}

fn list_path(channel: Channel) -> String {
    format!("{}/{LIST}", folder(channel))
}

fn snippet_path(channel: Channel, name: &str) -> String {
    format!("{}/{name}", folder(channel))
}
