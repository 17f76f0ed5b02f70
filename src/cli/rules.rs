//! From flags and configuration to the rules that judge.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, Flag, Loaded, PackBinding, Retention, Verdicts};
use crate::engine::Engine;
use crate::hash::stable_hash;
use crate::policy::diff::EffectivePack;
use crate::policy::{self, Binding, BindingMode, Mode, PolicyError, PolicySources, Ruleset, StoreSeed};
use crate::runtime::judge::Judge;
use crate::shipped::{self, Part, Tree, TreeFile};
use crate::state::TaskState;
use crate::text::Scanner;
use crate::text::encoder::{Encoder, Head};
use crate::text::scan::LexiconSources;
use crate::trial::{CaseReport, run_cases};

use super::Failure;
use crate::clock;

/// What judges, and with which configuration.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Policies")]
pub(super) struct PolicyArgs {
    /// Judge with the packs, lexicons and domain lists of this directory (see `contactwatch init`)
    ///
    /// The directory has the layout that `init` writes; parts that it lacks are the shipped ones. A directory without
    /// policies/ is taken for one of packs alone.
    #[arg(long, value_name = "DIR")]
    pub(super) policies: Option<PathBuf>,
    /// Stores with parameters, packs, brand domains, capabilities and templates of their own
    #[arg(long, value_name = "FILE")]
    pub(super) stores: Option<PathBuf>,
    /// Judge by the lexicons alone, without the classifier's second opinion
    #[arg(long)]
    pub(super) no_classifier: bool,
    /// Also ask a sentence encoder about texts that the classifier is not sure of; `make encoder` writes its file
    #[arg(long, value_name = "FILE", conflicts_with = "no_classifier")]
    pub(super) encoder: Option<PathBuf>,
    /// Configuration file; without one the defaults hold
    #[arg(long, value_name = "FILE", env = "CONTACTWATCH_CONFIG", hide_env_values = true)]
    pub(super) config: Option<PathBuf>,
}

impl PolicyArgs {
    /// Merges configuration file, environment and these flags; `more` are flags of the command itself.
    pub(super) fn load_config(&self, more: &[Flag]) -> Result<Loaded, Failure> {
        let mut flags = more.to_vec();
        for (flag, key, value) in [
            ("--policies", "policies.dir", &self.policies),
            ("--stores", "stores", &self.stores),
            ("--encoder", "policies.encoder", &self.encoder),
        ] {
            if let Some(path) = value {
                flags.push(Flag { flag, key, value: path.display().to_string() });
            }
        }
        if self.no_classifier {
            let (flag, key) = ("--no-classifier", "policies.classifier");
            flags.push(Flag { flag, key, value: false.to_string() });
        }
        load_config(self.config.as_deref(), &flags)
    }

    /// The rules that these flags ask for.
    pub(super) fn load(&self) -> Result<Rules, Failure> {
        Rules::load(&self.load_config(&[])?.config)
    }

    /// The same, also when cases fail: for commands that report about policies and judge nothing.
    pub(super) fn load_on_trial(&self) -> Result<Rules, Failure> {
        Rules::load_on_trial(&self.load_config(&[])?.config)
    }
}

/// Which configuration, for commands that judge nothing.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigFile {
    /// Configuration file; without one defaults and environment alone
    #[arg(long, value_name = "FILE", env = "CONTACTWATCH_CONFIG", hide_env_values = true)]
    pub(super) config: Option<PathBuf>,
}

impl ConfigFile {
    /// Merges the file and the environment.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        load_config(self.config.as_deref(), &[])
    }
}

/// Merges a configuration file, the environment and flags.
pub(super) fn load_config(file: Option<&Path>, flags: &[Flag]) -> Result<Loaded, Failure> {
    let text = match file {
        Some(path) => Some(read_text(path, "configuration file")?),
        None => None,
    };
    let environment = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    Ok(config::load(file.zip(text.as_deref()), environment, flags)?)
}

/// Rules that judge, and what people want to know about them.
pub(super) struct Rules {
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) policy: Policy,
    retention: Retention,
}

/// What is left of a compilation once its rules run.
pub(super) struct Policy {
    pub(super) effective: Vec<EffectivePack>,
    pub(super) warnings: Vec<PolicyError>,
    /// How the inline cases of every pack went.
    pub(super) cases: Vec<CaseReport>,
    seeds: Vec<StoreSeed>,
}

/// Texts that were read for a policy: compilers borrow from here.
struct Files {
    tree: Tree,
    overlays: Vec<(String, String)>,
    exceptions: Vec<(String, String)>,
    stores: Vec<(String, String)>,
}

impl Files {
    fn read(config: &Config) -> Result<Self, Failure> {
        let read = |paths: &[PathBuf], what: &str| -> Result<Vec<(String, String)>, Failure> {
            paths.iter().map(|path| Ok((path.display().to_string(), read_text(path, what)?))).collect()
        };
        Ok(Self {
            tree: tree(config.policies.dir.as_deref())?,
            overlays: read(&config.policies.overlays, "overlay")?,
            exceptions: read(&config.policies.exceptions, "file of exceptions")?,
            stores: read(config.stores.as_slice(), "file of stores")?,
        })
    }

    fn scanner(&self, config: &Config) -> Result<(Arc<Scanner>, u64), Failure> {
        let mut files = self.tree.part(Part::Lexicons);
        files.extend(self.tree.part(Part::Domains));
        let mut scanner = Scanner::compile(&LexiconSources { files: &files }).map_err(Failure::usage)?;
        let mut texts = files.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\0").into_bytes();
        if config.policies.classifier {
            scanner = scanner.with_classifier(shipped::classifier());
            texts.extend(shipped::CLASSIFIER);
            if let Some(path) = &config.policies.encoder {
                let (encoder, head, hash) = encoder(path)?;
                scanner = scanner.with_encoder(encoder, head);
                texts.extend(hash.to_le_bytes());
            }
        }
        Ok((Arc::new(scanner), stable_hash(&texts)))
    }

    fn sources<'a>(&'a self, config: &Config, lexicon_hash: u64) -> PolicySources<'a> {
        fn names(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
            files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
        }
        let mut overlays = self.tree.part(Part::Overlays);
        overlays.extend(names(&self.overlays));
        let mut exceptions = self.tree.part(Part::Exceptions);
        exceptions.extend(names(&self.exceptions));
        PolicySources {
            packs: self.tree.part(Part::Packs),
            overlays,
            exceptions,
            // A file that the configuration names takes the place of the one beside the packs.
            stores: if config.stores.is_some() {
                names(&self.stores).collect()
            } else {
                self.tree.part(Part::Stores)
            },
            notices: self.tree.part(Part::Notices),
            bindings: config.policies.bindings.iter().map(binding).collect(),
            hold_back: config.policies.hold_back,
            lexicon_hash,
            now: Some(clock::now()),
        }
    }
}

/// The encoder of a file with its shipped head, and what tells both from others.
fn encoder(path: &Path) -> Result<(Encoder, Head, u64), Failure> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot use the encoder file {}: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fault(&"there is none; `make encoder` writes one"),
        _ => fault(&error),
    })?;
    let encoder = Encoder::read(&bytes).map_err(|error| fault(&error))?;
    let head = shipped::encoder_head().ok_or_else(|| fault(&"this build has no head for an encoder"))?;
    let hash = stable_hash(&bytes) ^ stable_hash(shipped::encoder_head_bytes()).rotate_left(1);
    Ok((encoder, head, hash))
}

fn binding(binding: &PackBinding) -> Binding {
    let store = |store: &String| {
        let (platform, id) = store.split_once('/')?;
        Some((platform.to_owned(), id.to_owned()))
    };
    Binding {
        pack: binding.pack.clone(),
        mode: binding.mode.map(|mode| match mode {
            config::BindingMode::Enforce => BindingMode::Mode(Mode::Enforce),
            config::BindingMode::Shadow => BindingMode::Mode(Mode::Shadow),
            config::BindingMode::Off => BindingMode::Off,
        }),
        platforms: binding.platforms.clone(),
        stores: binding.stores.iter().filter_map(store).collect(),
        file: "policies.bindings".to_owned(),
    }
}

fn faults(errors: Vec<PolicyError>) -> Failure {
    Failure::Usage(errors.iter().map(ToString::to_string).collect())
}

impl Policy {
    /// How many packs are in force somewhere.
    pub(super) fn packs(&self) -> usize {
        self.effective.iter().map(|pack| &pack.id).collect::<BTreeSet<_>>().len()
    }

    /// The inline cases that fail.
    pub(super) fn failing(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|report| !report.passed())
    }
}

/// How many failing cases a refusal tells; one wrong word may break dozens.
const TOLD: usize = 3;

fn refusal(policy: &Policy, failing: usize, dir: Option<&Path>) -> Failure {
    let told = policy.failing().take(TOLD).map(|report| {
        let CaseReport { case, faults, .. } = report;
        format!("{}: pack {}: case \"{}\" fails: {}", case.place, case.pack, case.name, faults.join("; "))
    });
    let mut messages: Vec<String> = told.collect();
    let dir = dir.map_or(String::new(), |dir| format!(" --policies {}", dir.display()));
    messages.push(format!(
        "{failing} of {} inline cases fail, and nothing is judged until they hold; `contactwatch policy test{dir}` \
         shows all of them; mend packs or cases, or change values by an overlay (see overlays/example.yaml), which \
         leaves a pack and its cases as they are",
        policy.cases.len()
    ));
    Failure::Usage(messages)
}

impl Rules {
    /// Reads, compiles and tries what the configuration names. Nothing is judged by packs whose own cases fail: they
    /// say something else than their author means.
    pub(super) fn load(config: &Config) -> Result<Self, Failure> {
        let rules = Self::load_on_trial(config)?;
        match rules.policy.failing().count() {
            0 => Ok(rules),
            failing => Err(refusal(&rules.policy, failing, config.policies.dir.as_deref())),
        }
    }

    /// The same, also when cases fail.
    pub(super) fn load_on_trial(config: &Config) -> Result<Self, Failure> {
        let files = Files::read(config)?;
        let (scanner, hash) = files.scanner(config)?;
        let compiled = policy::build(&files.sources(config, hash), &*scanner).map_err(faults)?;
        let policy = Policy {
            cases: run_cases(&compiled, &scanner),
            effective: compiled.effective.clone(),
            warnings: compiled.warnings.clone(),
            seeds: compiled.seeds.clone(),
        };
        let ruleset = Arc::new(compiled.into_ruleset(scanner));
        Ok(Self { ruleset, policy, retention: config.retention })
    }

    /// What the daemon judges with.
    pub(super) fn judge(self, verdicts: Verdicts, generation: u64) -> Judge {
        Judge {
            engine: Engine::new(self.ruleset, verdicts.into()),
            seeds: self.policy.seeds,
            loaded_at: clock::now(),
            generation,
        }
    }

    /// The platforms that have packs, in order.
    pub(super) fn platforms(&self) -> Vec<&str> {
        let mut platforms: Vec<&str> = self.ruleset.platforms().collect();
        platforms.sort_unstable();
        platforms
    }

    /// A state that knows what the file of stores says, and nothing else.
    pub(super) fn state(&self) -> TaskState {
        let mut state = TaskState::new(self.retention.into());
        Engine::seed(&mut state, &self.policy.seeds);
        state
    }
}

/// The shipped tree, or the one of a directory with its gaps filled from the shipped one.
pub(super) fn tree(dir: Option<&Path>) -> Result<Tree, Failure> {
    let Some(dir) = dir else { return Ok(Tree::shipped()) };
    let mut files = Vec::new();
    // Without policies/ the files are packs: a directory of nothing else is a natural thing to have.
    let prefix = if dir.join("policies").is_dir() { "" } else { Part::Packs.location() };
    walk(dir, dir, prefix, &mut files)?;
    let own = Tree::new(files);
    if !own.has(Part::Packs) {
        let dir = dir.display();
        return Err(Failure::usage(format!(
            "{dir} holds no policy packs (*.yaml); `contactwatch init {dir}` writes the shipped ones there"
        )));
    }
    Ok(own.over(Tree::shipped()))
}

fn walk(root: &Path, dir: &Path, prefix: &str, files: &mut Vec<TreeFile>) -> Result<(), Failure> {
    let cannot = |path: &Path, error: io::Error| {
        Failure::usage(format!("cannot read the policies in {}: {error}", path.display()))
    };
    for entry in std::fs::read_dir(dir).map_err(|error| cannot(dir, error))? {
        let entry = entry.map_err(|error| cannot(dir, error))?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Mounted configuration maps are directories of symbolic links: ask for what a link points at.
        let data = std::fs::metadata(&path).map_err(|error| cannot(&path, error))?;
        if data.is_dir() {
            walk(root, &path, prefix, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            let within = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let text = read_text(&path, "policy file")?;
            files.push(TreeFile {
                path: format!("{prefix}{within}"),
                name: path.display().to_string(),
                text: Cow::Owned(text),
            });
        }
    }
    Ok(())
}

/// Reads a file that belongs to the configuration: faults of it are the user's to mend.
pub(super) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("cannot read the {what} {}: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| fault(&error))?;
    String::from_utf8(bytes).map_err(|error| fault(&error.utf8_error()))
}
