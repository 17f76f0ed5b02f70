//! Scanner stand-in.
use super::*;
/// Scanner.
#[derive(Debug, Default)]
pub struct Scanner {
    lists: Lists,
}
/// Lists.
#[derive(Debug, Default)]
pub struct Lists;
impl Lists {
    /// In list.
    pub fn in_list(&self, _list: &str, _link: &Link) -> bool {
        false
    }
}
/// Scratch.
#[derive(Debug, Default)]
pub struct Scratch;
impl Scanner {
    /// Scan.
    pub fn scan(&self, _t: &str, _c: &ScanContext<'_>, _s: &mut Scratch, out: &mut Signals) {
        out.clear();
    }
    /// Signal.
    pub fn signal(&self, _name: &str) -> Option<SignalId> {
        None
    }
    /// Name.
    pub fn signal_name(&self, _id: SignalId) -> &str {
        ""
    }
    /// Name.
    pub fn name(&self, _id: NameId) -> &str {
        ""
    }
    /// Lists.
    pub fn domains(&self) -> &Lists {
        &self.lists
    }
}
/// Quotes.
pub fn quote_hashes(_s: &Scanner, _t: &str, _c: &mut Scratch) -> Vec<u64> {
    Vec::new()
}
