//! The comparisons with other tools work; what they measure here means nothing.

use std::process::Command;

use crate::cli::KUBEPKG;

#[test]
fn the_comparison_fills_every_row() {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare"));
    let output = command.args(["--small", "--require-nfpm", "--kubepkg", KUBEPKG]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    let goals = stdout.split("\n\n").next().unwrap();
    let rows: Vec<&str> = goals.lines().skip(2).collect();
    assert_eq!(rows.len(), 17, "{stdout}");
    for row in rows {
        let measured = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        assert!(measured.parse::<f64>().is_ok_and(|figure| figure > 0.0), "{row}");
    }
}

#[test]
fn the_costs_of_repositories_fill_every_row() {
    let scratch = tempfile::tempdir().unwrap();
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/repositories"));
    command.args(["--count", "20", "--large", "2", "--rounds", "1", "--debs", "20", "--rpms", "20"]);
    let output = command
        .args(["--algorithm", "ed25519", "--kubepkg", KUBEPKG, "--scratch"])
        .arg(scratch.path())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    let rows: Vec<usize> = stdout.trim().split("\n\n").map(|table| table.lines().count() - 2).collect();
    assert_eq!(rows, [10, 1, 1], "{stdout}");
}
