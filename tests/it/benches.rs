//! The comparison with other packagers works; what it measures here means nothing.

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
