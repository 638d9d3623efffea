//! Ctrl-C and SIGTERM: nothing half-written stays, and the exit code says what happened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

use crate::scratch::Scratch;

type Cleanup = Box<dyn Fn() + Send>;

static CLEANUPS: Mutex<Vec<Cleanup>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What shells add to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;
/// How often a clean-up is tried, and the wait before the next try.
const TRIES: usize = 100;
const WAIT: Duration = Duration::from_millis(10);

/// Runs something before the program ends by a signal.
pub(crate) fn at_interrupt(cleanup: impl Fn() + Send + 'static) {
    cleanups().push(Box::new(cleanup));
}

/// Makes a scratch folder that goes when the program is interrupted.
pub(crate) fn scratch(parent: &Path) -> io::Result<Scratch> {
    swept(|| Scratch::new(parent), |scratch| scratch.path().to_owned())
}

/// Makes a folder in the system's temporary folder that goes when the program is interrupted.
pub(crate) fn temporary() -> io::Result<TempDir> {
    swept(tempfile::tempdir, |folder| folder.path().to_owned())
}

/// A signal waits until the folder and its clean-up are both there.
fn swept<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> PathBuf) -> io::Result<T> {
    let mut cleanups = cleanups();
    let folder = make()?;
    let path = path(&folder);
    cleanups.push(Box::new(move || remove(&path)));
    Ok(folder)
}

fn cleanups() -> MutexGuard<'static, Vec<Cleanup>> {
    CLEANUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads that still write may put one more file into a folder while it is emptied.
fn remove(folder: &Path) {
    for _ in 0..TRIES {
        if fs_err::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
    }
}

/// Begins to listen. Compressors cannot be asked to stop, so the process ends at once; what has its final name is
/// complete, and everything else lies in folders that the clean-ups remove.
pub(crate) fn listen() {
    // Without a handler the default action ends the process, and the next run sweeps what it left.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            clean_up();
            #[expect(clippy::exit, reason = "a signal ends the process wherever its threads are")]
            std::process::exit(SIGNALLED + signal);
        }
    });
}

/// A folder on a file system that hangs must not keep the program from ending.
fn clean_up() {
    for _ in 0..TRIES {
        let cleanups = match CLEANUPS.try_lock() {
            Ok(cleanups) => cleanups,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(WAIT);
                continue;
            }
        };
        cleanups.iter().for_each(|cleanup| cleanup());
        // Whoever waits to make one more folder waits for the end.
        std::mem::forget(cleanups);
        return;
    }
}

/// Returns at once, unless a signal is ending the program: then what fails now fails because of that, and is not told.
pub(crate) fn wait_for_the_end() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        thread::park();
    }
}
