//! Scanner.
/// Scanner.
#[derive(Debug)]
pub struct Scanner;
/// Scratch.
#[derive(Debug, Default)]
pub struct Scratch;
