use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn compare_in_rpm(left: &str, right: &str) -> Ordering {
    rpm_version::Evr::new("", left, "1").cmp(&rpm_version::Evr::new("", right, "1"))
}

/// Upstream's forms, in the order in which a user should be upgraded from one to the next.
const ASCENDING: [&str; 13] = [
    "1.36.0-alpha.0",
    "1.36.0-alpha.2",
    "1.36.0-alpha.2.97+8eb85c40f2b1ca",
    "1.36.0-alpha.10",
    "1.36.0-beta.0",
    "1.36.0-rc.0",
    "1.36.0-rc.1",
    "1.36.0-rc.1.5+0123456789abcd",
    "1.36.0",
    "1.36.0-4+0123456789abcd",
    "1.36.0-11+0123456789abcd",
    "1.36.1-rc.0",
    "1.36.1",
];

#[test]
fn versions_are_ordered_as_upstream_made_them() {
    for pair in ASCENDING.windows(2) {
        assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
    }
}

#[test]
fn package_versions_keep_the_order_in_dpkg_and_rpm() {
    for pair in ASCENDING.windows(2) {
        let [older, newer] = [pair[0], pair[1]].map(|text| version(text).package());
        let deb = |text: &str| format!("{text}-1").parse::<debversion::Version>().unwrap();
        assert!(deb(&older) < deb(&newer), "dpkg: {older} < {newer}");
        assert_eq!(compare_in_rpm(&older, &newer), Ordering::Less, "rpm: {older} < {newer}");
        assert!(!older.contains('-'));
    }
}

#[test]
fn versions_read_back_with_and_without_v() {
    for text in ASCENDING {
        assert_eq!(version(text).to_string(), text);
        assert_eq!(version(&format!("v{text}")), version(text));
    }
    assert_eq!(version("1.31.0-alpha.2.97+8eb85c40f2b1ca-dirty").package(), "1.31.0~alpha.2.97+8eb85c40f2b1ca.dirty");
}

#[test]
fn what_is_no_version_is_refused() {
    for text in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3+", "1.2.3-rc..1", "1.2.3 ", "1.2.x", "1.2.3-a/b"]
    {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
    assert!(format!("1.2.3-{}", "a".repeat(200)).parse::<Version>().is_err());
}

#[test]
fn the_channel_follows_from_the_build_not_from_the_number_of_dots() {
    for (text, channel) in [
        ("1.36.2", Channel::Release),
        ("1.36.0-rc.1", Channel::Prerelease),
        ("1.30.0-11+0123456789abcd", Channel::Nightly),
        ("1.31.0-alpha.2.97+8eb85c40f2b1ca", Channel::Nightly),
    ] {
        assert_eq!(version(text).channel(), channel, "{text}");
    }
}

#[test]
fn ranges_take_pre_releases_by_comparison() {
    let range: VersionRange = ">=1.28.0 <1.30.0".parse().unwrap();
    for (text, inside) in [
        ("1.27.9", false),
        ("1.28.0-alpha.1", false),
        ("1.28.0", true),
        ("1.29.5-3+0123456", true),
        ("1.30.0-alpha.1", true),
        ("1.30.0", false),
    ] {
        assert_eq!(range.contains(&version(text)), inside, "{text}");
    }
    let exact: VersionRange = "=1.25.0".parse().unwrap();
    assert!(exact.contains(&version("1.25.0")) && !exact.contains(&version("1.25.0-rc.1")));
}

#[test]
fn ranges_overlap_where_a_version_lies_in_both() {
    for (left, right, overlap) in [
        (">=1.24.0 <1.25.0", ">=1.25.0", false),
        (">=1.24.0 <1.25.1", ">=1.25.0", true),
        ("=1.25.0", ">=1.25.0", true),
        ("<1.25.0", "=1.25.0", false),
        ("<1.25.0", ">=1.25.0-alpha.0", true),
        ("*", "=1.25.0", true),
    ] {
        let [left, right] = [left, right].map(|text| text.parse::<VersionRange>().unwrap());
        assert_eq!(left.overlaps(&right), overlap, "{left} and {right}");
        assert_eq!(right.overlaps(&left), overlap, "{right} and {left}");
    }
}

#[test]
fn bad_ranges_say_why() {
    let error = |text: &str| text.parse::<VersionRange>().unwrap_err();
    assert!(matches!(error("1.2.3"), BadVersionRange::Operator(_)));
    assert!(matches!(error("<=1.2.3"), BadVersionRange::Operator(_)));
    assert!(matches!(error(">=1.2"), BadVersionRange::Version(_)));
    assert!(matches!(error(">=1.2.3 >=1.2.4"), BadVersionRange::Twice("lower")));
    assert!(matches!(error(">=1.3.0 <1.2.0"), BadVersionRange::Empty));
}

proptest::proptest! {
    #[test]
    fn every_pre_release_package_sorts_below_its_release(label in "[a-z]{1,5}", number in 0u32..200) {
        let (before, release) = (version(&format!("1.2.3-{label}.{number}")).package(), version("1.2.3").package());
        proptest::prop_assert_eq!(compare_in_rpm(&before, &release), Ordering::Less);
        let deb = |text: &str| format!("{text}-1").parse::<debversion::Version>().unwrap();
        proptest::prop_assert!(deb(&before) < deb(&release));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}") {
        let _ = text.parse::<Version>();
        let _ = text.parse::<VersionRange>();
    }
}
