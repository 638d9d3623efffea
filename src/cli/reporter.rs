//! Events as lines and bars.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ui::{Ui, Verbosity};
use crate::event::{Event, Reporter};

/// Shows events on stderr.
#[derive(Debug)]
pub(crate) struct Terminal {
    ui: Ui,
    bar: Mutex<Option<ProgressBar>>,
}

/// Nothing is drawn for work that is done sooner.
const DRAW_AFTER: Duration = Duration::from_secs(1);

impl Terminal {
    pub(crate) fn new(ui: Ui) -> Self {
        Self { ui, bar: Mutex::new(None) }
    }

    /// One bar for all transfers: their sum is what the user waits for.
    fn with_bar(&self, change: impl FnOnce(&ProgressBar)) {
        if !self.ui.has_bars() {
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
            let style = "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {msg}";
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        if bar.is_hidden() && bar.elapsed() >= DRAW_AFTER {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        change(bar);
    }

    fn line(&self, show: impl FnOnce()) {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match bar.as_ref() {
            Some(bar) => bar.suspend(show),
            None => show(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

impl Reporter for Terminal {
    fn report(&self, event: Event) {
        let steps = self.ui.verbosity >= Verbosity::Steps;
        match event {
            Event::Fetching { url, size, resumed_at } => {
                self.with_bar(|bar| {
                    if resumed_at == 0 {
                        bar.inc_length(size.unwrap_or_default());
                    }
                    bar.set_message(short(&url));
                });
                if steps {
                    self.ui.status("Fetching", &url);
                }
            }
            Event::Received { bytes, .. } => self.with_bar(|bar| bar.inc(bytes)),
            Event::Retrying { url, cause, wait } => {
                let text = format!("{url}: {cause}; trying again in {:.1} s", wait.as_secs_f32());
                self.line(|| self.ui.warning(&text));
            }
            Event::Verified { origin, digest, evidence, cached } if steps => {
                let from = if cached { " (cache)" } else { "" };
                self.line(|| self.ui.status("Verified", &format!("{origin}{from}\n{:13}{digest}: {evidence}", "")));
            }
            Event::CacheDamaged { path } => {
                self.line(|| self.ui.warning(&format!("the cache entry `{path}` was damaged and is replaced")));
            }
            Event::Writing { file } if steps => self.line(|| self.ui.status("Writing", &file)),
            Event::Wrote { path } => self.line(|| self.ui.status("Wrote", &path.display().to_string())),
            Event::Unchanged { path } => self.line(|| self.ui.status("Unchanged", &path.display().to_string())),
            Event::Warning(warning) => self.line(|| self.ui.warning(&warning.to_string())),
            _ => {}
        }
    }
}

fn short(url: &str) -> String {
    url.rsplit('/').next().unwrap_or(url).to_owned()
}
