//! Help: grouped, with examples, and complete.

use super::*;

/// Returns the lines that begin a group.
fn headings(help: &str) -> Vec<&str> {
    help.lines().filter(|line| line.ends_with(':') && !line.starts_with(' ')).collect()
}

#[test]
fn options_are_grouped_by_what_they_are_for() {
    let rig = Rig::new();
    let help = rig.good("build --help").stdout;
    let expected = [
        "Options:",
        "What to build:",
        "Sources:",
        "Output:",
        "Signing:",
        "Publishing:",
        "Work:",
        "Global options:",
        "Examples:",
    ];
    assert_eq!(headings(&help), expected);
    let options = help.split("\nOptions:\n").nth(1).unwrap().split("\nWhat to build:\n").next().unwrap();
    assert_eq!(options.matches("--").count(), 1, "only --help stands in no group: {options}");
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    let help = rig.good("--help").stdout;
    assert_eq!(headings(&help), ["Commands:", "Options:", "Global options:", "Examples:", "Environment:"]);
}

/// Returns every subcommand's words.
fn subcommands(rig: &Rig, path: &str) -> Vec<String> {
    let help = rig.good(&format!("{path} --help")).stdout;
    let Some((_, rest)) = help.split_once("\nCommands:\n") else { return vec![path.to_owned()] };
    let names =
        rest.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    let inner = names.flat_map(|name| subcommands(rig, &format!("{path} {name}")));
    [path.to_owned()].into_iter().chain(inner).collect()
}

#[test]
fn every_subcommand_has_help_in_two_ways() {
    let rig = Rig::new();
    let all = subcommands(&rig, "");
    assert!(all.len() > 14, "{all:?}");
    for words in &all {
        let topic = words.trim();
        let long = rig.good(&format!("{words} --help")).stdout;
        assert_eq!(rig.good(&format!("help {topic}")).stdout.trim_end(), long.trim_end(), "{topic}");
        let first = long.lines().next().unwrap();
        assert!(!first.ends_with('.') && first.starts_with(char::is_uppercase), "{topic}: {first}");
    }
    for topic in ["build", "plan", "fetch", "render", "inspect", "verify", "spec", "generate", "help"] {
        let help = rig.good(&format!("help {topic}")).stdout;
        assert!(help.contains(&format!("Examples:\n  kubepkg {topic}")), "{help}");
    }
}

#[test]
fn the_version_of_the_tool_and_of_kubernetes_are_two_things() {
    let rig = Rig::new();
    let expected = format!("kubepkg {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(rig.good("--version").stdout, expected);
    assert_eq!(rig.good("-V").stdout, expected);
    rig.fails("build --version", 2, "a value is required for '--version <VERSION>'");
    let mut command = rig.command("plan kubectl --arch amd64 --json");
    let plan = Ran::from(command.env("KUBEPKG_VERSION", "1.36.2").output().unwrap());
    assert_eq!(plan.json()["builds"][0]["version"], "1.36.2");
    let version = Ran::from(rig.command("--version").env("KUBEPKG_VERSION", "1.36.2").output().unwrap());
    assert_eq!(version.stdout, expected);
}
