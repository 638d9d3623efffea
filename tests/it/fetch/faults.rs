//! Connections that break, and servers that lie about lengths and ranges.

use std::time::Duration;

use kubepkg::event::Event;
use kubepkg::fetch::FetchError;

use super::{Rig, assert_refused, assert_whole, body, fetch_from, fetch_with};
use crate::fault_server::{Act, cut, head, ok, ok_with, part, status};

const ETAG: &str = "ETag: \"one\"";
const HALF: usize = 200_000;

#[test]
fn a_plain_answer_is_taken_and_events_add_up() {
    let (result, server, rig) = fetch_from(|_| ok(body()));
    assert_whole(&result, &rig);
    assert_eq!((server.requests().len(), rig.retries()), (1, 0));
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("identity"));
    assert!(server.requests()[0].header("user-agent").unwrap().starts_with("kubepkg/"));
    let events = rig.events();
    let received: u64 =
        events.iter().map(|event| if let Event::Received { bytes, .. } = event { *bytes } else { 0 }).sum();
    assert_eq!(received, 400_000);
    assert!(matches!(&events[0], Event::Fetching { size: Some(400_000), resumed_at: 0, .. }));
    assert!(matches!(&events[events.len() - 2], Event::Fetched { .. }));
    assert!(
        matches!(&events[events.len() - 1], Event::Verified { cached: false, evidence, .. } if evidence == "pinned sha256")
    );
}

#[test]
fn resets_at_any_moment_are_tried_again() {
    let before_head = || vec![Act::Reset];
    let in_head = || vec![Act::Send(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()), Act::Reset];
    let in_body = || [cut(&[ETAG], &body(), HALF), vec![Act::Reset]].concat();
    let (result, server, rig) = fetch_from(move |request| match request.count {
        0 => before_head(),
        1 => in_head(),
        2 => in_body(),
        // How much of the cut body came before the reset is up to the kernel.
        _ => match request.header("range") {
            Some(range) => {
                let start = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
                part(&[ETAG], &body(), start)
            }
            None => ok_with(&[ETAG], body()),
        },
    });
    assert_whole(&result, &rig);
    assert_eq!((server.requests().len(), rig.retries()), (4, 3));
}

#[test]
fn a_connection_that_always_breaks_is_given_up() {
    let (result, server, rig) = fetch_from(|_| vec![Act::Reset]);
    assert_refused(result, &rig, "after 5 tries: the connection failed: ");
    assert_eq!((server.requests().len(), rig.retries()), (5, 4));
}

#[test]
fn silence_is_tried_again_and_a_slow_line_is_no_error() {
    let (result, server, rig) = fetch_with(Rig::new().impatient(), |request| match request.count {
        0 => vec![Act::Stall],
        1 => [cut(&[ETAG], &body(), HALF), vec![Act::Stall]].concat(),
        _ => {
            // Longer than the time-out in all, shorter in each pause.
            let mut acts = part(&[ETAG], &body(), HALF);
            let Some(Act::Send(rest)) = acts.pop() else { unreachable!() };
            let drip = |piece: &[u8]| [Act::Pause(Duration::from_millis(60)), Act::Send(piece.to_vec())];
            acts.extend(rest.chunks(20_000).flat_map(drip));
            acts
        }
    });
    assert_whole(&result, &rig);
    assert_eq!(server.requests()[2].header("range"), Some("bytes=200000-"));
    assert_eq!(server.requests()[2].header("if-range"), Some("\"one\""));
    let causes = rig
        .events()
        .iter()
        .filter(|event| matches!(event, Event::Retrying { cause, .. } if cause.contains("silent")))
        .count();
    assert_eq!(causes, 2);
}

#[test]
fn a_cut_body_is_resumed_by_entity_tag_or_date() {
    let date = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
    for (field, value) in [(ETAG, "\"one\""), (date, "Sun, 06 Nov 1994 08:49:37 GMT")] {
        let (result, server, rig) = fetch_from(move |request| match request.count {
            0 => cut(&[field], &body(), HALF),
            1 => {
                let mut acts = part(&[field], &body(), HALF);
                acts[1] = Act::Send(body()[HALF..HALF + 1000].to_vec());
                acts
            }
            _ => part(&[field], &body(), HALF + 1000),
        });
        assert_whole(&result, &rig);
        let requests = server.requests();
        assert_eq!(requests[1].header("range"), Some("bytes=200000-"));
        assert_eq!(requests[2].header("range"), Some("bytes=201000-"));
        assert_eq!(requests[1].header("if-range"), Some(value));
        assert!(rig.events().iter().any(|event| matches!(event, Event::Fetching { resumed_at: 200_000, .. })));
    }
}

#[test]
fn without_a_strong_validator_the_whole_file_is_asked_for_again() {
    for fields in [&[][..], &["ETag: W/\"weak\""], &[ETAG, "Accept-Ranges: none"]] {
        let (result, server, rig) = fetch_from(move |request| match request.count {
            0 => cut(fields, &body(), HALF),
            _ => ok(body()),
        });
        assert_whole(&result, &rig);
        assert_eq!(server.requests()[1].header("range"), None);
    }
}

#[test]
fn a_whole_answer_to_a_range_request_starts_anew() {
    let (result, server, rig) = fetch_from(|request| match request.count {
        0 => cut(&["ETag: \"old\""], b"another file, of which the begin came before it was replaced", 20),
        _ => ok_with(&[ETAG], body()),
    });
    assert_whole(&result, &rig);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_wrong_part_starts_anew() {
    let wrong: [fn() -> Vec<Act>; 5] = [
        || part(&[ETAG], &body(), HALF - 1),
        || part(&["ETag: \"two\""], &body(), HALF),
        || vec![head("206 Partial Content", &[ETAG, "Content-Length: 200000"]), Act::Send(body()[HALF..].to_vec())],
        || {
            vec![
                head("206 Partial Content", &[ETAG, "Content-Range: bytes 200000-200001/400000", "Content-Length: 2"]),
                Act::Send(vec![0, 0]),
            ]
        },
        || status("416 Range Not Satisfiable", &["Content-Range: bytes */400000"]),
    ];
    for (case, wrong) in wrong.into_iter().enumerate() {
        let (result, server, rig) = fetch_from(move |request| match request.count {
            0 => cut(&[ETAG], &body(), HALF),
            1 => wrong(),
            _ => ok_with(&[ETAG], body()),
        });
        assert_whole(&result, &rig);
        assert_eq!(server.requests().len(), 3, "case {case}");
        assert_eq!(server.requests()[2].header("range"), None, "case {case}");
        let words = if case < 4 { "the server continued with" } else { "416 Range Not Satisfiable" };
        let told = |event: &Event| matches!(event, Event::Retrying { cause, .. } if cause.contains(words));
        assert!(rig.events().iter().any(told), "case {case}");
    }
}

#[test]
fn pieces_that_make_no_whole_are_fetched_once_more_in_one_piece() {
    let (result, server, rig) = fetch_from(|request| match request.count {
        0 => cut(&[ETAG], &vec![0; 400_000], HALF),
        1 => part(&[ETAG], &body(), HALF),
        _ => ok_with(&[ETAG], body()),
    });
    assert_whole(&result, &rig);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn lengths_that_lie_never_pass() {
    let with_length =
        |length: &str, bytes: Vec<u8>| vec![head("200 OK", &[&format!("Content-Length: {length}")]), Act::Send(bytes)];
    let (result, server, rig) = fetch_from(move |_| with_length("400001", body()));
    assert_refused(result, &rig, "after 5 tries: the connection failed");
    assert_eq!(server.requests().len(), 5);
    let (result, server, rig) = fetch_from(move |_| with_length("399999", body()));
    assert_refused(result, &rig, "(399999 bytes)");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn without_a_length_the_digest_decides() {
    let (result, _server, rig) = fetch_from(|_| vec![head("200 OK", &[]), Act::Send(body())]);
    assert_whole(&result, &rig);
    let (result, _server, rig) = fetch_from(|_| vec![head("200 OK", &[]), Act::Send(body()[..HALF].to_vec())]);
    assert!(matches!(result, Err(FetchError::Mismatch { size: 200_000, .. })));
    assert_refused(result, &rig, "is not the file that was published");
}

#[test]
fn a_cut_chunked_body_is_noticed() {
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).into_bytes(), bytes.to_vec(), b"\r\n".to_vec()].concat();
    let (result, server, rig) = fetch_from(move |request| {
        let head = head("200 OK", &["Transfer-Encoding: chunked"]);
        let (first, second) = (chunk(&body()[..HALF]), chunk(&body()[HALF..]));
        match request.count {
            0 => vec![head, Act::Send(first)],
            1 => vec![head, Act::Send(first), Act::Send(second)],
            _ => vec![head, Act::Send(first), Act::Send(second), Act::Send(b"0\r\n\r\n".to_vec())],
        }
    });
    assert_whole(&result, &rig);
    assert_eq!(server.requests().len(), 3);
}
