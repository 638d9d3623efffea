//! Jobs on every core, the most urgent first.

use std::collections::BinaryHeap;
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a job does. It may add jobs.
type Work<'env, E> = Box<dyn FnOnce(&Schedule<'env, E>) -> Result<(), E> + Send + 'env>;

/// How urgent a job is: what ends something before what begins something, and of parts those of the longest file, since
/// a long job that is begun last leaves the other cores idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// A part of a file with so many bytes.
    Part(u64),
    /// What tells which parts there are.
    Begin,
    /// What ends a file or a package, and frees what it holds.
    End,
}

/// Jobs that wait and jobs that run.
pub(super) struct Schedule<'env, E> {
    state: Mutex<State<'env, E>>,
    changed: Condvar,
}

struct State<'env, E> {
    waiting: BinaryHeap<Job<'env, E>>,
    running: usize,
    /// Whether jobs may still come from outside.
    is_open: bool,
    is_stopped: bool,
    added: u64,
    error: Option<E>,
}

struct Job<'env, E> {
    urgency: Urgency,
    /// Of two that are equally urgent the one that was added first is done first.
    number: u64,
    work: Work<'env, E>,
}

impl<'env, E: Send> Schedule<'env, E> {
    /// Runs what `feed` adds, and what is added by that, on so many threads besides the one of `feed`. After the first
    /// error no further job is begun.
    pub(super) fn run(threads: NonZero<usize>, feed: impl FnOnce(&Self)) -> Result<(), E> {
        let state =
            State { waiting: BinaryHeap::new(), running: 0, is_open: true, is_stopped: false, added: 0, error: None };
        let schedule = Self { state: Mutex::new(state), changed: Condvar::new() };
        std::thread::scope(|scope| {
            for _ in 0..threads.get() {
                scope.spawn(|| schedule.work());
            }
            // Without it a panic of `feed` would leave the others waiting for more.
            let _close = Close(&schedule);
            feed(&schedule);
        });
        match schedule.state.into_inner().unwrap_or_else(PoisonError::into_inner).error {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Adds a job.
    pub(super) fn add(&self, urgency: Urgency, work: impl FnOnce(&Self) -> Result<(), E> + Send + 'env) {
        let mut state = self.state();
        state.added += 1;
        let number = state.added;
        state.waiting.push(Job { urgency, number, work: Box::new(work) });
        drop(state);
        self.changed.notify_one();
    }

    /// Begins no further job.
    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_all();
    }

    /// Whether a job ended with an error.
    pub(super) fn has_failed(&self) -> bool {
        self.state().error.is_some()
    }

    /// Ends the run with an error, unless another one ended it before.
    fn fail(&self, error: E) {
        self.state().error.get_or_insert(error);
        self.stop();
    }

    fn state(&self) -> MutexGuard<'_, State<'env, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            let _ended = Ended(self);
            if let Err(error) = (job.work)(self) {
                self.fail(error);
            }
        }
    }

    /// Waits for a job; nothing where none can come any more.
    fn next(&self) -> Option<Job<'env, E>> {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return None;
            }
            if let Some(job) = state.waiting.pop() {
                state.running += 1;
                return Some(job);
            }
            if !state.is_open && state.running == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Says that a job ended, also by a panic, which the scope passes on once all threads are through.
struct Ended<'a, 'env, E: Send>(&'a Schedule<'env, E>);

impl<E: Send> Drop for Ended<'_, '_, E> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.is_stopped |= std::thread::panicking();
        drop(state);
        self.0.changed.notify_all();
    }
}

/// Says that nothing more comes from outside.
struct Close<'a, 'env, E: Send>(&'a Schedule<'env, E>);

impl<E: Send> Drop for Close<'_, '_, E> {
    fn drop(&mut self) {
        self.0.state().is_open = false;
        self.0.changed.notify_all();
    }
}

impl<E> PartialEq for Job<'_, E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Job<'_, E> {}

impl<E> PartialOrd for Job<'_, E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Job<'_, E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.urgency.cmp(&other.urgency).then(other.number.cmp(&self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const ONE: NonZero<usize> = NonZero::<usize>::MIN;

    #[test]
    fn jobs_run_by_urgency_and_may_add_more() {
        let order = Mutex::new(Vec::new());
        let note = |name: &'static str| {
            order.lock().unwrap().push(name);
            Ok(())
        };
        let gate = Mutex::new(());
        let held = gate.lock().unwrap();
        let mut held = Some(held);
        Schedule::<()>::run(ONE, |schedule| {
            // Keeps the one thread busy until all the others are there.
            schedule.add(Urgency::End, |_| {
                drop(gate.lock().unwrap());
                Ok(())
            });
            std::thread::sleep(std::time::Duration::from_millis(20));
            schedule.add(Urgency::Part(1), |_| note("short"));
            schedule.add(Urgency::Part(9), |_| note("long"));
            schedule.add(Urgency::Begin, |schedule| {
                note("begin")?;
                schedule.add(Urgency::End, |_| note("end"));
                Ok(())
            });
            held.take();
        })
        .unwrap();
        assert_eq!(order.into_inner().unwrap(), ["begin", "end", "long", "short"]);
    }

    #[test]
    fn nothing_is_begun_after_an_error() {
        let begun = AtomicUsize::new(0);
        let result = Schedule::run(ONE, |schedule| {
            for number in 0..100 {
                schedule.add(Urgency::Begin, |_| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    Err("no")
                });
                let _ = number;
            }
        });
        assert_eq!((result, begun.into_inner()), (Err("no"), 1));
    }

    #[test]
    fn a_panic_is_passed_on() {
        let caught = std::panic::catch_unwind(|| {
            Schedule::<()>::run(NonZero::new(2).unwrap(), |schedule| {
                schedule.add(Urgency::Begin, |_| panic!("meant"));
            })
        });
        assert!(caught.is_err());
    }
}
