//! The policy that is compiled into the program: every command works anywhere, and `init` writes it out.

use include_dir::{Dir, File, include_dir};

use super::compile::PolicySources;

static CONFIG: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config");

/// The shipped packs and platform notices, by their names below `config/`.
///
/// Overlays, exceptions and stores are shipped as examples: they hold comments and empty lists.
pub fn shipped() -> PolicySources<'static> {
    PolicySources {
        packs: folder("policies"),
        overlays: folder("overlays"),
        exceptions: file("exceptions.yaml"),
        stores: file("stores.yaml"),
        notices: file("platform_notices.yaml"),
        ..PolicySources::default()
    }
}

fn file(name: &str) -> Vec<(&'static str, &'static str)> {
    CONFIG.get_file(name).and_then(text).into_iter().collect()
}

/// Every file below a folder, in the order of their paths.
fn folder(name: &str) -> Vec<(&'static str, &'static str)> {
    let mut files = Vec::new();
    if let Some(folder) = CONFIG.get_dir(name) {
        collect(folder, &mut files);
    }
    files.sort_unstable();
    files
}

fn collect(folder: &'static Dir<'static>, files: &mut Vec<(&'static str, &'static str)>) {
    files.extend(folder.files().filter_map(text));
    folder.dirs().for_each(|below| collect(below, files));
}

fn text(file: &'static File<'static>) -> Option<(&'static str, &'static str)> {
    let name = file.path().to_str()?;
    if !name.ends_with(".yaml") {
        return None;
    }
    Some((name, file.contents_utf8()?))
}
