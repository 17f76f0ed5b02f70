//! TLS and SASL towards a broker that insists on both.

use std::path::Path;
use std::process::Command;

use crate::harness::Stage;
use crate::harness::broker::Broker;
use crate::harness::daemon::{Setup, command};
use crate::harness::work::{create_topics, now, produce, turn};

const PASSWORD: &str = "correct-horse-battery";

/// A certificate for loopback in a key store, and the same as PEM.
fn certificate(dir: &Path) {
    let store = dir.join("server.p12");
    let store = store.to_str().unwrap();
    let common = ["-keystore", store, "-storepass", "changeit", "-alias", "broker"];
    let generate = [
        "-genkeypair",
        "-keyalg",
        "RSA",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=ip:127.0.0.1",
        "-storetype",
        "PKCS12",
    ];
    let export = ["-exportcert", "-rfc", "-file"];
    let pem = dir.join("ca.pem");
    let keytool = |args: Vec<&str>| {
        let output = Command::new("keytool").args(args).args(common).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    };
    keytool(generate.to_vec());
    keytool([&export[..], &[pem.to_str().unwrap()]].concat());
}

/// A token that says who it is and when it ends; the broker of this test believes it without a signature.
fn token() -> String {
    use base64::Engine;
    let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let now = now().0 / 1000;
    let claims = format!(r#"{{"sub":"contactwatch","iat":{now},"exp":{}}}"#, now + 3600);
    format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&claims))
}

pub(crate) fn secured_connections(stage: &Stage) -> String {
    certificate(&stage.dir);
    let module = "org.apache.kafka.common.security";
    let secure = format!(
        "listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER\n\
         listener.name.secure.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_cw=\"{PASSWORD}\";\n\
         listener.name.secure.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;\n\
         listener.name.secure.oauthbearer.sasl.jaas.config={module}.oauthbearer.OAuthBearerLoginModule required \
         unsecuredLoginStringClaim_sub=\"broker\";\n\
         listener.name.secure.ssl.keystore.type=PKCS12\nlistener.name.secure.ssl.keystore.password=changeit\n\
         listener.name.secure.ssl.key.password=changeit\nlistener.name.secure.ssl.keystore.location={}\n",
        stage.dir.join("server.p12").display()
    );
    let scram = format!("SCRAM-SHA-512=[name=cw,password={PASSWORD}]");
    let broker = Broker::start_with(&stage.dir.join("broker"), &secure, &["--add-scram", &scram]);
    let port = broker.secure_port.unwrap();
    let stage = stage.at(broker.bootstrap());
    create_topics(&stage);
    std::fs::write(stage.dir.join("password"), PASSWORD).unwrap();
    std::fs::write(stage.dir.join("wrong"), "wrong-horse").unwrap();
    std::fs::write(stage.dir.join("jwt"), token()).unwrap();
    let setup = |mechanism: &str, credentials: &str| {
        Setup::default().kafka(&format!(
            "brokers: [\"127.0.0.1:{port}\"]\n  security: sasl_tls\n  ca_file: ca.pem\n  sasl_mechanism: {mechanism}\n  \
             {credentials}"
        ))
    };
    let mut told = Vec::new();
    for (number, (mechanism, credentials)) in [
        ("PLAIN", "username: cw\n  password_file: password"),
        ("SCRAM-SHA-512", "username: cw\n  password_file: password"),
        ("OAUTHBEARER", "token_file: jwt"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut daemon = setup(mechanism, credentials).start_ready(&stage);
        produce(&stage, &turn(number + 1, now()));
        daemon.wait_caught_up(&stage);
        let verdicts = stage.client().committed(&stage.topic("verdicts")).len();
        assert_eq!(verdicts, number + 1, "{mechanism}");
        let log = daemon.log();
        assert!(!log.contains(PASSWORD), "{mechanism}: the log tells the password");
        daemon.terminate();
        told.push(mechanism);
    }
    for (mechanism, credentials, words) in [
        ("PLAIN", "username: cw\n  password_file: wrong", "no answer from Kafka"),
        ("SCRAM-SHA-512", "username: nobody\n  password_file: password", "no answer from Kafka"),
    ] {
        let (config, _) = setup(mechanism, credentials).write(&stage);
        let (code, out, err) = command(&["run"], &config);
        assert_eq!(code, 3, "{mechanism}: {out}{err}");
        assert!(err.contains(words), "{mechanism}: {err}");
        assert!(err.to_lowercase().contains("authentication"), "{mechanism}: {err}");
        assert!(!err.contains(PASSWORD) && !err.contains("wrong-horse"), "{mechanism}: {err}");
    }
    format!("TLS with {}: judged; wrong passwords refused, none told", told.join(", "))
}
