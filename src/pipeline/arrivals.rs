//! Which builds wait for which downloads.

use crate::fetch::Artifact;
use crate::plan::{Build, Plan, PlannedPackage, Source};

/// A build with those of its packages that are to be made.
#[derive(Debug, Clone)]
pub(super) struct Task<'p> {
    pub(super) build: &'p Build,
    pub(super) packages: Vec<&'p PlannedPackage>,
}

impl Task<'_> {
    fn downloads(&self) -> impl Iterator<Item = usize> {
        self.build.sources.iter().filter_map(|source| match source.source {
            Source::Download(index) => Some(index),
            Source::LocalBuild(_) => None,
        })
    }
}

/// A task whose downloads are all there.
#[derive(Debug)]
pub(super) struct Ready<'p> {
    pub(super) task: Task<'p>,
    /// By the places of [`Build::sources`]; nothing for local builds.
    pub(super) sources: Vec<Option<Artifact>>,
}

/// Tasks that wait, and what came for them.
#[derive(Debug)]
pub(super) struct Arrivals<'p> {
    waiting: Vec<Task<'p>>,
    came: Vec<Option<Artifact>>,
    absent: Vec<usize>,
}

impl<'p> Arrivals<'p> {
    pub(super) fn new(plan: &Plan, tasks: Vec<Task<'p>>) -> Self {
        Self { waiting: tasks, came: vec![None; plan.downloads.len()], absent: Vec::new() }
    }

    /// Returns the places of the downloads that some task waits for, each once.
    pub(super) fn wanted(&self) -> Vec<usize> {
        let mut wanted: Vec<usize> = self.waiting.iter().flat_map(Task::downloads).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Takes a download, and returns the tasks that wait for no other.
    pub(super) fn take(&mut self, place: usize, artifact: Artifact) -> Vec<Ready<'p>> {
        self.came[place] = Some(artifact);
        self.ready()
    }

    /// Notes that a download does not exist.
    pub(super) fn give_up(&mut self, place: usize) {
        self.absent.push(place);
    }

    /// Returns the tasks that wait for no download.
    pub(super) fn ready(&mut self) -> Vec<Ready<'p>> {
        let came = &self.came;
        let is_ready = |task: &mut Task<'p>| task.downloads().all(|place| came[place].is_some());
        let ready: Vec<Task<'p>> = self.waiting.extract_if(.., is_ready).collect();
        let sources = |task: &Task<'p>| {
            let came = |source: &Source| match source {
                Source::Download(place) => came[*place].clone(),
                Source::LocalBuild(_) => None,
            };
            task.build.sources.iter().map(|source| came(&source.source)).collect()
        };
        ready.into_iter().map(|task| Ready { sources: sources(&task), task }).collect()
    }

    /// Returns the downloads that do not exist, each with the files of the packages that are not made for it.
    pub(super) fn left_out(mut self) -> Vec<(usize, Vec<String>)> {
        self.absent.sort_unstable();
        let mut left = Vec::new();
        for place in self.absent {
            let lacks = |task: &mut Task<'p>| task.downloads().any(|wanted| wanted == place);
            let packages = self.waiting.extract_if(.., lacks).flat_map(|task| task.packages);
            left.push((place, packages.map(|package| package.file_name.clone()).collect()));
        }
        left
    }
}
