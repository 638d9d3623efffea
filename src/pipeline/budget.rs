//! A share of memory for each compressor, so that the peak follows the number of threads and nothing else.

use std::num::NonZero;
use std::sync::{Condvar, Mutex, PoisonError};

/// Memory for each thread, in MiB: a compressor of xz:6 with what goes in and out of it.
const THREAD_MIB: u32 = 140;

/// A number of MiB to share.
#[derive(Debug)]
pub(super) struct Budget {
    total: u32,
    free: Mutex<u32>,
    returned: Condvar,
}

/// A part of the budget; it goes back when dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    budget: &'a Budget,
    mib: u32,
}

impl Budget {
    /// Returns the budget of a run.
    pub(super) fn for_threads(threads: NonZero<usize>) -> Self {
        let total = u32::try_from(threads.get()).unwrap_or(u32::MAX).saturating_mul(THREAD_MIB);
        Self { total, free: Mutex::new(total), returned: Condvar::new() }
    }

    /// Waits until so much is free. What is more than the whole gets the whole, and so runs alone.
    pub(super) fn take(&self, mib: u32) -> Share<'_> {
        let mib = mib.min(self.total);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.returned.wait_while(free, |free| *free < mib).unwrap_or_else(PoisonError::into_inner);
        *free -= mib;
        Share { budget: self, mib }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock().unwrap_or_else(PoisonError::into_inner) += self.mib;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn shares_never_exceed_the_whole() {
        let (budget, now, most) = (Budget::for_threads(NonZero::<usize>::MIN), AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for mib in [50, 60, 70, 500, 10, 40] {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    let share = budget.take(mib);
                    most.fetch_max(now.fetch_add(share.mib, Ordering::SeqCst) + share.mib, Ordering::SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(share.mib, Ordering::SeqCst);
                });
            }
        });
        assert!(most.into_inner() <= THREAD_MIB);
    }
}
