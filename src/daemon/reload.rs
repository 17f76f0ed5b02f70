//! Loading policies and stores anew while the daemon runs: compiled aside, swapped whole, or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::metrics::Metrics;
use crate::runtime::judge::{Judge, SharedJudge};
use crate::runtime::shutdown::Shutdown;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How often the watcher looks whether the process ends.
const NAP: Duration = Duration::from_millis(100);

/// Compiles what judges; its argument becomes the generation. Errors are lines for the operator.
pub type Loader = Arc<dyn Fn(u64) -> Result<Judge, Vec<String>> + Send + Sync>;

/// Swaps what judges.
pub struct Reloader {
    judge: SharedJudge,
    loader: Loader,
    metrics: Arc<Metrics>,
    /// One load at a time.
    lock: Mutex<()>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    /// A reloader of `judge`.
    pub fn new(judge: SharedJudge, loader: Loader, metrics: Arc<Metrics>) -> Self {
        Self { judge, loader, metrics, lock: Mutex::new(()) }
    }

    /// Loads anew because of `why`. Returns the new generation.
    ///
    /// # Errors
    /// Everything that is wrong; what judged before goes on judging.
    pub fn reload(&self, why: &str) -> Result<u64, Vec<String>> {
        let _one_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.judge.load().generation + 1;
        match (self.loader)(generation) {
            Ok(judge) => {
                self.metrics.judged_by(&judge);
                self.judge.store(Arc::new(judge));
                tracing::info!(why, generation, "policies and stores were loaded anew");
                Ok(generation)
            }
            Err(faults) => {
                self.metrics.loaded(None);
                for fault in &faults {
                    tracing::error!(why, fault, "policies and stores were not loaded; the old ones stay");
                }
                Err(faults)
            }
        }
    }
}

/// Starts a thread that loads anew when one of `paths` (files, or directories with all below them) has changed and then
/// stood still for one look: editors and deployments write in several steps.
///
/// # Errors
/// When the thread cannot be started.
pub fn watch(reloader: Arc<Reloader>, paths: Vec<PathBuf>, shutdown: Shutdown) -> std::io::Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let run = move || {
        let mut loaded = fingerprint(&paths);
        let mut last = loaded.clone();
        let mut slept = Duration::ZERO;
        while !shutdown.begun() {
            std::thread::sleep(NAP);
            slept += NAP;
            if slept < LOOK {
                continue;
            }
            slept = Duration::ZERO;
            let now = fingerprint(&paths);
            if now == last && now != loaded {
                // A faulty file is not tried again before it changes again.
                let _ = reloader.reload("a file changed");
                loaded = now.clone();
            }
            last = now;
        }
    };
    std::thread::Builder::new().name("watch".to_owned()).spawn(run).map(drop)
}

type Fingerprint = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Every file with its length and time of change. Follows links: mounted configuration maps are made of them.
fn fingerprint(paths: &[PathBuf]) -> Fingerprint {
    fn walk(path: &Path, into: &mut Fingerprint) {
        let Ok(data) = std::fs::metadata(path) else { return };
        if !data.is_dir() {
            into.insert(path.to_owned(), (data.len(), data.modified().ok()));
            return;
        }
        let Ok(entries) = std::fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            if !entry.file_name().to_string_lossy().starts_with('.') {
                walk(&entry.path(), into);
            }
        }
    }
    let mut files = Fingerprint::new();
    paths.iter().for_each(|path| walk(path, &mut files));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Emit, Engine};
    use crate::time::Millis;

    fn judge(generation: u64) -> Judge {
        let engine = Engine::new(crate::shipped::ruleset(), Emit::All);
        Judge { engine, seeds: Vec::new(), loaded_at: Millis(0), generation }
    }

    #[test]
    fn a_failed_load_changes_nothing() {
        let metrics = Metrics::new(&crate::config::Config::default()).unwrap();
        let shared: SharedJudge = Arc::new(arc_swap::ArcSwap::from_pointee(judge(1)));
        let faulty = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let flag = Arc::clone(&faulty);
        let loader: Loader = Arc::new(move |generation| {
            if flag.load(std::sync::atomic::Ordering::SeqCst) {
                Err(vec!["pack.yaml:3:1: no such rule".to_owned()])
            } else {
                Ok(judge(generation))
            }
        });
        let reloader = Reloader::new(Arc::clone(&shared), loader, Arc::clone(&metrics));
        let before = shared.load_full();
        assert_eq!(reloader.reload("test"), Err(vec!["pack.yaml:3:1: no such rule".to_owned()]));
        assert!(Arc::ptr_eq(&before, &shared.load_full()));
        let text = |metrics: &Metrics| String::from_utf8(metrics.render()).unwrap();
        assert!(text(&metrics).contains("contactwatch_config_last_reload_successful 0"));
        faulty.store(false, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(reloader.reload("test"), Ok(2));
        assert_eq!(shared.load().generation, 2);
        assert!(text(&metrics).contains("contactwatch_config_last_reload_successful 1"));
    }

    #[test]
    fn a_fingerprint_sees_files_come_go_and_change() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("packs/a.yaml");
        std::fs::create_dir(dir.path().join("packs")).unwrap();
        let seen = || fingerprint(&[dir.path().to_owned()]);
        let empty = seen();
        std::fs::write(&file, "a").unwrap();
        let one = seen();
        std::fs::write(&file, "ab").unwrap();
        let longer = seen();
        std::fs::remove_file(&file).unwrap();
        assert!(empty != one && one != longer && seen() == empty);
    }
}
