//! `run`, `topics`, `dead-letters`: how they end when they cannot begin. With a broker they are tested in `tests/broker`.

use super::*;

/// Nothing listens there.
const NOWHERE: &str = "kafka: {brokers: [\"127.0.0.1:1\"]}\n";

#[test]
fn a_broker_that_is_down_ends_with_3_and_says_what_to_look_at() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "cw.yaml", NOWHERE);
    let commands: [&[&str]; 5] = [
        &["run"],
        &["topics", "check"],
        &["topics", "create"],
        &["dead-letters", "list"],
        &["dead-letters", "replay"],
    ];
    std::thread::scope(|scope| {
        for command in commands {
            let path = &path;
            scope.spawn(move || {
                let ended = end(run(&[command, &["--config", path]].concat()));
                assert_eq!(ended.code, 3, "{command:?}: {}", ended.err);
                assert!(
                    ended.err.contains("no answer from Kafka at 127.0.0.1:1"),
                    "{command:?}: {}",
                    ended.err
                );
            });
        }
    });
}

#[test]
fn settings_that_cannot_work_end_with_2_before_anything_is_connected() {
    let dir = TempDir::new().unwrap();
    for (text, words) in [
        ("kafak: {}", "unknown key \"kafak\"; did you mean \"kafka\"?"),
        ("kafka: {brokers: [localhost]}", "\"localhost\" is not written as host:port"),
        ("kafka: {topics: {orders: contact.messages}}", "is the same topic as kafka.topics.messages"),
        ("kafka: {static_membership: true}", "needs kafka.instance"),
        ("kafka: {security: sasl_tls}", "needs kafka.username, and kafka.password_file"),
        ("kafka: {security: sasl_tls, sasl_mechanism: OAUTHBEARER}", "OAUTHBEARER needs kafka.token_file"),
        ("kafka: {password_file: /nowhere}", "kafka.password_file /nowhere cannot be read"),
        ("kafka: {properties: {acks: \"1\"}}", "is set by the daemon itself"),
        ("alertmanager: {urls: [\"alertmanager:9093\"]}", "is no address such as http://alertmanager:9093"),
        ("http: {bearer_token_file: /nowhere}", "http.bearer_token_file /nowhere cannot be read"),
        ("policies: {dir: /nowhere}", "/nowhere"),
        ("roles: []", "is empty, so the process would do nothing"),
    ] {
        let path = file(&dir, "cw.yaml", text);
        let ended = end(run(&["run", "--config", &path]));
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{text}: {}", ended.err);
        assert!(ended.err.contains(words), "{text}: \"{words}\" in {}", ended.err);
    }
}

#[test]
fn repaired_letters_are_read_before_anything_is_connected() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "cw.yaml", NOWHERE);
    let letters = file(
        &dir,
        "letters.ndjson",
        "{\"topic\":\"contact.messages\",\"partition\":0,\"offset\":3,\"value\":\"{\"}\n",
    );
    let ended = end(run(&["dead-letters", "replay", &letters, "--config", &path]));
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("letters.ndjson:1: it still cannot be read: invalid_json"), "{}", ended.err);
}

#[test]
fn configurations_in_the_readme_are_valid() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let dir = TempDir::new().unwrap();
    let mut seen = 0;
    for block in
        readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block)
    {
        if !block.starts_with("# contactwatch.yaml") {
            continue;
        }
        let path = file(&dir, "cw.yaml", block);
        let ended = end(run(&["config", "check", "--config", &path]));
        assert_eq!(ended.code, 0, "{block}{}", ended.err);
        seen += 1;
    }
    assert!(seen >= 2, "only {seen} configurations were found");
}
