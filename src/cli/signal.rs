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

static CLEANUPS: Cleanups = Cleanups(Mutex::new(Vec::new()));
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What shells add to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;
/// How often a clean-up is tried, and the wait before the next try.
const TRIES: usize = 100;
const WAIT: Duration = Duration::from_millis(10);

/// Runs something before the program ends by a signal.
pub(crate) fn at_interrupt(cleanup: impl Fn() + Send + 'static) {
    CLEANUPS.lock().push(Box::new(cleanup));
}

/// Makes a scratch folder that goes when the program is interrupted.
pub(crate) fn scratch(parent: &Path) -> io::Result<Scratch> {
    CLEANUPS.swept(|| Scratch::new(parent), |scratch| scratch.path().to_owned())
}

/// Makes a folder in the system's temporary folder that goes when the program is interrupted.
pub(crate) fn temporary() -> io::Result<TempDir> {
    CLEANUPS.swept(tempfile::tempdir, |folder| folder.path().to_owned())
}

/// What is done before the program ends by a signal.
struct Cleanups(Mutex<Vec<Cleanup>>);

impl Cleanups {
    fn lock(&self) -> MutexGuard<'_, Vec<Cleanup>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a folder that goes then. A signal waits until the folder and its clean-up are both there.
    fn swept<T>(&self, make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> PathBuf) -> io::Result<T> {
        let mut cleanups = self.lock();
        let folder = make()?;
        let path = path(&folder);
        cleanups.push(Box::new(move || remove(&path)));
        Ok(folder)
    }

    /// Does it all. A folder on a file system that hangs must not keep the program from ending.
    fn run(&self, tries: usize) {
        for _ in 0..tries {
            let cleanups = match self.0.try_lock() {
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
            CLEANUPS.run(TRIES);
            #[expect(clippy::exit, reason = "a signal ends the process wherever its threads are")]
            std::process::exit(SIGNALLED + signal);
        }
    });
}

/// Returns at once, unless a signal is ending the program: then what fails now fails because of that, and is not told.
pub(crate) fn wait_for_the_end() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_folder_that_is_being_made_goes_with_the_others_and_none_is_made_after() {
        let cleanups = Cleanups(Mutex::new(Vec::new()));
        let parent = tempfile::tempdir().unwrap();
        let (begun, is_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let (ended, is_ended) = mpsc::channel();
        let (cleanups, folder) = (&cleanups, parent.path().join("slow"));
        // Whatever fails, nobody is left waiting: the ends of the channels go with the closures.
        thread::scope(move |scope| {
            scope.spawn(move || {
                let make = || {
                    begun.send(()).unwrap();
                    may_go.recv().unwrap();
                    fs_err::create_dir(&folder).map(|()| folder)
                };
                cleanups.swept(make, Clone::clone).unwrap();
            });
            is_begun.recv().unwrap();
            scope.spawn(move || {
                cleanups.run(usize::MAX);
                ended.send(()).unwrap();
            });
            // The end waits for the folder, however long that takes.
            assert_eq!(is_ended.recv_timeout(10 * WAIT), Err(mpsc::RecvTimeoutError::Timeout));
            go.send(()).unwrap();
            is_ended.recv().unwrap();
        });
        assert_eq!(fs_err::read_dir(parent.path()).unwrap().count(), 0);
        // Whoever comes now waits until the program is gone.
        assert!(cleanups.0.try_lock().is_err());
    }

    #[test]
    fn a_folder_that_is_never_made_keeps_nobody_from_ending() {
        let cleanups = Cleanups(Mutex::new(vec![Box::new(|| unreachable!("somebody has them"))]));
        let held = cleanups.lock();
        cleanups.run(2);
        drop(held);
    }
}
