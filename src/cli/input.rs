//! Reading lines of several inputs in order, with their places, whatever bytes they hold.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use super::Failure;
use super::output::Progress;

/// Lines of this many bytes or more are errors: no event is that large, and memory stays bounded.
const MAX_LINE: usize = 16 << 20;

/// Files and standard input, in order.
#[derive(Debug)]
pub(super) struct Inputs {
    inputs: Vec<Option<PathBuf>>,
    total: Option<u64>,
}

/// Where a line stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: Option<String>,
    /// From 1.
    pub(super) line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        write!(f, "line {}", self.line)
    }
}

/// What became of reading a line.
pub(super) enum Line<'a> {
    /// Its bytes, without the line end.
    Bytes(&'a [u8]),
    /// It is too large to be read.
    TooLarge,
}

impl Inputs {
    /// Looks that every file is there before any work begins. No file, or `-`, is standard input.
    pub(super) fn new(files: &[PathBuf]) -> Result<Self, Failure> {
        let stdin = files.iter().filter(|file| file.as_os_str() == "-").count();
        if stdin > 1 {
            return Err(Failure::usage("standard input (-) is named twice"));
        }
        if (files.is_empty() || stdin == 1) && io::stdin().is_terminal() {
            anstream::eprintln!("reading standard input; end with Ctrl-D, or see --help");
        }
        let mut total = (stdin == 0 && !files.is_empty()).then_some(0);
        for file in files.iter().filter(|file| file.as_os_str() != "-") {
            let length = match std::fs::metadata(file) {
                Ok(data) if data.is_dir() => {
                    return Err(Failure::runtime(format!(
                        "{} is a directory; name its files",
                        file.display()
                    )));
                }
                Ok(data) => data.len(),
                Err(error) => return Err(cannot_read(file, &error)),
            };
            total = total.map(|total: u64| total + length);
        }
        let mut inputs: Vec<Option<PathBuf>> =
            files.iter().map(|file| (file.as_os_str() != "-").then(|| file.clone())).collect();
        if inputs.is_empty() {
            inputs.push(None);
        }
        Ok(Self { inputs, total })
    }

    /// Hands every line that is not blank to `each`, which may stop by failing.
    pub(super) fn each_line(
        &self,
        mut each: impl FnMut(&Place, Line<'_>, &Progress) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut progress = Progress::new(self.total);
        for input in &self.inputs {
            let file = match input {
                Some(path) => Some(path.display().to_string()),
                None => (self.inputs.len() > 1).then(|| "standard input".to_owned()),
            };
            let mut place = Place { file, line: 0 };
            match input {
                Some(path) => {
                    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
                    let reader = BufReader::with_capacity(1 << 18, file);
                    lines(reader, &mut place, &mut progress, &mut each).map_err(|error| error.name(path))?;
                }
                None => {
                    let reader = BufReader::with_capacity(1 << 18, io::stdin().lock());
                    let path = Path::new("standard input");
                    lines(reader, &mut place, &mut progress, &mut each).map_err(|error| error.name(path))?;
                }
            }
        }
        Ok(())
    }
}

/// Reads a whole text from a file or, for `-`, from standard input.
pub(super) fn whole(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_LINE as u64).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_LINE as u64).read_to_end(&mut bytes))
    };
    read.map_err(|error| cannot_read(path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::runtime(format!("{}: byte {at} is no UTF-8; convert the text first", path.display()))
    })
}

pub(super) fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::runtime(format!("cannot read {}: {error}", path.display()))
}

enum ReadError {
    Read(io::Error),
    Stopped(Failure),
}

impl ReadError {
    fn name(self, path: &Path) -> Failure {
        match self {
            Self::Read(error) => cannot_read(path, &error),
            Self::Stopped(failure) => failure,
        }
    }
}

fn lines(
    mut reader: impl BufRead,
    place: &mut Place,
    progress: &mut Progress,
    each: &mut impl FnMut(&Place, Line<'_>, &Progress) -> Result<(), Failure>,
) -> Result<(), ReadError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read =
            (&mut reader).take(MAX_LINE as u64).read_until(b'\n', &mut line).map_err(ReadError::Read)?;
        if read == 0 {
            return Ok(());
        }
        place.line += 1;
        let whole = line.last() == Some(&b'\n') || read < MAX_LINE;
        let mut skipped = 0;
        if !whole {
            skipped = skip_line(&mut reader).map_err(ReadError::Read)?;
        }
        progress.advance(read as u64 + skipped);
        let bytes =
            trim(if place.line == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line });
        let line = if whole { Line::Bytes(bytes) } else { Line::TooLarge };
        if !bytes.is_empty() {
            each(place, line, progress).map_err(ReadError::Stopped)?;
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let end = memchr::memchr(b'\n', buffer);
        let length = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(length);
        skipped += length as u64;
        if end.is_some() {
            return Ok(skipped);
        }
    }
}

fn trim(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

/// The text of a fault in a line, for standard error.
pub(super) fn line_fault(place: &Place, message: &str) -> String {
    format!("{place}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut seen = Vec::new();
        let mut place = Place { file: None, line: 0 };
        let each = &mut |place: &Place, line: Line<'_>, _: &Progress| {
            seen.push((place.line, if let Line::Bytes(bytes) = line { Some(bytes.to_vec()) } else { None }));
            Ok(())
        };
        assert!(lines(bytes, &mut place, &mut Progress::new(None), each).is_ok());
        seen
    }

    #[test]
    fn blank_lines_line_ends_and_byte_order_marks_are_no_content() {
        let some = |bytes: &[u8]| Some(bytes.to_vec());
        assert_eq!(read(b"\xef\xbb\xbf{}\r\n\n  \t\n[1]"), [(1, some(b"{}")), (4, some(b"[1]"))]);
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\xff\xfe\n"), [(1, some(b"\xff\xfe"))]);
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut bytes = vec![b'x'; MAX_LINE + 5];
        bytes.extend(b"\nnext\n");
        assert_eq!(read(&bytes), [(1, None), (2, Some(b"next".to_vec()))]);
    }
}
