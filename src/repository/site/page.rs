//! The pages: what templates are told.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::listing::{Index, Summary};
use super::snippets::Snippet;
use crate::format::Format;
use crate::repository::channel::Stage;
use crate::repository::charter::Charter;
use crate::repository::error::RepositoryError;
use crate::repository::generation::{Entry, Generation};
use crate::repository::keyring_package::rpm_key;
use crate::repository::layout::CERTIFICATE;
use crate::repository::settings::PublicUrl;
use crate::template::render_html;
use crate::tree::Tree;

/// The most files that a page shows: it stays below some 300 kB.
const MAX_ROWS: usize = 300;
/// Characters of a link that stay as they are.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// What stands around the content of every page.
#[derive(Debug, Serialize)]
struct Frame<'a> {
    title: &'a str,
    description: &'a str,
    style: &'a str,
    /// What the page's policy lets pass: this style and nothing else (CSP 3, 6.7.3.3).
    style_hash: String,
    content: String,
}

/// What every page says of the repository.
#[derive(Debug, Serialize)]
struct About {
    name: String,
    description: String,
    certificate: &'static str,
    keys: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RootPage<'a> {
    repository: About,
    channels: Vec<ChannelRow<'a>>,
    /// The channel from which most people install, and how they do.
    first: Option<&'a str>,
    install: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct ChannelRow<'a> {
    summary: &'a Summary,
    href: String,
    day: &'a str,
    newest: Vec<(&'a str, &'a str)>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct ChannelPage<'a> {
    repository: About,
    channel: String,
    generation: u64,
    date: String,
    day: String,
    is_automatic: bool,
    files: usize,
    size: String,
    install: Vec<Step>,
    snippets: &'a [Shown],
    groups: Vec<Group<'a>>,
    left_out: usize,
}

/// How one family of distributions installs.
#[derive(Debug, Serialize)]
struct Step {
    id: &'static str,
    title: &'static str,
    commands: String,
}

/// A file for a client.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    purpose: &'static str,
    place: Option<&'static str>,
}

/// All files of one package.
#[derive(Debug, Serialize)]
struct Group<'a> {
    name: &'a str,
    newest: &'a str,
    rows: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    version: &'a str,
    format: &'static str,
    arch: &'a str,
    href: String,
    size: String,
    sha256: &'a str,
    papers: Vec<(&'static str, String)>,
}

/// Makes the page of the root.
pub(super) fn root(charter: &Charter, keys: &[String], index: &Index) -> Result<Vec<u8>, RepositoryError> {
    let mut summaries: Vec<&Summary> = index.channels.iter().collect();
    summaries.sort_by_key(|summary| place(&summary.channel));
    let first = summaries.first().copied();
    let steps = first.zip(charter.settings.url.as_ref()).map(|(first, url)| install(charter, url, first));
    let root = RootPage {
        repository: about(charter, keys),
        channels: summaries.iter().copied().map(channel_row).collect(),
        first: first.map(|summary| summary.channel.as_str()),
        install: steps.unwrap_or_default(),
    };
    page(charter, &charter.name, render("root.html", &root)?)
}

/// Releases first, the newest ones before older ones; then what is less and less for everyone.
fn place(channel: &str) -> (usize, Reverse<(u32, u32)>) {
    const STAGES: [Stage; 5] = [Stage::Stable, Stage::Rolling, Stage::Staging, Stage::Prerelease, Stage::Nightly];
    let Ok(channel) = channel.parse::<crate::repository::channel::Channel>() else {
        return (usize::MAX, Reverse((0, 0)));
    };
    let stage = STAGES.into_iter().position(|stage| stage == channel.stage()).unwrap_or(STAGES.len());
    (stage, Reverse(channel.numbers().unwrap_or_default()))
}

fn channel_row(summary: &Summary) -> ChannelRow<'_> {
    let newest = summary.newest.iter().map(|(name, version)| (name.as_str(), version.as_str()));
    ChannelRow {
        summary,
        href: href(&summary.page),
        day: day(&summary.date),
        newest: newest.collect(),
        more: summary.names.saturating_sub(summary.newest.len()),
    }
}

/// Makes the page of a channel; there are snippets if it is known where clients find the repository.
pub(super) fn channel(
    charter: &Charter,
    keys: &[String],
    generation: &Generation,
    summary: &Summary,
    snippets: &[Snippet],
) -> Result<Vec<u8>, RepositoryError> {
    let date = generation.date().to_string();
    let (groups, left_out) = groups(&generation.packages);
    let snippets: Vec<Shown> =
        snippets.iter().map(|one| Shown { name: one.name.clone(), purpose: one.purpose, place: one.place }).collect();
    let channel = ChannelPage {
        repository: about(charter, keys),
        channel: generation.channel.to_string(),
        generation: generation.number,
        day: day(&date).to_owned(),
        date,
        is_automatic: generation.channel.stage().is_automatic(),
        files: generation.packages.len(),
        size: size(generation.packages.iter().map(|entry| entry.size).sum()),
        install: charter.settings.url.as_ref().map(|url| install(charter, url, summary)).unwrap_or_default(),
        snippets: &snippets,
        groups,
        left_out,
    };
    let title = format!("{} · {}", channel.channel, charter.name);
    page(charter, &title, render("channel.html", &channel)?)
}

/// Puts the frame around a page.
fn page(charter: &Charter, title: &str, content: String) -> Result<Vec<u8>, RepositoryError> {
    let style = Tree::embedded_templates().get("site/style.css").unwrap_or_default().trim().to_owned();
    let style_hash = STANDARD.encode(Sha256::digest(&style));
    let frame = Frame { title, description: &charter.description, style: &style, style_hash, content };
    render("frame.html", &frame).map(String::into_bytes)
}

fn render(name: &str, data: &impl Serialize) -> Result<String, RepositoryError> {
    let tree = Tree::embedded_templates();
    let path = format!("site/{name}");
    let failed = |cause: String| RepositoryError::Index { file: path.clone(), cause };
    let text = tree.get(&path).ok_or_else(|| failed("no template".to_owned()))?;
    render_html(&tree.display_path(&path), text, data).map_err(|error| failed(error.to_string()))
}

fn about(charter: &Charter, keys: &[String]) -> About {
    About {
        name: charter.name.clone(),
        description: charter.description.clone(),
        certificate: CERTIFICATE,
        keys: keys.iter().map(|fingerprint| spaced(fingerprint)).collect(),
    }
}

/// The files of each package, its newest versions first, as many as the page has room for; and how many it leaves out.
fn groups(packages: &[Entry]) -> (Vec<Group<'_>>, usize) {
    let mut by_name: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in packages {
        by_name.entry(&entry.name).or_default().push(entry);
    }
    let share = share(&by_name.values().map(Vec::len).collect::<Vec<_>>());
    for entries in by_name.values_mut() {
        // Of thousands of versions only the newest ones are put in order.
        if entries.len() > share {
            entries.select_nth_unstable_by(share, |one, other| newest_first(one, other));
            entries.truncate(share);
        }
        entries.sort_by(|one, other| newest_first(one, other));
    }
    let groups: Vec<Group<'_>> = by_name
        .into_iter()
        .take(MAX_ROWS)
        .filter_map(|(name, entries)| {
            let newest = entries.first()?.version.as_str();
            Some(Group { name, newest, rows: entries.into_iter().map(row).collect() })
        })
        .collect();
    let shown: usize = groups.iter().map(|group| group.rows.len()).sum();
    (groups, packages.len() - shown)
}

fn newest_first(one: &Entry, other: &Entry) -> Ordering {
    let rest = |entry: &Entry| (entry.format, entry.arch.clone(), entry.sha256.clone());
    crate::repository::compare_versions(Format::Deb, &other.version, &one.version)
        .then_with(|| other.version.cmp(&one.version))
        .then_with(|| rest(one).cmp(&rest(other)))
}

/// How many files of each package there is room for.
fn share(counts: &[usize]) -> usize {
    let most = counts.iter().copied().max().unwrap_or_default();
    let fits = |share: &usize| counts.iter().map(|count| count.min(share)).sum::<usize>() <= MAX_ROWS;
    (1..=most.min(MAX_ROWS)).rev().find(fits).unwrap_or(1)
}

fn row(entry: &Entry) -> Row<'_> {
    let paper = |paper: &crate::repository::paper::Paper| {
        (paper.kind.title(), format!("../../{}", href(entry.paper_path(paper.kind).as_str())))
    };
    Row {
        version: &entry.version,
        format: entry.format.as_str(),
        arch: &entry.arch,
        href: format!("../../{}", href(entry.path.as_str())),
        size: size(entry.size),
        sha256: entry.sha256.hex(),
        papers: entry.papers.iter().map(paper).collect(),
    }
}

/// What is typed to install from a channel, in each family of distributions.
fn install(charter: &Charter, url: &PublicUrl, summary: &Summary) -> Vec<Step> {
    let Ok(channel) = summary.channel.parse() else { return Vec::new() };
    let id = super::snippets::id(charter, channel);
    let below = |path: &str| super::snippets::url_of(url, path);
    let file = |end: &str| below(&super::snippet_path(channel, &format!("{id}{end}")));
    let names = |format: Format| summary.install.get(format.as_str()).map(|names| names.join(" "));
    let mut steps = Vec::new();
    if let Some(names) = names(Format::Deb) {
        let commands = format!(
            "{}\nsudo apt-get update\nsudo apt-get install {names}\n",
            fetch(&file(".sources"), &format!("/etc/apt/sources.list.d/{id}.sources")),
        );
        steps.push(Step { id: "debian", title: "Debian, Ubuntu", commands });
    }
    if let Some(names) = names(Format::Rpm) {
        let (repo, key) = (file(".repo"), below(CERTIFICATE));
        // `dnf -y` takes whatever key lies where it looks for one, so that is a place which nobody else can write.
        let commands = format!(
            "{}\n{}\nsudo dnf install {names}\n",
            fetch(&key, &rpm_key(charter)),
            fetch(&file("-keyring.repo"), &format!("/etc/yum.repos.d/{id}.repo")),
        );
        steps.push(Step { id: "fedora", title: "Fedora, RHEL, Rocky, Alma", commands });
        let commands =
            format!("sudo rpm --import {key}\nsudo zypper addrepo \\\n  {repo}\nsudo zypper install {names}\n");
        steps.push(Step { id: "suse", title: "SUSE, openSUSE", commands });
    }
    steps
}

/// Returns the steps as a text, indented below their titles.
pub(super) fn guide(charter: &Charter, summary: &Summary) -> String {
    let steps = charter.settings.url.as_ref().map(|url| install(charter, url, summary)).unwrap_or_default();
    let text = |step: &Step| {
        let commands: String = step.commands.lines().map(|line| format!("    {line}\n")).collect();
        format!("{}, from {}:\n\n{commands}\n", step.title, summary.channel)
    };
    steps.iter().map(text).collect()
}

/// The command that puts a file of the repository where a package manager looks for it.
fn fetch(url: &str, to: &str) -> String {
    match url.strip_prefix("file://") {
        Some(path) => format!("sudo cp {path} \\\n  {to}"),
        None => format!("sudo curl -fsSLo {to} \\\n  {url}"),
    }
}

fn href(path: &str) -> String {
    utf8_percent_encode(path, PLAIN).to_string()
}

fn day(date: &str) -> &str {
    date.get(..10).unwrap_or(date)
}

/// A fingerprint as people compare it: in groups of four.
fn spaced(fingerprint: &str) -> String {
    let digits: Vec<char> = fingerprint.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let (mut whole, mut tenths) = (bytes / 1000, bytes % 1000 / 100);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        (whole, tenths, unit) = (whole / 1000, whole % 1000 / 100, unit + 1);
    }
    if bytes < 1000 { format!("{bytes} B") } else { format!("{whole}.{tenths} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_fingerprints_are_for_people() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (60_563_640, "60.5 MB"), (1 << 40, "1.0 TB")]
        {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(spaced("0123456789ABCDEF01"), "0123 4567 89AB CDEF 01");
    }

    #[test]
    fn every_package_has_its_share_of_the_page() {
        assert_eq!(share(&[10, 20]), 20);
        assert_eq!(share(&[1000, 1000, 4]), 148);
        assert_eq!(share(&[1; 1000]), 1);
        assert_eq!(share(&[]), 1);
    }
}
