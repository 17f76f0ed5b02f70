//! Plays scenarios against real servers: two at a time, each in a folder of its own, each with one line of what it saw.

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tempfile::TempDir;

/// Scenarios at a time.
const AT_A_TIME: usize = 2;
/// Lines of a log that are told of a scenario that failed.
const LOG_LINES: usize = 60;

/// Plays the scenarios whose names contain a word of the command line, all when there is none, in their order. Those
/// that fail leave their files in `root`.
pub(crate) fn play<S: Copy + Sync>(
    title: &str,
    against: &str,
    scenarios: &[(&'static str, S)],
    root: &mut TempDir,
    play: impl Fn(S, &str, &Path) -> String + Sync,
) -> ExitCode {
    // libtest's own flags (--quiet, --test-threads) are of no concern here.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen: Vec<_> = scenarios
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word.as_str())))
        .collect();
    let began = Instant::now();
    println!("running {} scenarios against {against}", chosen.len());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(&&(name, scenario)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let dir = root.path().join(name);
                    std::fs::create_dir_all(&dir).unwrap();
                    let began = Instant::now();
                    let result = std::panic::catch_unwind(AssertUnwindSafe(|| play(scenario, name, &dir)));
                    let took = began.elapsed().as_secs_f64();
                    match result {
                        Ok(saw) => println!("test {name} ... ok ({took:.1} s): {saw}"),
                        Err(_) => {
                            println!("test {name} ... FAILED ({took:.1} s)");
                            tell_logs(&dir);
                            failed.lock().unwrap().push(name);
                        }
                    }
                    let _ = std::io::stdout().flush();
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if !failed.is_empty() {
        root.disable_cleanup(true);
        println!("\nfailed: {}; their files stay in {}", failed.join(", "), root.path().display());
    }
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    println!(
        "{title}: {} passed, {} failed, {} skipped",
        chosen.len() - failed.len(),
        failed.len(),
        scenarios.len() - chosen.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Ends of the logs in a folder: where the tests ran for somebody else, nothing but their output is left.
fn tell_logs(dir: &Path) {
    for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let log = std::fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let skipped = lines.len().saturating_sub(LOG_LINES);
            println!("--- {} ({skipped} lines before)\n{}", path.display(), lines[skipped..].join("\n"));
        }
    }
}
