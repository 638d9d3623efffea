//! Several runs at once, in one cache and one output folder.

use super::*;

#[test]
fn runs_at_once_do_not_disturb_each_other() {
    let line = "build --version 1.36.2 --arch amd64 --compression gzip:1";
    let expected = Rig::new();
    expected.good(line);
    for count in [2, 4] {
        let server = serve(&mirror::fixtures());
        let rig = Rig::with_upstream(server.url(""));
        let start = |_| rig.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let children: Vec<_> = (0..count).map(start).collect();
        for child in children {
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert_eq!((ran.code, ran.stdout.lines().count()), (0, 10), "{}", ran.stderr);
        }
        assert!(rig.packages() == expected.packages(), "{count} at once made other bytes than one");
        rig.assert_tidy();
        let programs = |request: &&crate::fault_server::Request| request.target().ends_with("/amd64/kubelet");
        assert_eq!(server.requests().iter().filter(programs).count(), 1, "one fetches, the others wait for it");
    }
}

#[test]
fn a_run_does_not_sweep_what_another_still_writes() {
    let server = FaultServer::start(|_| vec![crate::fault_server::Act::Stall]);
    let rig = Rig::with_upstream(server.url(""));
    let line = "build kubectl --version 1.36.2 --arch amd64";
    let mut child = rig.command(line).stderr(Stdio::null()).spawn().unwrap();
    while server.requests().is_empty() {
        std::thread::yield_now();
    }
    let unfinished = rig.leftovers();
    assert!(unfinished.iter().any(|path| path.starts_with(rig.dist())), "{unfinished:?}");
    rig.good(&format!("{line} --upstream {}", mirror::fixtures().display()));
    assert_eq!(rig.leftovers(), unfinished);
    signal("TERM", child.id());
    assert_eq!(code(child.wait().unwrap()), 143);
    rig.assert_tidy();
}
