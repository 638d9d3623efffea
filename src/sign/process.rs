//! Programs that keep keys: started, fed, read and stopped, with a limit on everything.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a program may take, a person who types a PIN included.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long its pipes may stay open after it ended.
const GRACE: Duration = Duration::from_secs(5);
/// Whether it ended is looked at so often.
const LOOK: Duration = Duration::from_millis(5);
/// The most that it may write to stdout, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;
/// The most that is read of its stderr, in bytes.
const MAX_WORDS: u64 = 64 << 10;
/// How many lines of its stderr are told.
const TOLD: usize = 10;

/// How the environment of such a program differs from that of this process.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<OsString, Option<OsString>>);

impl Environment {
    /// Keeps a variable from the program.
    #[must_use]
    pub fn without(mut self, name: impl Into<OsString>) -> Self {
        self.0.insert(name.into(), None);
        self
    }

    /// Gives the program a variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.0.insert(name.into(), Some(value.into()));
        self
    }

    pub(super) fn set(&self, command: &mut Command) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}

/// Why a program that keeps a key gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// The cause.
        source: io::Error,
    },
    /// It ended with another exit code than 0.
    #[error("`{program}` failed ({status}){said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it wrote to stderr.
        said: String,
    },
    /// It took too long, and was stopped.
    #[error("`{program}` took more than {} seconds", PATIENCE.as_secs())]
    Slow {
        /// The program.
        program: String,
    },
    /// It wrote too much.
    #[error("`{program}` wrote more than {MAX_OUTPUT} bytes")]
    Long {
        /// The program.
        program: String,
    },
    /// What it wrote is not what was asked for.
    #[error("`{program}`: {cause}")]
    Answer {
        /// The program.
        program: String,
        /// What is wrong.
        cause: String,
    },
    /// Its pipes cannot be used.
    #[error("cannot talk to `{program}`: {source}")]
    Pipe {
        /// The program.
        program: String,
        /// The cause.
        source: io::Error,
    },
}

/// The message that was to be signed cannot be read, or the program failed.
#[derive(Debug)]
pub(super) enum Failure {
    Message(io::Error),
    Process(ProcessError),
}

/// Runs a program with `input` on stdin, and returns what it wrote to stdout.
pub(super) fn run(mut command: Command, input: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let pipe = |source| ProcessError::Pipe { program: program.clone(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|source| Failure::Process(ProcessError::Start { program: program.clone(), source }))?;
    let (stdin, output) = (child.stdin.take(), child.stdout.take().map(|out| drain(out, MAX_OUTPUT + 1)));
    let words = child.stderr.take().map(|words| drain(words, MAX_WORDS));
    let child = Arc::new(Mutex::new(child));
    let clock = Watch::begin(Arc::clone(&child));
    let fed = feed(stdin, input);
    if fed.is_err() {
        kill(&child);
    }
    let status = wait(&child).map_err(|source| Failure::Process(pipe(source)))?;
    let is_slow = clock.end();
    match fed {
        Err(Fed::Message(error)) => return Err(Failure::Message(error)),
        Err(Fed::Pipe(error)) => return Err(Failure::Process(pipe(error))),
        Ok(()) => {}
    }
    let said = words.as_ref().map(collect).and_then(Result::ok).unwrap_or_default();
    let answer = if is_slow {
        Err(ProcessError::Slow { program })
    } else if !status.success() {
        Err(ProcessError::Failed { program, status, said: told(&said) })
    } else {
        match output.as_ref().map_or_else(|| Ok(Vec::new()), collect) {
            Ok(bytes) if bytes.len() as u64 > MAX_OUTPUT => Err(ProcessError::Long { program }),
            Ok(bytes) => Ok(bytes),
            Err(source) => Err(ProcessError::Pipe { program, source }),
        }
    };
    answer.map_err(Failure::Process)
}

enum Fed {
    Message(io::Error),
    Pipe(io::Error),
}

/// Writes the message. A program that has read enough may close its stdin.
fn feed(stdin: Option<ChildStdin>, input: &mut dyn Read) -> Result<(), Fed> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fed::Message(error)),
        };
        match stdin.write_all(&buffer[..length]) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other.map_err(Fed::Pipe)?,
        }
    }
}

/// Reads a pipe to its end, but keeps only `limit` bytes.
fn drain(mut pipe: impl Read + Send + 'static, limit: u64) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let read = (&mut pipe).take(limit).read_to_end(&mut kept);
        let read = read.and_then(|_| io::copy(&mut pipe, &mut io::sink()));
        // Nobody waits any more if it took too long.
        let _ = sender.send(read.map(|_| kept));
    });
    receiver
}

fn collect(receiver: &Receiver<io::Result<Vec<u8>>>) -> io::Result<Vec<u8>> {
    receiver.recv_timeout(GRACE).unwrap_or_else(|_| Err(io::Error::other("something else still holds its output open")))
}

fn wait(child: &Mutex<Child>) -> io::Result<ExitStatus> {
    loop {
        let ended = child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()?;
        match ended {
            Some(status) => return Ok(status),
            None => thread::sleep(LOOK),
        }
    }
}

fn kill(child: &Mutex<Child>) {
    // It may have ended by itself.
    let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
}

/// Stops a program that takes too long.
struct Watch {
    stop: mpsc::Sender<()>,
    watcher: thread::JoinHandle<bool>,
}

impl Watch {
    fn begin(child: Arc<Mutex<Child>>) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let watcher = thread::spawn(move || {
            let is_slow = stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
            if is_slow {
                kill(&child);
            }
            is_slow
        });
        Self { stop, watcher }
    }

    /// Ends the watch, and says whether the program was stopped.
    fn end(self) -> bool {
        drop(self.stop);
        self.watcher.join().unwrap_or(false)
    }
}

/// The end of what a program said, fit for a message.
fn told(words: &[u8]) -> String {
    const WIDTH: usize = 400;
    let words = String::from_utf8_lossy(words);
    let lines: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(TOLD)..];
    let shown = |line: &&str| {
        let shown: String = line.chars().take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("\n  {shown}")
    };
    last.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, &mut &*input)
    }

    fn refused(script: &str) -> String {
        match shell(script, &vec![7; 1 << 20]) {
            Err(Failure::Process(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_program_answers() {
        assert_eq!(shell("cat", b"text").unwrap(), b"text");
        // One that does not read, and one that writes much to stderr, are waited for all the same.
        assert_eq!(shell("printf x", &vec![7; 1 << 20]).unwrap(), b"x");
        assert_eq!(shell("head -c 1000000 /dev/zero >&2; printf x", b"").unwrap(), b"x");
    }

    #[test]
    fn a_program_that_fails_is_told_with_its_last_words() {
        let said = refused("seq 20 >&2; printf 'no\\033card\\n' >&2; exit 3");
        assert!(said.contains("`sh` failed (exit status: 3)"), "{said}");
        assert!(said.ends_with("\n  20\n  no card") && !said.contains("\n  11\n"), "{said}");
        assert!(refused("kill -9 $$").contains("signal: 9"));
        assert!(refused("head -c 2000000 /dev/zero").contains("more than 1048576 bytes"));
        let missing = run(Command::new("/nothing/at/all"), &mut io::empty());
        assert!(matches!(missing, Err(Failure::Process(ProcessError::Start { .. }))));
    }

    #[test]
    fn a_message_that_cannot_be_read_is_not_the_programs_fault() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken disk"))
            }
        }
        let mut command = Command::new("sleep");
        command.arg("100");
        assert!(matches!(run(command, &mut Broken), Err(Failure::Message(_))));
    }
}
