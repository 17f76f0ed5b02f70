use super::super::{Delivery, Verdicts};
use super::*;
use crate::time::Span;

fn from(text: &str, environment: &[(&str, &str)], flags: &[Flag]) -> Result<Loaded, Vec<String>> {
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    load(Some((Path::new("etc/cw.yaml"), text)), environment, flags)
        .map_err(|errors| errors.into_iter().map(|error| error.0).collect())
}

#[test]
fn later_layers_win_and_every_value_knows_its_layer() {
    let text = "verdicts: not_clean\nkafka:\n  brokers: [a:1, b:2]\n  workers: 3\n  commit_interval_ms: 50\n";
    let flags = [Flag { flag: "--verdicts", key: "verdicts", value: "all".to_owned() }];
    let environment = [("CONTACTWATCH__KAFKA__WORKERS", "7"), ("CONTACTWATCH__RETENTION__ORDER", "90d")];
    let loaded = from(text, &environment, &flags).unwrap();
    assert_eq!(loaded.config.verdicts, Verdicts::All);
    assert_eq!(loaded.config.kafka.brokers, ["a:1", "b:2"]);
    assert_eq!(loaded.config.kafka.workers, 7);
    assert_eq!(loaded.config.kafka.commit_interval_ms, 50);
    assert_eq!(loaded.config.kafka.delivery, Delivery::ExactlyOnce);
    assert_eq!(loaded.config.retention.order, Span::days(90));
    let origins: Vec<(&str, &str)> = loaded.origins.iter().map(|(k, o)| (k.as_str(), o.as_str())).collect();
    assert_eq!(
        origins,
        [
            ("kafka.brokers", "etc/cw.yaml"),
            ("kafka.commit_interval_ms", "etc/cw.yaml"),
            ("kafka.workers", "environment CONTACTWATCH__KAFKA__WORKERS"),
            ("retention.order", "environment CONTACTWATCH__RETENTION__ORDER"),
            ("verdicts", "flag --verdicts"),
        ]
    );
}

#[test]
fn nothing_set_is_the_default() {
    assert_eq!(load(None, [], &[]).unwrap().config, Config::default());
    assert_eq!(from("# nothing yet\n", &[], &[]).unwrap().config, Config::default());
}

#[test]
fn paths_in_a_file_are_relative_to_it() {
    let text = "policies: {dir: ., overlays: [mine.yaml]}\nstores: /srv/stores.yaml\n";
    let config = from(text, &[], &[]).unwrap().config;
    assert_eq!(config.policies.dir.as_deref(), Some(Path::new("etc/.")));
    assert_eq!(config.policies.overlays, [Path::new("etc/mine.yaml")]);
    assert_eq!(config.stores.as_deref(), Some(Path::new("/srv/stores.yaml")));
}

#[test]
fn lists_come_from_the_environment_with_commas_or_as_yaml() {
    for text in ["x:1, y:2", "[\"x:1\", \"y:2\"]"] {
        let loaded = load(None, [("CONTACTWATCH__KAFKA__BROKERS".to_owned(), text.to_owned())], &[]).unwrap();
        assert_eq!(loaded.config.kafka.brokers, ["x:1", "y:2"]);
    }
}

#[test]
fn a_password_of_digits_stays_a_text() {
    let environment = [
        ("CONTACTWATCH__KAFKA__PASSWORD", "007"),
        ("CONTACTWATCH__KAFKA__USERNAME", "u"),
        ("CONTACTWATCH__KAFKA__SECURITY", "sasl_tls"),
    ];
    let config = from("", &environment, &[]).unwrap().config;
    assert_eq!(config.kafka.password.unwrap().reveal(), "007");
}

#[test]
fn faults_say_where_and_what_and_how_to_mend_it() {
    for (text, environment, expected) in [
        ("verdict: all\n", None, "etc/cw.yaml:1:1: unknown key \"verdict\"; did you mean \"verdicts\"?"),
        (
            "kafka:\n  broker: [a:1]\n",
            None,
            "etc/cw.yaml:2:3: unknown key \"broker\"; did you mean \"brokers\"?",
        ),
        ("verdicts: some\n", None, "etc/cw.yaml:1:11: unknown word \"some\"; expected all, not_clean"),
        (
            "",
            Some(("CONTACTWATCH__KAFKA__BROKER", "a:1")),
            "environment variable CONTACTWATCH__KAFKA__BROKER: unknown key \"kafka.broker\"; did you mean \
             \"kafka.brokers\"?",
        ),
        (
            "kafka: {password: hunter2}\n",
            None,
            "etc/cw.yaml: kafka.password is a secret and must not stand in this file; write it to a file of its own \
             and name that in kafka.password_file, or set CONTACTWATCH__KAFKA__PASSWORD",
        ),
        (
            "kafka: {topics: {orders: contact.messages}}\n",
            None,
            "etc/cw.yaml: kafka.topics.orders is the same topic as kafka.topics.messages",
        ),
        (
            "kafka: {brokers: [nowhere]}\n",
            None,
            "etc/cw.yaml: kafka.brokers \"nowhere\" is not written as host:port",
        ),
        (
            "alertmanager: {urls: [alertmanager:9093]}\n",
            None,
            "etc/cw.yaml: alertmanager.urls \"alertmanager:9093\" is no address such as http://alertmanager:9093",
        ),
        (
            "kafka: {properties: {enable.idempotence: \"false\"}}\n",
            None,
            "etc/cw.yaml: kafka.properties.enable.idempotence is set by the daemon itself; use the keys of section \
             kafka",
        ),
        (
            "",
            Some(("CONTACTWATCH__KAFKA__WORKERS", "many")),
            "invalid type: string \"many\", expected an integer for key `kafka.workers` in environment \
             CONTACTWATCH__KAFKA__WORKERS",
        ),
    ] {
        assert_eq!(
            from(text, environment.as_slice(), &[]).unwrap_err(),
            [expected],
            "{text:?} {environment:?}"
        );
    }
}

#[test]
fn faults_of_a_length_of_time_have_a_place() {
    let errors = from("retention:\n  order: soon\n", &[], &[]).unwrap_err();
    assert!(errors[0].starts_with("etc/cw.yaml:2:10: "), "{errors:?}");
    assert!(errors[0].contains("\"soon\" is not a length of time, such as 90m, 48h or 10d"), "{errors:?}");
}

#[test]
fn the_shipped_file_is_valid() {
    let tree = crate::shipped::Tree::shipped();
    let file = tree.files().iter().find(|file| file.path == "contactwatch.yaml").unwrap();
    assert_eq!(from(&file.text, &[], &[]).map(|loaded| loaded.config.kafka), Ok(Config::default().kafka));
}
