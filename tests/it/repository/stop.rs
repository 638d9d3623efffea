//! The word by which threads that work on and on are told to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What is said once and heard by all.
#[derive(Debug, Default)]
pub(super) struct Stop(AtomicBool);

/// Says it where a test fails: threads that go on would keep it from ending.
#[must_use]
pub(super) struct OnFailure<'a>(&'a Stop);

impl Stop {
    pub(super) fn say(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_said(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn on_failure(&self) -> OnFailure<'_> {
        OnFailure(self)
    }
}

impl Drop for OnFailure<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.say();
        }
    }
}

#[test]
fn a_failure_ends_what_goes_on_and_the_end_of_a_test_does_not() {
    let stop = Stop::default();
    drop(stop.on_failure());
    assert!(!stop.is_said());
    // As a failed assertion, without its words.
    let failed = std::panic::catch_unwind(|| {
        let _failed = stop.on_failure();
        std::panic::resume_unwind(Box::new(()))
    });
    assert!(failed.is_err() && stop.is_said());
}
