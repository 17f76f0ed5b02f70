//! Values that must not be seen.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

/// A password or token. It shows itself to nobody: neither in `Debug` nor in serialised form.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// What is shown instead.
pub(super) const REDACTED: &str = "<redacted>";

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The secret of configuration key `key`: given by the environment, or in its file (`<key>_file`).
    ///
    /// # Errors
    /// When the file cannot be read or is empty, with the key and the file.
    pub fn of(key: &str, inline: Option<&Self>, file: Option<&Path>) -> Result<Option<Self>, String> {
        match (inline, file) {
            (Some(secret), _) => Ok(Some(secret.clone())),
            (None, Some(file)) => Self::read(file)
                .map(Some)
                .map_err(|error| format!("{key}_file {} cannot be read: {error}", file.display())),
            (None, None) => Ok(None),
        }
    }

    /// Reads a secret from its file; line ends at the end of the file do not belong to it.
    ///
    /// # Errors
    /// When the file cannot be read or is empty.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is empty"));
        }
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {secret:#?}"), "<redacted> <redacted>");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<redacted>\"");
        assert_eq!(secret.reveal(), "hunter2");
    }
}
