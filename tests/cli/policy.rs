//! `init` and `policy`, and what a policy with faults does to the commands that judge.

use super::*;

#[test]
fn init_writes_the_shipped_tree_and_overwrites_nothing() {
    let dir = TempDir::new().unwrap();
    let target = dir.path().join("mine");
    let target = target.to_str().unwrap();
    assert_eq!(end(run(&["init", target])).code, 0);
    // A second run finds nothing in its way, an edited file is.
    assert_eq!(end(run(&["init", target])).code, 0);
    let edited = file(&dir, "mine/stores.yaml", "stores: []\n");
    let ended = end(run(&["init", target]));
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains(&edited) && ended.err.contains("--force"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&edited).unwrap(), "stores: []\n");
    assert_eq!(end(run(&["init", "--force", target])).code, 0);
    assert_ne!(fs::read_to_string(&edited).unwrap(), "stores: []\n");
    // What was written judges like what is shipped.
    let ended = end(run(&["policy", "diff", target]));
    assert_eq!((ended.code, ended.out.as_str()), (0, "nothing changes\n"), "{}", ended.err);
    let config = format!("{target}/contactwatch.yaml");
    assert!(end(run(&["config", "check", "--config", &config])).out.contains("is valid"));
}

#[test]
fn init_needs_a_directory() {
    let dir = TempDir::new().unwrap();
    let target = file(&dir, "words.txt", "words");
    let ended = end(run(&["init", &target]));
    assert_eq!((ended.code, ended.err), (2, format!("error: {target} is a file; name a directory\n")));
}

#[test]
fn policy_check_points_at_the_fault() {
    let ended = end(judge(&["policy", "check"]));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("ok: 2 inline cases pass"), "{}", ended.out);

    let dir = TempDir::new().unwrap();
    let pack = fs::read_to_string(policies().join("small.yaml")).unwrap();
    let path = file(&dir, "small.yaml", &pack.replace("promo.discount", "promo.discuont"));
    let ended = end(run(&["policy", "check", "--policies", dir.path().to_str().unwrap()]));
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains(&format!("{path}:18:")), "{}", ended.err);
    assert!(ended.err.contains("did you mean \"promo.discount\"?"), "{}", ended.err);

    file(&dir, "small.yaml", &pack.replace("{verdict: clean}", "{verdict: violation, rules: [promo]}"));
    let ended = end(run(&["policy", "check", "--policies", dir.path().to_str().unwrap()]));
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.out.contains("an answer in time"), "{}", ended.out);
    assert!(ended.out.contains("rules: expected promo, got none"), "{}", ended.out);
}

#[test]
fn policy_show_names_the_layer_of_every_value() {
    let ended = end(judge(&["policy", "show", "--rule", "proactive-contact"]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.contains("contact.reply_within: 48h ($reply_window)  # pack ozon/small, "),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains("\npromo\n"));
    let ended = end(judge(&["policy", "show", "--rule", "proactive-contct"]));
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("did you mean \"proactive-contact\"?"), "{}", ended.err);
    assert_eq!(records(&end(judge(&["policy", "show", "--json"])).out)[0]["pack"], "ozon/small");
}

#[test]
fn policy_diff_and_test() {
    let dir = TempDir::new().unwrap();
    let pack = fs::read_to_string(policies().join("small.yaml")).unwrap();
    file(&dir, "small.yaml", &pack.replace("48h}", "24h}"));
    let (old, new) = (policies(), dir.path().to_path_buf());
    let ended = end(run(&["policy", "diff", old.to_str().unwrap(), new.to_str().unwrap()]));
    assert_eq!(
        ended.out, "~ ozon/small: proactive-contact.contact.reply_within: 48h → 24h\n",
        "{}",
        ended.err
    );

    let timeline = |rule: &str| {
        format!(
            r#"{{"name":"t","events":[{BUYER},{PROMO}],"expect":[{{"event_id":"ozon/7/m/3/sent","trigger":"message","verdict":"violation","rules":["{rule}"]}}]}}"#
        )
    };
    file(&dir, "timelines/a.ndjson", &timeline("promo"));
    let timelines = dir.path().join("timelines");
    let ended = end(judge(&["policy", "test", timelines.to_str().unwrap()]));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    file(&dir, "timelines/b.ndjson", &timeline("follow-us"));
    let ended = end(judge(&["policy", "test", timelines.to_str().unwrap()]));
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("expected violation follow-us, got violation promo"), "{}", ended.out);
}

/// A copy of the small pack that calls a clean answer a violation.
fn mistaken(dir: &TempDir) -> String {
    let pack = fs::read_to_string(policies().join("small.yaml")).unwrap();
    file(dir, "small.yaml", &pack.replace("{verdict: clean}", "{verdict: violation, rules: [promo]}"));
    dir.path().to_str().unwrap().to_owned()
}

#[test]
fn nothing_is_judged_by_a_pack_whose_cases_fail() {
    let dir = TempDir::new().unwrap();
    let mine = mistaken(&dir);
    let other = TempDir::new().unwrap();
    let settings = file(&other, "cw.yaml", &format!("policies: {{dir: {mine}}}\n"));
    for args in [
        &["score", "--policies", &mine][..],
        &["lint", "--policies", &mine, "x"],
        &["backtest", "--policies", &mine, "-"],
        &["replay", "--policies", policies().to_str().unwrap(), "--against", &mine],
        &["config", "check", "--config", &settings],
    ] {
        let ended = end_with(run(args), "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{args:?}: {}", ended.err);
        let lines: Vec<&str> = ended.err.lines().collect();
        let place = format!("error: {mine}/small.yaml:");
        assert!(lines[0].starts_with(&place), "{}", ended.err);
        let fault = "pack ozon/small: case \"an answer in time\" fails: verdict: expected violation, got clean; rules: expected promo, got none";
        assert!(lines[0].ends_with(fault), "{}", ended.err);
        let hint = format!(
            "error: 1 of 2 inline cases fail, and nothing is judged until they hold; \
             `contactwatch policy test --policies {mine}` shows all of them; mend packs or cases, or change values by \
             an overlay (see overlays/example.yaml), which leaves a pack and its cases as they are"
        );
        assert_eq!(lines[1..], [hint], "{args:?}");
    }
}

#[test]
fn reports_about_a_pack_survive_cases_that_fail() {
    let dir = TempDir::new().unwrap();
    let mine = mistaken(&dir);
    for (args, code) in [
        (&["policy", "check", "--policies", &mine][..], 1),
        (&["policy", "test", "--policies", &mine], 1),
        (&["policy", "show", "--policies", &mine], 0),
        (&["policy", "diff", &mine], 0),
    ] {
        let ended = end(run(args));
        assert_eq!((ended.code, ended.err.as_str()), (code, ""), "{args:?}: {}", ended.out);
        assert!(!ended.out.is_empty(), "{args:?}");
    }
    let ended = end(run(&["policy", "test", "--json", "--policies", &mine]));
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["failed"][0]["pack"], "ozon/small");
    let promo = serde_json::json!({"expected": 1, "hit": 0, "missed": 1, "unexpected": 0});
    assert_eq!(report["rules"]["promo"], promo, "{}", ended.out);
}

/// The small pack with words replaced.
fn small(changes: &[(&str, &str)]) -> String {
    let pack = fs::read_to_string(policies().join("small.yaml")).unwrap();
    changes.iter().fold(pack, |pack, (old, new)| {
        assert!(pack.contains(old), "{old}");
        pack.replace(old, new)
    })
}

const OFFER: &str = "Дарим скидку 10 % на следующий заказ";

#[test]
fn what_a_pack_on_trial_repeats_is_one_line_for_people() {
    let dir = TempDir::new().unwrap();
    let mine = dir.path().to_str().unwrap();
    file(&dir, "small.yaml", &small(&[]));
    file(&dir, "trial.yaml", &small(&[("pack: ozon/small", "pack: ozon/trial\nmode: shadow")]));
    let ended = end(run(&["lint", "--policies", mine, OFFER]));
    assert_eq!(ended.out.matches("[promo]").count(), 1, "{}", ended.out);
    assert!(ended.out.contains("\n  = also under ozon/trial (shadow)\n"), "{}", ended.out);
    let ended = end(run(&["lint", "--json", "--policies", mine, OFFER]));
    assert_eq!(records(&ended.out)[0]["findings"].as_array().unwrap().len(), 2);
    let ended = end_with(run(&["score", "--summary", "--policies", mine]), format!("{BUYER}\n{PROMO}\n"));
    assert!(ended.out.contains("  promo  warning          1       1\n"), "{}", ended.out);
    assert!(!ended.out.contains("shadow:"), "{}", ended.out);

    // What it alone finds is shown.
    file(&dir, "small.yaml", &small(&[("promo.discount", "review.ask")]));
    let ended = end(run(&["lint", "--policies", mine, OFFER]));
    assert_eq!(ended.code, 0);
    assert!(ended.out.contains("warning[promo] (shadow: does not count)\n"), "{}", ended.out);
    assert!(!ended.out.contains("also under"), "{}", ended.out);
}

#[test]
fn a_pack_of_the_future_does_not_judge_the_text_of_today() {
    let dir = TempDir::new().unwrap();
    let mine = dir.path().to_str().unwrap();
    file(&dir, "today.yaml", &small(&[("promo.discount", "review.ask")]));
    let future = [("pack: ozon/small", "pack: ozon/next"), ("from: 2024-", "from: 2090-")];
    file(&dir, "next.yaml", &small(&future));
    let row = format!(r#"{{"id":"1","text":"{OFFER}","label":"benign"}}"#);
    for args in [&["lint", "--json", OFFER][..], &["score", "--assume-reply"]] {
        let mut command = run(args);
        command.args(["--policies", mine]);
        let verdicts = records(&end_with(command, row.as_str()).out);
        assert_eq!(verdicts[0]["verdict"], "clean", "{args:?}");
        let packs: Vec<&Value> =
            verdicts[0]["packs"].as_array().unwrap().iter().map(|stamp| &stamp["pack"]).collect();
        assert_eq!(packs, ["ozon/small"], "{args:?}");
    }
}
