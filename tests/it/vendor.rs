//! Components of one's own: one spec file, no code.

use std::path::Path;

use kubepkg::spec::{DIGEST_VARIABLE, URL_VARIABLES, VARIABLES};
use tempfile::TempDir;

use crate::program::{command, done, kubepkg, root, tool};

const UPSTREAM: [&str; 2] = ["--upstream", "fixtures/upstream"];

fn build(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let (output, cache) = (folder.join("dist"), folder.join("cache"));
    let paths =
        done(command().arg("build").args(arguments).args(UPSTREAM).arg("-o").arg(output).arg("--cache-dir").arg(cache));
    paths.lines().map(str::to_owned).collect()
}

#[test]
fn one_spec_file_gives_packages_of_both_formats() {
    let folder = TempDir::new().unwrap();
    let specs = ["--spec-dir", "fixtures/vendor/helm"];
    let paths = build(folder.path(), &[&["helm", "--version", "3.18.4", "--arch", "amd64,arm64"][..], &specs].concat());
    let names: Vec<&str> = paths.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "helm_3.18.4-1.1_amd64.deb",
            "helm-3.18.4-1.1.x86_64.rpm",
            "helm_3.18.4-1.1_arm64.deb",
            "helm-3.18.4-1.1.aarch64.rpm",
        ]
    );
    let (deb, rpm) = (paths[0].as_str(), paths[1].as_str());
    assert_eq!(tool("dpkg-deb", ["-f", deb, "Package", "Version"]), "Package: helm\nVersion: 3.18.4-1.1\n");
    assert_eq!(
        tool("rpm", ["-qp", "--qf", "%{NAME} %{VERSION}-%{RELEASE} %{LICENSE}", rpm]),
        "helm 3.18.4-1.1 Apache-2.0"
    );
    assert!(tool("rpm", ["-qpl", rpm]).lines().any(|path| path == "/usr/bin/helm"));
    tool("dpkg-deb", ["-x", deb, folder.path().to_str().unwrap()]);
    assert_eq!(tool(folder.path().join("usr/bin/helm").to_str().unwrap(), [""; 0]), "helm v3.18.4\n");
}

/// `spec export`, then one's own files beside the others, then a build of the whole set with the agent in it.
#[test]
fn an_exported_tree_is_a_starting_point() {
    let folder = TempDir::new().unwrap();
    let acme = folder.path().join("acme");
    let listed = kubepkg(&["spec", "export", acme.to_str().unwrap()]);
    assert!(listed.lines().all(|path| Path::new(path).is_file()), "{listed}");
    let (specs, templates) = (acme.join("specs"), acme.join("templates"));
    for embedded in fs_err::read_dir(root("specs")).unwrap().map(|entry| entry.unwrap()) {
        let copy = specs.join(embedded.file_name());
        assert_eq!(fs_err::read(embedded.path()).unwrap(), fs_err::read(copy).unwrap());
    }
    let trees = ["--spec-dir", specs.to_str().unwrap(), "--template-dir", templates.to_str().unwrap()];
    for (from, to) in [
        ("specs/agent.yaml", &specs),
        ("specs/cosign.pub", &specs),
        ("templates/files/agent.service", &templates.join("files")),
        ("templates/files/agent.env", &templates.join("files")),
    ] {
        fs_err::copy(root(&format!("fixtures/vendor/agent/{from}")), to.join(from.rsplit('/').next().unwrap()))
            .unwrap();
    }
    let kubelet = specs.join("kubelet.yaml");
    let text = fs_err::read_to_string(&kubelet).unwrap();
    fs_err::write(&kubelet, text.replace("summary: Node agent for Kubernetes clusters", "summary: Acme's node agent"))
        .unwrap();
    let good = kubepkg(&[&["spec", "check"][..], &trees].concat());
    assert_eq!(good.lines().next(), Some("agent: good"));
    let paths = build(folder.path(), &[&["--version", "1.36.2", "--arch", "amd64"][..], &trees].concat());
    assert_eq!(paths.len(), 12);
    let find = |name: &str| paths.iter().find(|path| path.ends_with(name)).unwrap().as_str();
    let description = tool("dpkg-deb", ["-f", find("kubelet_1.36.2-1.1_amd64.deb"), "Description"]);
    assert!(description.starts_with("Acme's node agent\n"), "{description}");
    agent_is_as_described(find("agent_1.2.0-1.1_amd64.deb"), find("agent-1.2.0-1.1.x86_64.rpm"));
}

/// Every family has its spelling, every kind of relation its field.
fn agent_is_as_described(deb: &str, rpm: &str) {
    let field = |name: &str| tool("dpkg-deb", ["-f", deb, name]);
    assert_eq!(field("Maintainer"), "Agents <agents@example.org>\n");
    assert_eq!(field("Depends"), "kubelet (>= 1.36.0)\n");
    assert_eq!(field("Recommends"), "curl (>= 7.68)\n");
    assert_eq!(field("Suggests"), "nftables | iptables\n");
    assert_eq!(field("Conflicts"), "other-agent\n");
    assert_eq!(field("Provides"), "node-agent (= 1)\n");
    let query = |what: &str| tool("rpm", ["-qp", what, rpm]);
    assert!(query("--requires").contains("kubelet >= 1.36.0\n"));
    assert_eq!(query("--recommends"), "curl >= 7.68\n");
    assert_eq!(query("--suggests"), "nftables\n");
    assert_eq!(query("--conflicts"), "other-agent\n");
    assert!(query("--provides").contains("node-agent = 1\n"));
    let (in_deb, in_rpm) = (tool("dpkg-deb", ["-c", deb]), tool("rpm", ["-qplv", rpm]));
    for (listing, settings, others) in
        [(&in_deb, "/etc/default/agent", "/etc/sysconfig"), (&in_rpm, "/etc/sysconfig/agent", "/etc/default")]
    {
        assert!(listing.contains(settings) && !listing.contains(others), "{listing}");
        assert!(
            listing.lines().any(|line| line.starts_with("drwxr-x---") && line.contains("/var/lib/agent")),
            "{listing}"
        );
        assert!(listing.contains("/usr/bin/agentctl -> agent"), "{listing}");
    }
    assert_eq!(tool("dpkg-deb", ["-I", deb, "conffiles"]), "/etc/default/agent\n");
    let unit =
        tool("sh", ["-c", &format!("dpkg-deb --fsys-tarfile {deb} | tar -xO ./usr/lib/systemd/system/agent.service")]);
    assert!(
        unit.contains("Description=Agent of a vendor\n") && unit.contains("\nEnvironmentFile=-/etc/default/agent\n")
    );
    assert!(tool("dpkg-deb", ["-I", deb, "prerm"]).contains("# agent 1.2.0-1.1 for amd64\n"));
    assert!(tool("rpm", ["-qp", "--scripts", rpm]).contains("# agent 1.2.0-1.1 for x86_64\n"));
}

/// The table of `specs/README.md` below a heading: names and meanings.
fn table(heading: &str) -> Vec<(String, String)> {
    let text = fs_err::read_to_string(root("specs/README.md")).unwrap();
    let section = text.split(&format!("\n{heading}\n")).nth(1).unwrap().split("\n#").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `{{")?.strip_suffix(" |")?.split_once("}}` | "));
    rows.map(|(name, meaning)| (name.to_owned(), meaning.to_owned())).collect()
}

/// The document names the variables that the code has, in the code's words.
#[test]
fn documented_variables_are_those_of_the_code() {
    let owned =
        |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    assert_eq!(table("### Variables of templates and scripts"), owned(&VARIABLES));
    assert_eq!(table("### Variables of URLs"), owned(&[&URL_VARIABLES[..], &[DIGEST_VARIABLE]].concat()));
}

/// What a template really gets, and nothing else, is in the list.
#[test]
fn templates_get_the_variables_of_the_list() {
    let folder = TempDir::new().unwrap();
    let templates = folder.path().join("templates");
    kubepkg(&["spec", "export", folder.path().to_str().unwrap()]);
    fs_err::write(templates.join("files/README.md"), "{{#each this}}{{@key}} {{/each}}").unwrap();
    let arguments =
        ["render", "helm", "--version", "3.18.4", "--arch", "amd64", "--spec-dir", "fixtures/vendor/helm", "--json"];
    let rendered = done(command().args(arguments).arg("--template-dir").arg(&templates).args(UPSTREAM));
    let names = VARIABLES.iter().fold(String::new(), |names, (name, _)| names + name + " ");
    assert!(rendered.contains(&names), "{rendered}");
}

/// Every key of the language is explained where a reader looks for it.
#[test]
fn documented_keys_are_those_of_the_schema() {
    let readme = fs_err::read_to_string(root("specs/README.md")).unwrap();
    for of in ["component", "distribution", "configuration"] {
        let schema: serde_json::Value = serde_json::from_str(&kubepkg(&["spec", "schema", "--of", of])).unwrap();
        let definitions = schema["$defs"].as_object().into_iter().flatten().map(|(_, one)| one);
        for one in definitions.chain([&schema]) {
            for key in one["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
                assert!(readme.contains(&format!("`{key}`")) || readme.contains(&format!("`{key}:")), "{of}: {key}");
            }
        }
    }
}
