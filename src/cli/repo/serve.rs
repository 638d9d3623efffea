//! `kubepkg repo serve`

use std::net::{SocketAddr, ToSocketAddrs as _};

use serde_json::json;

use crate::cli::Done;
use crate::cli::diagnostic::Failure;
use crate::cli::exit::Exit;
use crate::cli::repository::{Known, Patience, store};
use crate::cli::session::Session;
use crate::cli::ui::{self, Verbosity};
use crate::cli::{pretty, signal, signing};
use crate::repository::charter::Repository;
use crate::repository::serve::{Limits, Server};
use crate::repository::store::Location;

/// Serve a repository over HTTP, for a laptop or a lab
///
/// Read-only, without TLS, on this machine alone unless `--listen` says something else. The URL is printed when it
/// listens; Ctrl-C ends it. Any web server does the same for a folder, and every object store for a bucket.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kubepkg repo serve ./repo
  kubepkg repo serve s3://packages/kubernetes --listen 127.0.0.1:0")]
pub(super) struct Serve {
    /// Repository [default: that of kubepkg.yaml, or this folder]: a folder, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://CONTAINER/PREFIX`
    #[arg(value_name = "DIR|URL", env = "KUBEPKG_REPO", hide_env_values = true)]
    place: Option<String>,

    /// Address and port; port 0 chooses a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: String,

    #[command(flatten)]
    known: Known,
    #[command(flatten)]
    patience: Patience,
}

impl Serve {
    pub(super) fn run(&self, session: &Session) -> Result<Done, Failure> {
        let address = address(&self.listen)?;
        // Whoever serves a folder by mistake would show more than packages.
        let place = self.place.as_deref().or(session.config.repo.as_deref()).unwrap_or(".");
        let repository = Repository::open(store(place, &self.patience)?, self.known.anchors(session, place))?;
        if matches!(repository.store().location(), Location::Web(_)) {
            return Err(Failure::usage(format!("`{place}`: a web server serves it already"))
                .hint("name the folder or the bucket that it shows"));
        }
        let (location, name) = (repository.store().location().to_string(), repository.charter().name.clone());
        let failed = |error: &std::io::Error| {
            Failure::usage(format!("cannot listen on `{}`: {error}", self.listen))
                .hint("`--listen 127.0.0.1:0` takes a port that is free")
        };
        let server =
            Server::bind(repository.into_store(), address, Limits::default()).map_err(|error| failed(&error))?;
        let address = server.address().map_err(|error| failed(&error))?;
        if !address.ip().is_loopback() {
            session.ui.warning(&format!("{address} is open to everyone who can reach this machine, without TLS"));
        }
        let stopper = server.stopper();
        signal::at_interrupt(move || stopper.stop());
        let url = format!("http://{address}/");
        let json = json!({"schema": 1, "url": url, "repository": location, "name": name});
        let told = if session.json { pretty(&json) } else { format!("{url}\n") };
        ui::data(&told).map_err(|error| Failure::stdout(&error))?;
        session.ui.status("Serving", &format!("{location} until Ctrl-C"));
        let ui = session.ui;
        let told = server.run(signing::system_time, move |served| {
            if ui.verbosity >= Verbosity::Steps {
                ui.status(&served.method, &format!("{} {}", served.status, served.path));
            }
        });
        told.map_err(|error| Failure::new(Exit::Unknown, &error))?;
        signal::wait_for_the_end();
        Ok(Done::new(String::new(), json))
    }
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let bad = |cause: String| {
        Failure::usage(format!("`{text}` is no address to listen on: {cause}"))
            .hint("write an address and a port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`")
    };
    let mut found = text.to_socket_addrs().map_err(|error| bad(error.to_string()))?;
    found.next().ok_or_else(|| bad("nothing has this name".to_owned()))
}
