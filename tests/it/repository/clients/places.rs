//! Where the repository of a client is.

use std::path::Path;

use kubepkg::repository::store::Store;

use crate::repository::rig::Rig;
use crate::repository::s3;
use crate::repository::server::Serving;

/// How a client gets at a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A folder of the machine.
    Folder,
    /// A folder that is served.
    Http,
    /// A bucket that anybody may read.
    Bucket,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Folder, Self::Http, Self::Bucket];
}

/// Where a copy of a repository lies in a root.
pub(super) const IN_ROOT: &str = "repository";

/// A repository, and how clients get at it.
pub(super) struct Place {
    pub(super) rig: Rig,
    server: Server,
}

enum Server {
    None,
    Files(Serving),
    Bucket(s3::Server),
}

impl Place {
    pub(super) fn new(way: Way) -> Self {
        match way {
            Way::Folder => Self { rig: Rig::new(), server: Server::None },
            Way::Http => {
                let rig = Rig::new();
                let server = Server::Files(Serving::start(&rig.place, &[]));
                Self { rig, server }
            }
            Way::Bucket => {
                let server = s3::Server::start();
                server.open_to_everybody();
                Self { rig: Rig::in_bucket(&server, "kubernetes"), server: Server::Bucket(server) }
            }
        }
    }

    /// The URL for a client that has a copy of a folder as `root`; the folder itself without.
    pub(super) fn url(&self, root: Option<&str>) -> String {
        match &self.server {
            Server::None => {
                root.map_or_else(|| format!("file://{}", self.rig.root().display()), |root| format!("file:///{root}"))
            }
            Server::Files(server) => server.url.trim_end_matches('/').to_owned(),
            Server::Bucket(server) => server.url("kubernetes"),
        }
    }

    /// The folder that a client in a root of its own needs a copy of.
    pub(super) fn folder(&self) -> Option<&Path> {
        matches!(self.server, Server::None).then(|| self.rig.root())
    }

    /// The files as somebody who can write there sees them.
    pub(super) fn store(&self) -> Store {
        self.rig.store()
    }
}
