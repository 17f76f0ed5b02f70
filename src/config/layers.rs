//! Merging the layers, and remembering for every value which of them it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use config::{Map, Source, Value as Node, ValueKind};
use serde_json::Value;

use super::secret::REDACTED;
use super::{Config, check};

/// Prefix of environment variables.
const PREFIX: &str = "CONTACTWATCH__";
/// Keys whose values are paths. Those in a file are relative to the file.
const PATHS: [&str; 14] = [
    "policies.dir",
    "policies.overlays",
    "policies.exceptions",
    "policies.encoder",
    "stores",
    "kafka.password_file",
    "kafka.token_file",
    "kafka.ca_file",
    "kafka.certificate_file",
    "kafka.key_file",
    "http.bearer_token_file",
    "alertmanager.bearer_token_file",
    "alertmanager.password_file",
    "alertmanager.ca_file",
];
/// Keys whose values never stand in a file.
const SECRETS: [&str; 4] =
    ["kafka.password", "http.bearer_token", "alertmanager.bearer_token", "alertmanager.password"];

/// A value given by a flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, such as `--policies`.
    pub flag: &'static str,
    /// The key it sets.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// The merged configuration.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Layer by key; keys without an entry have their default.
    pub origins: BTreeMap<String, String>,
}

/// Something is wrong with the configuration: where, what, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Merges defaults, a file (its name and text), environment variables and flags, and checks the result.
///
/// # Errors
/// Everything that is wrong, each with the layer it stands in.
pub fn load(
    file: Option<(&Path, &str)>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Loaded, Vec<ConfigError>> {
    let defaults = serde_json::to_value(Config::default()).map_err(internal)?;
    let known = leaves(&defaults);
    let mut layers = vec![Layer { values: vec![(String::new(), table(&defaults, "default"))] }];
    if let Some((path, text)) = file {
        layers.push(file_layer(path, text).map_err(|error| vec![error])?);
    }
    layers.push(environment_layer(environment, &known)?);
    let flags = flags.iter().map(|flag| {
        let origin = format!("flag {}", flag.flag);
        (flag.key.to_owned(), Node::new(Some(&origin), flag.value.clone()))
    });
    layers.push(Layer { values: flags.collect() });

    let mut builder = config::Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let merged = builder.build().map_err(internal)?;
    let mut origins = BTreeMap::new();
    collect_origins("", &merged.cache, &mut origins);
    let config: Config =
        merged.try_deserialize().map_err(|error| vec![ConfigError(value_fault(&error, &origins))])?;
    let faults = check::check(&config);
    if faults.is_empty() {
        return Ok(Loaded { config, origins });
    }
    let error = |(key, message): (String, String)| {
        let origin =
            origins.iter().find(|(known, _)| **known == key || known.starts_with(&format!("{key}.")));
        let origin = origin.map_or(String::new(), |(_, origin)| format!("{origin}: "));
        ConfigError(format!("{origin}{key} {message}"))
    };
    Err(faults.into_iter().map(error).collect())
}

fn internal(error: impl fmt::Display) -> Vec<ConfigError> {
    vec![ConfigError(format!("configuration: {error}"))]
}

/// One layer: keys with dots, and their values.
#[derive(Clone, Debug)]
struct Layer {
    values: Vec<(String, Node)>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Node>, config::ConfigError> {
        let mut map = Map::new();
        for (key, value) in &self.values {
            match (key.as_str(), &value.kind) {
                ("", ValueKind::Table(table)) => map.extend(table.clone()),
                _ => {
                    map.insert(key.clone(), value.clone());
                }
            }
        }
        Ok(map)
    }
}

/// A JSON value as the merging crate holds it, every part with its origin.
fn table(value: &Value, origin: &str) -> Node {
    let name = origin.to_owned();
    let kind = match value {
        Value::Null => ValueKind::Nil,
        Value::Bool(flag) => ValueKind::Boolean(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => ValueKind::I64(number),
            (None, Some(number)) => ValueKind::Float(number),
            (None, None) => ValueKind::String(number.to_string()),
        },
        Value::String(text) => ValueKind::String(text.clone()),
        Value::Array(items) => ValueKind::Array(items.iter().map(|item| table(item, origin)).collect()),
        Value::Object(map) => {
            ValueKind::Table(map.iter().map(|(key, value)| (key.clone(), table(value, origin))).collect())
        }
    };
    Node::new(Some(&name), kind)
}

/// Keys of all values that are no sections, with their defaults.
fn leaves(defaults: &Value) -> BTreeMap<String, Value> {
    fn walk(prefix: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    walk(&key, value, found);
                }
            }
            _ => {
                found.insert(prefix.to_owned(), value.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk("", defaults, &mut found);
    found
}

fn file_layer(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let name = path.display().to_string();
    let blank = text.lines().all(|line| matches!(line.trim_start().as_bytes().first(), None | Some(b'#')));
    if blank {
        return Ok(Layer { values: Vec::new() });
    }
    // Read twice: strictly, for faults with line and column; and loosely, to know what the file really sets.
    let options = || serde_saphyr::options! { with_snippet: false };
    let strict: Result<Config, _> = serde_saphyr::from_str_with_options(text, options());
    let mut values: Value = match (strict, serde_saphyr::from_str_with_options(text, options())) {
        (Err(error), _) | (Ok(_), Err(error)) => return Err(ConfigError(yaml_fault(&name, &error))),
        (Ok(_), Ok(values)) => values,
    };
    for key in SECRETS {
        if at(&mut values, key).is_some_and(|value| !value.is_null()) {
            let variable = format!("{PREFIX}{}", key.replace('.', "__").to_uppercase());
            return Err(ConfigError(format!(
                "{name}: {key} is a secret and must not stand in this file; write it to a file of its own and name \
                 that in {key}_file, or set {variable}"
            )));
        }
    }
    let base = path.parent().unwrap_or(Path::new(""));
    for key in PATHS {
        match at(&mut values, key) {
            Some(Value::String(path)) => *path = base.join(&*path).display().to_string(),
            Some(Value::Array(paths)) => {
                for path in paths {
                    if let Value::String(path) = path {
                        *path = base.join(&*path).display().to_string();
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Layer { values: vec![(String::new(), table(&values, &name))] })
}

fn at<'v>(values: &'v mut Value, key: &str) -> Option<&'v mut Value> {
    key.split('.').try_fold(values, |value, part| value.get_mut(part))
}

fn yaml_fault(name: &str, error: &serde_saphyr::Error) -> String {
    use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter};

    let error = error.without_snippet();
    let place = match error.location() {
        Some(place) if place.line() > 0 => format!("{name}:{}:{}", place.line(), place.column()),
        _ => name.to_owned(),
    };
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("{place}: unknown key \"{field}\"{}", proposal(field, expected.iter().copied()))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("{place}: unknown word \"{variant}\"{}", proposal(variant, expected.iter().copied()))
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            format!("{place}: {unexpected} where {expected} belongs")
        }
        Error::Unexpected { expected: what, .. } | Error::InvalidScalar { ty: what, .. } => {
            format!("{place}: {} belongs here", crate::policy::plain(what))
        }
        other => format!("{place}: {}", DefaultMessageFormatter.format_message(other)),
    }
}

fn proposal<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match crate::policy::nearest(word, &known) {
        Some(near) => format!("; did you mean \"{near}\"?"),
        None if known.len() <= 24 => format!("; expected {}", known.join(", ")),
        None => String::new(),
    }
}

fn environment_layer(
    environment: impl IntoIterator<Item = (String, String)>,
    known: &BTreeMap<String, Value>,
) -> Result<Layer, Vec<ConfigError>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let mut variables: Vec<(String, String)> =
        environment.into_iter().filter(|(variable, _)| variable.starts_with(PREFIX)).collect();
    variables.sort();
    for (variable, text) in variables {
        let key = variable[PREFIX.len()..].to_lowercase().replace("__", ".");
        let Some(default) = known.get(&key) else {
            let hint = proposal(&key, known.keys().map(String::as_str));
            errors.push(ConfigError(format!("environment variable {variable}: unknown key \"{key}\"{hint}")));
            continue;
        };
        let origin = format!("environment {variable}");
        let node = match default {
            Value::Object(_) => {
                errors.push(ConfigError(format!("{origin}: {key} can be set in a file alone")));
                continue;
            }
            // `a,b` as well as `[a, b]` and `[{pack: …}]`.
            Value::Array(_) if text.trim_start().starts_with('[') => {
                match serde_saphyr::from_str::<Value>(&text) {
                    Ok(list) => table(&list, &origin),
                    Err(error) => {
                        errors.push(ConfigError(yaml_fault(&origin, &error)));
                        continue;
                    }
                }
            }
            Value::Array(_) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                table(&items.map(Value::from).collect(), &origin)
            }
            _ => Node::new(Some(&origin), text),
        };
        values.push((key, node));
    }
    if errors.is_empty() { Ok(Layer { values }) } else { Err(errors) }
}

fn collect_origins(prefix: &str, node: &Node, origins: &mut BTreeMap<String, String>) {
    if let ValueKind::Table(map) = &node.kind {
        for (key, node) in map {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            collect_origins(&key, node, origins);
        }
    } else if let Some(origin) = node.origin().filter(|origin| *origin != "default") {
        origins.insert(prefix.to_owned(), origin.to_owned());
    }
}

/// The merging crate names key and origin where it knows them; a value of a secret is never repeated.
fn value_fault(error: &config::ConfigError, origins: &BTreeMap<String, String>) -> String {
    let text = error.to_string();
    match SECRETS.iter().find(|key| text.contains(&format!("`{key}`"))) {
        Some(key) => {
            let origin = origins.get(*key).map_or("configuration", String::as_str);
            format!("{origin}: {key} ({REDACTED}) is no text")
        }
        None => text,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
