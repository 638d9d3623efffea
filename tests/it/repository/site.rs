//! The pages and lists of a repository: what they say, where their links lead, and how a real browser shows them.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use super::rig::{Made, Rig, refused};
use crate::program::{done, run};

const URL: &str = "https://packages.example.org/kubernetes";
const CHANNELS: [&str; 2] = ["stable/v1.36", "staging/v1.36"];

/// Two channels, and an address.
fn rig() -> Rig {
    let rig = Rig::new();
    done(&mut rig.without_key(&format!("repo configure --url {URL}")));
    rig.publish_release(CHANNELS[0], "1.36.1");
    rig.publish_release(CHANNELS[0], "1.36.2");
    rig.publish_release(CHANNELS[1], "1.36.2");
    rig
}

fn pages(rig: &Rig) -> Vec<PathBuf> {
    let is_page = |path: &PathBuf| path.ends_with("index.html");
    crate::mirror::files(rig.root()).into_iter().filter(is_page).collect()
}

fn json(rig: &Rig, path: &str) -> Value {
    serde_json::from_slice(&fs::read(rig.root().join(path)).unwrap()).unwrap()
}

/// Everything that is for people and mirrors, with its bytes.
fn site(rig: &Rig) -> Vec<(PathBuf, Vec<u8>)> {
    let all = crate::mirror::files(rig.root()).into_iter();
    let all = all.map(|path| (path.strip_prefix(rig.root()).unwrap().to_path_buf(), fs::read(&path).unwrap()));
    all.filter(|(path, _)| path.starts_with("channels") || path.to_str().unwrap().starts_with("index.")).collect()
}

/// Returns the values of an attribute, and fails where elements are not nested as they should be.
fn attributes(page: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let (mut open, mut values) = (Vec::new(), Vec::new());
    assert!(text.starts_with("<!doctype html>\n"), "{}", page.display());
    for tag in text.split('<').skip(2).map(|rest| rest.split_once('>').expect("the end of a tag").0) {
        let word = tag.split_whitespace().next().unwrap();
        if let Some(closed) = word.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed.to_owned()), "{}", page.display());
        } else if !["meta", "link", "br"].contains(&word) {
            open.push(word.to_owned());
        }
        if let Some((_, value)) = tag.split_once(&format!(" {name}=\"")) {
            values.push(value.split('"').next().unwrap().to_owned());
        }
    }
    assert_eq!(open, [""; 0], "{}", page.display());
    values
}

fn decoded(link: &str) -> String {
    percent_encoding::percent_decode_str(link).decode_utf8().unwrap().into_owned()
}

#[test]
fn pages_are_well_formed_and_their_links_lead_somewhere() {
    let rig = rig();
    assert_eq!(pages(&rig).len(), 1 + CHANNELS.len());
    for page in pages(&rig) {
        let ids = attributes(&page, "id");
        assert!(ids.iter().all(|id| ids.iter().filter(|other| *other == id).count() == 1), "{ids:?}");
        let links = attributes(&page, "href");
        assert!(links.len() > 4, "{links:?}");
        for link in links {
            let leads = match link.strip_prefix('#') {
                Some(id) => ids.iter().any(|one| one == id),
                None => page.parent().unwrap().join(decoded(&link)).is_file(),
            };
            assert!(leads, "{}: {link}", page.display());
        }
    }
    let page = fs::read_to_string(rig.root().join("channels/stable-v1.36/index.html")).unwrap();
    let repo = format!("{URL}/channels/stable-v1.36/example-stable-v1.36.repo");
    for text in
        ["sudo apt-get install kubelet kubeadm kubectl", &repo, "sudo zypper addrepo", "sudo dnf install", "SBOM"]
    {
        assert!(page.contains(text), "{text}");
    }
    let newest = page.find(">1.36.2-1.1</th>").unwrap();
    assert!(newest < page.find(">1.36.1-1.1</th>").unwrap());
    let root = fs::read_to_string(rig.root().join("index.html")).unwrap();
    let index = json(&rig, "index.json");
    let fingerprint = &index["keys"][0].as_str().unwrap()[..4];
    assert!(root.contains(&format!("print\">{fingerprint} ")) && root.contains("Install from stable/v1.36"), "{root}");
}

#[test]
fn lists_name_every_file_with_its_digest() {
    let rig = rig();
    let index = json(&rig, "index.json");
    assert_eq!((index["name"].as_str(), index["url"].as_str()), (Some("Example"), Some(URL)));
    let mut sums = String::new();
    let mut note = |file: &Value, path: &str| {
        sums += &format!("{}  {path}\n", file["sha256"].as_str().unwrap());
        assert_eq!(fs::metadata(rig.root().join(path)).unwrap().len(), file["size"].as_u64().unwrap(), "{path}");
    };
    let mut named = Vec::new();
    for channel in index["channels"].as_array().unwrap() {
        let path = channel["list"]["path"].as_str().unwrap();
        note(&channel["list"], path);
        let list = json(&rig, path);
        for package in list["packages"].as_array().unwrap() {
            for name in ["path", "also"] {
                note(package, package[name].as_str().unwrap());
                named.push(package[name].as_str().unwrap().to_owned());
            }
            let papers = package["papers"].as_array().unwrap();
            assert_eq!(papers.len(), 2);
            for paper in papers {
                note(paper, paper["path"].as_str().unwrap());
            }
        }
        for file in list["files"].as_array().unwrap() {
            note(file, file["path"].as_str().unwrap());
        }
    }
    let packages = crate::mirror::files(rig.root()).into_iter();
    for package in packages.filter(|path| path.extension().is_some_and(|end| end == "deb" || end == "rpm")) {
        assert!(named.iter().any(|name| package.ends_with(name)), "{}", package.display());
    }
    let file = rig.folder.path().join("sums");
    fs::write(&file, sums).unwrap();
    let check =
        Command::new("sha256sum").args(["--check", "--quiet"]).arg(file).current_dir(rig.root()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

#[test]
fn a_real_browser_finds_nothing_wrong() {
    let rig = rig();
    // A name that would be markup if anything were not escaped.
    let odd = Rig::named("<script>alert(1)</script> & \"Söhne\" {{name}}");
    odd.publish_release("rolling", "1.36.1");
    let all = pages(&rig).into_iter().chain(pages(&odd));
    let all: Vec<String> = all.map(|page| format!("file://{}", page.display())).collect();
    let input = serde_json::to_string(&(all, [360, 768, 1280])).unwrap();
    let script = fs::read_to_string(crate::program::root("tests/it/repository/browser.js")).unwrap();
    let harness = rig.folder.path().join("harness.html");
    let text = format!(
        "<!doctype html><meta charset=utf-8><script id=input type=application/json>{input}</script>\
         <pre id=output></pre><script>{script}</script>",
    );
    fs::write(&harness, text).unwrap();
    let mut colours = Vec::new();
    for dark in [false, true] {
        let (dom, words) = chromium(&rig, &harness, dark);
        assert!(!words.contains("CONSOLE"), "{words}");
        let output =
            dom.split_once("<pre id=\"output\">").and_then(|(_, rest)| rest.split_once("</pre>")).expect("an output").0;
        let output: Value =
            serde_json::from_str(&output.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
                .unwrap_or_else(|error| panic!("{error}: {output}\n{words}"));
        assert_eq!(output["found"].as_array().unwrap(), &[] as &[Value]);
        colours.push(output["colours"].clone());
    }
    assert_eq!((colours[0].as_array().unwrap().len(), colours[1].as_array().unwrap().len()), (1, 1));
    assert_ne!(colours[0], colours[1], "dark and light are the same");
}

#[test]
fn pages_are_printed_on_few_sheets() {
    let rig = rig();
    for page in pages(&rig) {
        let file = rig.folder.path().join("page.pdf");
        let mut command = browser(&rig, "print");
        command.args(["--no-pdf-header-footer", &format!("--print-to-pdf={}", file.display())]);
        let output = command.arg(format!("file://{}", page.display())).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let pdf = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let sheets = pdf.matches("/Type /Page").count() - pdf.matches("/Type /Pages").count();
        assert!((1..=3).contains(&sheets), "{} takes {sheets} sheets", page.display());
    }
}

/// Returns the document as the browser has it in the end, and what it said.
fn chromium(rig: &Rig, page: &Path, dark: bool) -> (String, String) {
    let mut command = browser(rig, &format!("profile-{dark}"));
    command.args(["--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=20000"]);
    command.args(["--hide-scrollbars", "--dump-dom"]);
    if dark {
        command.args(["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]);
    }
    let output = command.arg(format!("file://{}", page.display())).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), words)
}

/// Returns a browser that asks nobody anything.
fn browser(rig: &Rig, profile: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["120", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.arg(format!("--user-data-dir={}", rig.folder.path().join(profile).display()));
    command.env("HOME", rig.folder.path());
    command
}

#[test]
fn pages_are_a_function_of_what_is_published() {
    let made: Vec<_> = (0..2)
        .map(|_| {
            let rig = Rig::new();
            for channel in CHANNELS {
                let mut publish = rig.publish(channel, &Made::get().packages("1.36.1", &[]));
                done(publish.env("SOURCE_DATE_EPOCH", "1800000000"));
            }
            rig
        })
        .collect();
    assert_eq!(site(&made[0]), site(&made[1]));
    let rig = &made[0];
    // A publication of what is there writes nothing; another setting is shown at once.
    let before = rig.state();
    rig.publish_release(CHANNELS[0], "1.36.1");
    assert_eq!(rig.state(), before);
    assert!(fs::read_to_string(rig.root().join("index.html")).is_ok_and(|page| !page.contains("sudo")));
    done(&mut rig.without_key(&format!("repo configure --url {URL}")));
    let whole = site(rig);
    assert!(fs::read_to_string(rig.root().join("index.html")).is_ok_and(|page| page.contains(URL)));
    // Whatever is done to it, it is the same after a repair.
    for path in ["index.html", "index.json", "channels/staging-v1.36/index.html", "channels/stable-v1.36/index.json"] {
        fs::remove_file(rig.root().join(path)).unwrap();
        let ran = run(&mut rig.without_key("repo repair -q"));
        assert_eq!((ran.code, site(rig) == whole), (0, true), "{path}");
    }
    fs::write(rig.root().join("index.json"), "{}").unwrap();
    let ran = run(&mut rig.without_key("repo check"));
    assert!(ran.code == 6 && ran.stdout.contains("index.json: does not show generation 1"), "{}", ran.stdout);
    // So it is after a publication of what is there.
    rig.publish_release(CHANNELS[0], "1.36.1");
    rig.publish_release(CHANNELS[1], "1.36.1");
    assert_eq!(site(rig), whole);
}

#[test]
fn publishers_to_different_channels_end_with_the_page_of_all() {
    let rig = Rig::new();
    let channels = ["stable/v1.36", "staging/v1.36", "prerelease/v1.36", "nightly/v1.36", "rolling"];
    std::thread::scope(|scope| {
        for channel in channels {
            scope.spawn(|| rig.publish_release(channel, "1.36.1"));
        }
    });
    let whole = site(&rig);
    let index = json(&rig, "index.json");
    assert_eq!(index["channels"].as_array().unwrap().len(), channels.len());
    done(&mut rig.without_key("repo repair"));
    assert_eq!(site(&rig), whole);
}

#[test]
fn a_page_of_somebody_else_is_left_alone() {
    let rig = Rig::new();
    fs::write(rig.root().join("index.html"), "<h1>Ours</h1>").unwrap();
    rig.publish_release("rolling", "1.36.1");
    assert_eq!(fs::read_to_string(rig.root().join("index.html")).unwrap(), "<h1>Ours</h1>");
    assert!(rig.root().join("channels/rolling/index.html").exists());
    rig.assert_whole();
}

#[test]
fn a_bucket_has_the_same_site() {
    let server = super::s3::Server::start();
    let rig = Rig::in_bucket(&server, "site");
    refused(2, &mut rig.without_key("repo clients"), "nobody has said where clients find");
    rig.publish_release("rolling", "1.36.1");
    done(&mut rig.without_key(&format!("repo configure --url {URL}")));
    let page = server.ask("GET", "/packages/site/channels/rolling/index.html");
    assert!(page.contains(&format!("{URL}/channels/rolling/example-rolling.sources")), "{page}");
    let head = server.ask("HEAD", "/packages/site/channels/rolling/example-rolling.sources").to_lowercase();
    assert!(head.contains("content-type: text/plain") && head.contains("max-age=60"), "{head}");
    rig.assert_whole();
}
