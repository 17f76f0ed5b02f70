//! How a command ends.

use std::fmt;
use std::io;

use crate::config::ConfigError;

/// A command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing stands against it: 0.
    Fine,
    /// Violations were found, a test failed, or a bound is over budget: 1.
    Findings,
}

impl Status {
    /// [`Status::Findings`] when there are any.
    pub(super) fn findings(any: bool) -> Self {
        if any { Self::Findings } else { Self::Fine }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
        }
    }
}

/// A command that could not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// The user can mend it on the command line or in a file of theirs: 2.
    Usage(Vec<String>),
    /// Files, input: 3.
    Runtime(String),
    /// Standard output cannot be written: 3; or its reader went away: 0, and not a word.
    Output(io::Error),
}

impl Failure {
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(vec![message.to_string()])
    }

    pub(super) fn runtime(message: impl fmt::Display) -> Self {
        Self::Runtime(message.to_string())
    }

    /// What is wrong, a message each.
    pub(super) fn messages(self) -> Vec<String> {
        match self {
            Self::Usage(messages) => messages,
            Self::Runtime(message) => vec![message],
            Self::Output(error) => vec![error.to_string()],
        }
    }

    /// Says what is wrong on standard error, and returns the exit code.
    pub(super) fn report(&self) -> u8 {
        let (messages, code) = match self {
            Self::Usage(messages) => (messages.as_slice(), 2),
            Self::Runtime(message) => (std::slice::from_ref(message), 3),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return 0,
            Self::Output(error) => {
                anstream::eprintln!(
                    "{}: cannot write to standard output: {error}",
                    super::output::error_word()
                );
                return 3;
            }
        };
        for message in messages {
            anstream::eprintln!("{}: {message}", super::output::error_word());
        }
        code
    }
}

/// Only writing to standard output gives a bare [`io::Error`]: reading names its file.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

impl From<Vec<ConfigError>> for Failure {
    fn from(errors: Vec<ConfigError>) -> Self {
        Self::Usage(errors.into_iter().map(|error| error.to_string()).collect())
    }
}
