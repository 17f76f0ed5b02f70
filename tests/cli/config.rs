//! `config`: faults, and where values come from.

use super::*;

#[test]
fn config_faults_end_with_2_and_say_how_to_mend_them() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "cw.yaml", "kafka:\n  broker: [a:1]\n");
    for named in [&["config", "check", "--config", &path][..], &["config", "check", &path]] {
        let ended = end(run(named));
        assert_eq!(ended.code, 2);
        assert_eq!(
            ended.err,
            format!("error: {path}:2:3: unknown key \"broker\"; did you mean \"brokers\"?\n")
        );
    }
}

#[test]
fn config_show_redacts_secrets_and_names_layers() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "cw.yaml", "kafka:\n  security: sasl_tls\n  username: agency\n");
    let mut command = run(&["config", "show", "--config", &path]);
    command.env("CONTACTWATCH__KAFKA__PASSWORD", "hunter2").env("CONTACTWATCH__KAFKA__WORKERS", "3");
    let ended = end(command);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!ended.out.contains("hunter2") && ended.out.contains("<redacted>"), "{}", ended.out);
    for line in [
        "  workers: 3  # environment CONTACTWATCH__KAFKA__WORKERS",
        &format!("  username: agency  # {path}"),
        "  group: contactwatch  # default",
    ] {
        assert!(ended.out.lines().any(|shown| shown == line), "{line}\n{}", ended.out);
    }
}

#[test]
fn values_of_the_wrong_type_are_explained_in_plain_words() {
    let dir = TempDir::new().unwrap();
    for (text, fault) in [
        ("kafka: {workers: many}", "1:18: a whole number from 0 to 65535 belongs here"),
        ("kafka: {create_topics: perhaps}", "1:24: true or false belongs here"),
        ("kafka: {brokers: x}", "1:18: a list, such as [one, another], belongs here"),
        ("log: x", "1:6: a map belongs here"),
    ] {
        let path = file(&dir, "cw.yaml", text);
        let ended = end(run(&["config", "check", "--config", &path]));
        assert_eq!((ended.code, ended.err), (2, format!("error: {path}:{fault}\n")), "{text}");
    }
}
