//! What promtool and amtool say of the files.

use std::fs;
use std::path::Path;

use crate::files::{root, text};
use crate::harness::{content, is_there, program, told, tool};

const PROMETHEUS: &str = "dashboards/prometheus";

pub(crate) fn rules_and_configurations_are_sound(dir: &Path) -> String {
    let prometheus = root().join(PROMETHEUS);
    let rules = content(
        &prometheus,
        "promtool",
        &[
            "check",
            "rules",
            "--lint=all",
            "--lint-fatal",
            "contactwatch.rules.yml",
            "contactwatch.alerts.yml",
        ],
    );
    content(&prometheus, "promtool", &["check", "config", "prometheus.yml"]);
    content(&root().join("packaging"), "promtool", &["check", "config", "--syntax-only", "prometheus.yml"]);
    content(&root().join("dashboards/alertmanager"), "amtool", &["check-config", "alertmanager.yml"]);
    // The linter bites: a rule with a fault is refused.
    let broken = text(format!("{PROMETHEUS}/contactwatch.alerts.yml")).replace("rate(", "rat(");
    fs::write(dir.join("broken.yml"), broken).unwrap();
    assert!(!tool(dir, "promtool", &["check", "rules", "broken.yml"]).status.success());
    let found: usize = rules
        .split_whitespace()
        .zip(rules.split_whitespace().skip(1))
        .filter(|(_, next)| *next == "rules")
        .map(|(n, _)| n.parse().unwrap_or(0))
        .sum();
    format!("{found} rules, 3 configurations")
}

pub(crate) fn unit_tests_of_rules(_: &Path) -> String {
    let prometheus = root().join(PROMETHEUS);
    for file in ["contactwatch.test.yml", "contactwatch-long.test.yml"] {
        content(&prometheus, "promtool", &["test", "rules", file]);
    }
    let text = text(format!("{PROMETHEUS}/contactwatch.test.yml"))
        + &text(format!("{PROMETHEUS}/contactwatch-long.test.yml"));
    let quiet = text.matches("exp_alerts: []").count();
    format!("{quiet} times quiet, {} times firing", text.matches("exp_alerts:\n").count())
}

const STORES: &str = "stores:\n- {platform: ozon, store: '7', agency: acme}\n- {platform: ozon, store: '8', agency: \"o'neil & \\\"co\\\"\"}\n- {platform: ozon, store: '9', agency: 布拉沃}\n- {platform: ozon, store: '10', agency: later}\n";
const CONTACTS: &str = "operations: {webhook: 'http://127.0.0.1:1/ops', telegram: -1}\ntelegram: {bot_token_file: token}\ntime_zone: Europe/Moscow\nagencies:\n  acme: {urgent: {telegram: -2}}\n  \"o'neil & \\\"co\\\"\": {urgent: {telegram: -3}, time_zone: UTC}\n  布拉沃: {urgent: {webhook: 'http://127.0.0.1:1/b'}, time_zone: Asia/Shanghai}\n";

/// The command as people use it: a file that amtool takes, for names that need quoting, and its options.
pub(crate) fn generated_configurations_are_sound(dir: &Path) -> String {
    for (name, text) in [("stores.yaml", STORES), ("contacts.yaml", CONTACTS), ("token", "12:secret\n")] {
        fs::write(dir.join(name), text).unwrap();
    }
    let base = ["alertmanager-config", "--stores", "stores.yaml"];
    let run = |args: &[&str]| {
        let output = program().current_dir(dir).args(base).args(args).output().unwrap();
        (output.status.code().unwrap(), told(&output))
    };
    let (code, text) = run(&["--contacts", "contacts.yaml", "--output", "alertmanager.yml"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("agency \"later\" has no contact: its alerts go to operations"), "{text}");
    assert!(text.contains("keep it from other eyes"), "{text}");
    let checked = content(dir, "amtool", &["check-config", "alertmanager.yml"]);
    assert!(checked.contains("1 templates"), "{checked}");
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(dir.join("alertmanager.yml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds a token");
    for (agency, receiver) in
        [("o'neil & \"co\"", "urgent/o'neil & \"co\""), ("布拉沃", "urgent/布拉沃"), ("later", "operations")]
    {
        let label = format!("agency=\"{}\"", agency.replace('"', "\\\""));
        let told = content(
            dir,
            "amtool",
            &["config", "routes", "test", "--config.file=alertmanager.yml", &label, "severity=critical"],
        );
        assert!(told.lines().any(|line| line == receiver), "{agency}: {told}");
    }

    let (code, text) = run(&["--contacts", "contacts.yaml", "--check", "alertmanager.yml"]);
    assert!(code == 0 && text.contains("says what would be written"), "{text}");
    let edited = fs::read_to_string(dir.join("alertmanager.yml")).unwrap().replace("12h", "1h");
    fs::write(dir.join("edited.yml"), edited).unwrap();
    let (code, text) = run(&["--contacts", "contacts.yaml", "--check", "edited.yml"]);
    assert!(code == 1 && text.contains("edited.yml:") && !text.contains("secret"), "{text}");

    // A later Alertmanager reads the token from its file.
    let (_, text) = run(&["--contacts", "contacts.yaml", "--alertmanager", "0.26"]);
    assert!(text.contains("bot_token_file: 'token'") && !text.contains("secret"), "{text}");
    fs::remove_file(dir.join("token")).unwrap();
    let (code, text) = run(&["--contacts", "contacts.yaml"]);
    assert!(
        code == 2
            && text.contains("contacts.yaml:2:28: bot_token_file token: ")
            && text.contains("--alertmanager 0.26"),
        "{text}"
    );

    // What it begins for a newcomer can be used as it is.
    let example = program().current_dir(dir).args(base).arg("--example").output().unwrap();
    fs::write(dir.join("example.yaml"), &example.stdout).unwrap();
    let (code, text) = run(&["--contacts", "example.yaml", "--output", "begun.yml"]);
    assert_eq!(code, 0, "{text}");
    content(dir, "amtool", &["check-config", "begun.yml"]);
    "written, checked, compared, begun".to_owned()
}

/// What systemd says of the unit. The program stands elsewhere here, so another one stands for it.
pub(crate) fn unit_of_systemd_is_sound(dir: &Path) -> String {
    if !is_there("systemd-analyze") {
        return "*** NOT RUN: systemd-analyze is not installed".to_owned();
    }
    let unit = text("packaging/contactwatch.service").replace("/usr/bin/contactwatch", "/bin/true");
    fs::write(dir.join("contactwatch.service"), &unit).unwrap();
    let verified = content(dir, "systemd-analyze", &["verify", "--man=no", "./contactwatch.service"]);
    assert_eq!(verified.trim(), "", "what it does not know it ignores");
    fs::write(dir.join("contactwatch.service"), unit.replace("DynamicUser", "DynamicUsr")).unwrap();
    let verified = told(&tool(dir, "systemd-analyze", &["verify", "--man=no", "./contactwatch.service"]));
    assert!(verified.contains("DynamicUsr"), "{verified}");
    "verified".to_owned()
}
