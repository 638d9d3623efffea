//! The table of differences that are meant.

use std::collections::BTreeSet;

use super::facts::{Fact, Facts};

/// A row: which facts of a deb stand where which of an RPM do.
struct Row {
    text: String,
    package: String,
    profile: String,
    subject: String,
    deb: Vec<String>,
    rpm: Vec<String>,
    is_needed: bool,
}

impl Row {
    fn read(text: &str) -> Self {
        let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
        let [package, profile, subject, deb, rpm, why] = cells[..] else { panic!("{text}") };
        assert!(why.ends_with('.'), "{text}");
        let patterns = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<String>>();
        Self {
            text: text.to_owned(),
            package: package.to_owned(),
            profile: profile.to_owned(),
            subject: subject.to_owned(),
            deb: patterns(deb),
            rpm: patterns(rpm),
            is_needed: false,
        }
    }

    /// Takes the facts of one side that the row names, and returns whether there are any.
    fn take(subject: &str, patterns: &[String], facts: &mut BTreeSet<Fact>) -> bool {
        let before = facts.len();
        facts.retain(|fact| fact.subject != subject || !patterns.iter().any(|pattern| matches(pattern, &fact.value)));
        facts.len() < before
    }
}

/// The table.
pub(super) struct Differences(Vec<Row>);

impl Differences {
    pub(super) fn read(markdown: &str) -> Self {
        let rows: Vec<Row> = markdown.lines().filter(|line| line.starts_with('|')).skip(2).map(Row::read).collect();
        assert!(!rows.is_empty());
        Self(rows)
    }

    /// Fails where two packages differ in what no row names.
    pub(super) fn explain(&mut self, package: &str, profile: &str, deb: Facts, rpm: Facts) {
        let [deb, rpm] = Facts::comparable(deb, rpm);
        let mut only_deb: BTreeSet<Fact> = deb.difference(&rpm).cloned().collect();
        let mut only_rpm: BTreeSet<Fact> = rpm.difference(&deb).cloned().collect();
        for row in &mut self.0 {
            if !matches(&row.package, package) || !matches(&row.profile, profile) {
                continue;
            }
            let in_deb = Row::take(&row.subject, &row.deb, &mut only_deb);
            let in_rpm = Row::take(&row.subject, &row.rpm, &mut only_rpm);
            let has_both = !row.deb.is_empty() && !row.rpm.is_empty();
            assert!(!has_both || in_deb == in_rpm, "{profile} {package}: only one side of {}", row.text);
            row.is_needed |= in_deb || in_rpm;
        }
        assert!(
            only_deb.is_empty() && only_rpm.is_empty(),
            "{profile} {package}\nonly in the deb: {only_deb:#?}\nonly in the RPM: {only_rpm:#?}"
        );
    }

    /// Returns the rows that explained nothing.
    pub(super) fn unneeded(&self) -> BTreeSet<&str> {
        self.0.iter().filter(|row| !row.is_needed).map(|row| row.text.as_str()).collect()
    }
}

/// Whether a text is what a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|skip| tail.is_char_boundary(skip) && matches(rest, &tail[skip..]))
        }),
    }
}

#[test]
fn patterns_match_the_whole_text() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("/usr/share/*", "/usr/share", false),
        ("a*b*c", "aXbYbc", true),
        ("a*b", "abc", false),
        ("a", "ab", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
#[should_panic(expected = "only one side")]
fn a_row_with_two_sides_needs_both() {
    let mut differences = Differences::read("| a |\n| - |\n| p | * | requires | `x` | `y` | Names. |\n");
    differences.explain("p", "any", Facts::default(), Facts::default().with("requires", "y"));
}

#[test]
#[should_panic(expected = "only in the deb")]
fn what_no_row_names_is_a_failure() {
    let mut differences = Differences::read("| a |\n| - |\n| q | * | requires | `x` | | Names. |\n");
    differences.explain("p", "any", Facts::default().with("requires", "x"), Facts::default());
}
