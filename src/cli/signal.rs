//! Ctrl-C and SIGTERM: nothing half-written stays, and the exit code says what happened.

use std::sync::{Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

type Cleanup = Box<dyn Fn() + Send>;

static CLEANUPS: Mutex<Vec<Cleanup>> = Mutex::new(Vec::new());

/// What shells add to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;

/// Runs something before the program ends by a signal.
pub(crate) fn at_interrupt(cleanup: impl Fn() + Send + 'static) {
    CLEANUPS.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(cleanup));
}

/// Begins to listen. Compressors cannot be asked to stop, so the process ends at once; what has its final name is
/// complete, and everything else lies in folders that the clean-ups remove.
pub(crate) fn listen() {
    // Without a handler the default action ends the process, and the next run sweeps what it left.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            for cleanup in CLEANUPS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                cleanup();
            }
            #[expect(clippy::exit, reason = "a signal ends the process wherever its threads are")]
            std::process::exit(SIGNALLED + signal);
        }
    });
}
