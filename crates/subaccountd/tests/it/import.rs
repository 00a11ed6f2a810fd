//! `import`: the imported state of a live fleet is valid, and its plan is empty.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use serde_json::{Value, json};
use twilio_sim::{
    AccountStatus, AddressRequirements, Behavior, ClosedNumbers, Fault, Operation, SuspendedNumbers,
    WorldBuilder,
};

use crate::support::{Setup, ac, bare, code, entry, fleet, output, phone, state, stderr, stdout, world};

/// The parts of names: common text, and text that YAML, terminals or reviewers could misread.
const WORDS: [&str; 24] = [
    "acme",
    "Globex GmbH",
    "O'Neil",
    "\"quoted\"",
    "#1",
    ": ",
    "- ",
    "yes",
    "0o17",
    "~",
    "\\n",
    "\n",
    "\r\n  - sid: x",
    "\t",
    "\u{1b}[2J",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{feff}",
    "日本",
    "🏳️‍🌈",
    "  ",
    "{a}",
    "*a &b !c %d @e `f`",
];

/// A name of up to `most` characters; sometimes none, and sometimes one that is longer than a check can be.
fn name(random: &mut fastrand::Rng, most: usize) -> String {
    let words = (0..random.usize(0..8)).map(|_| WORDS[random.usize(0..WORDS.len())]);
    words.collect::<String>().chars().take(most).collect()
}

/// A fleet of `n` accounts of every status, with numbers that have requirements, and some in the main account.
fn generated(n: u64, seed: u64) -> WorldBuilder {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut fleet = world();
    let mut numbers = 0;
    for account in 0..=n {
        let status = match random.u8(0..20) {
            0 => AccountStatus::Closed,
            1..=4 => AccountStatus::Suspended,
            _ => AccountStatus::Active,
        };
        if account > 0 {
            fleet = fleet.account(&ac(account), &name(&mut random, 70), status);
        }
        if account > 0 && status == AccountStatus::Closed {
            continue;
        }
        for _ in 0..random.u64(0..4) {
            numbers += 1;
            let sid = format!("PN{numbers:032x}");
            fleet = fleet.number_with(&sid, &phone(numbers), &ac(account), |number| {
                let needs = [AddressRequirements::None, AddressRequirements::Any, AddressRequirements::Local];
                number.address_requirements = needs[random.usize(0..3)];
                number.bundle_sid = random.bool().then(|| format!("BU{numbers:032x}"));
            });
        }
    }
    let closed_numbers = if random.bool() { ClosedNumbers::NotFound } else { ClosedNumbers::Empty };
    fleet.switches(Behavior { closed_numbers, ..Behavior::default() })
}

async fn setup(world: WorldBuilder) -> Setup {
    Setup::new(world, "").await
}

/// Imports with `args` and returns the output.
async fn import(setup: &Setup, args: &[&str]) -> String {
    let ended = setup.run(&[&["import"], args].concat()).await;
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    stdout(&ended)
}

/// Imports with `args`, expects a failure, and returns the error.
async fn refused(setup: &Setup, args: &[&str]) -> String {
    let ended = setup.run(&[&["import"], args].concat()).await;
    assert_eq!((code(&ended), stdout(&ended).as_str()), (1, ""), "{}", stderr(&ended));
    stderr(&ended)
}

/// Asserts that the state at `path` is valid, and that its plan is empty.
async fn assert_settled(setup: &Setup, path: &Path) {
    let path = path.to_str().unwrap();
    let valid = output(bare(&["validate", path])).await;
    assert_eq!(code(&valid), 0, "{}", stdout(&valid));
    let plan = setup.run(&["plan", "-o", "json", "--desired", path, "--journal-dir", "none"]).await;
    assert_eq!(code(&plan), 0, "{}", stderr(&plan));
    let plan: Value = serde_json::from_str(&stdout(&plan)).unwrap();
    assert_eq!((&plan["actions"], &plan["held"]), (&json!([]), &json!([])));
    assert_eq!(setup.posts(), Vec::<String>::new());
}

/// Every file below `folder`: name and text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn nine_generated_fleets_are_imported_as_states_whose_plan_is_empty() {
    let all = "active,suspended,closed";
    let ways: [&[&str]; 3] = [&[], &["--status", all, "--check-names"], &["--status", all]];
    for (seed, n) in [0, 1, 2, 5, 12, 40, 100, 250, 400].into_iter().enumerate() {
        let setup = setup(generated(n, seed as u64)).await;
        let args = ways[seed % ways.len()];
        let (file, folder) = (setup.dir.path().join("one.yaml"), setup.dir.path().join("many"));
        import(&setup, &[args, &["--out", file.to_str().unwrap()]].concat()).await;
        assert_settled(&setup, &file).await;
        assert_eq!(import(&setup, args).await, fs::read_to_string(&file).unwrap());
        import(&setup, &[args, &["--split-by", "account", "--out", folder.to_str().unwrap()]].concat()).await;
        assert_settled(&setup, &folder).await;
    }
}

#[tokio::test]
async fn a_fleet_of_5000_accounts_is_imported_as_a_state_whose_plan_is_empty() {
    let setup = setup(generated(5000, 10)).await;
    let file = setup.dir.path().join("one.yaml");
    import(&setup, &["--status", "active,suspended,closed", "--out", file.to_str().unwrap()]).await;
    assert_settled(&setup, &file).await;
}

#[tokio::test]
async fn a_folder_has_a_file_for_each_account_and_one_for_the_main_account() {
    let setup = setup(fleet(2, 2)).await;
    let folder = setup.dir.path().join("state");
    import(&setup, &["--split-by", "account", "--out", folder.to_str().unwrap()]).await;
    let names: Vec<_> = files(&folder).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [format!("{}.yaml", ac(1)), format!("{}.yaml", ac(2)), "main.yaml".to_owned()]);
    let mode = fs::metadata(folder.join("main.yaml")).unwrap().permissions().mode();
    let usual = setup.dir.path().join("usual");
    fs::write(&usual, "").unwrap();
    assert_eq!(mode, fs::metadata(usual).unwrap().permissions().mode());
    assert_settled(&setup, &folder).await;
}

#[tokio::test]
async fn a_number_that_moves_changes_no_line_but_its_own() {
    let setup = setup(fleet(3, 3)).await;
    let before = import(&setup, &[]).await;
    setup.sim.edit_number(&phone(1), |number| number.owner = ac(2).parse().unwrap()).unwrap();
    let after = import(&setup, &[]).await;
    let gone: Vec<_> = before.lines().filter(|line| !after.lines().any(|other| other == *line)).collect();
    assert_eq!(gone, Vec::<&str>::new());
    assert_eq!(before.lines().count(), after.lines().count() + 1, "{after}");
}

#[tokio::test]
async fn a_file_that_is_there_is_not_overwritten_without_force() {
    let setup = setup(fleet(2, 0)).await;
    let (file, folder) = (setup.dir.path().join("one.yaml"), setup.dir.path().join("many"));
    fs::create_dir(&folder).unwrap();
    let (one, many) = (file.to_str().unwrap(), folder.to_str().unwrap());
    let kept = folder.join(format!("{}.yaml", ac(2)));
    for path in [&file, &kept] {
        fs::write(path, "mine").unwrap();
    }
    let split = ["--split-by", "account", "--out", many];
    for args in [&["--out", one][..], &split] {
        let why = refused(&setup, args).await;
        assert!(why.contains("are not overwritten") && why.contains("--force"), "{why}");
    }
    assert_eq!(setup.sim.requests().iter().filter(|request| request.path.contains("Numbers")).count(), 3);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(files(&folder), [(format!("{}.yaml", ac(2)), "mine".to_owned())]);
    import(&setup, &["--out", one, "--force"]).await;
    import(&setup, &[&split[..], &["--force"]].concat()).await;
    let requests = setup.sim.requests().len();
    refused(&setup, &split).await;
    assert_eq!(setup.sim.requests().len(), requests, "what is there is seen before anything is read");
    assert_settled(&setup, &file).await;
    assert_settled(&setup, &folder).await;
}

#[tokio::test]
async fn a_link_a_folder_and_a_file_in_the_place_of_a_folder_are_left_alone() {
    let setup = setup(fleet(1, 0)).await;
    let at = |name: &str| setup.dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("target.yaml"), "mine").unwrap();
    symlink(at("target.yaml"), at("link.yaml")).unwrap();
    symlink(at("nowhere"), at("dangling.yaml")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    for (args, words) in [
        (&["--out", &at("link.yaml")][..], "is a symlink to"),
        (&["--out", &at("dangling.yaml")], "is a symlink to"),
        (&["--out", &at("folder")], "is a folder"),
        (&["--split-by", "account", "--out", &at("target.yaml")], "is not a folder"),
        (&["--out", &at("no/such/folder.yaml")], "does not exist: create it first"),
    ] {
        let why = refused(&setup, &[args, &["--force"]].concat()).await;
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(fs::read_to_string(at("target.yaml")).unwrap(), "mine");
    assert_eq!(files(&setup.dir.path().join("folder")), []);
}

#[tokio::test]
async fn other_files_of_the_folder_that_contradict_the_import_stop_it() {
    let setup = setup(fleet(2, 1)).await;
    let folder = setup.dir.path().join("many");
    fs::create_dir(&folder).unwrap();
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\nsubaccounts:\n";
    let args = ["--split-by", "account", "--out", folder.to_str().unwrap()];
    let twice = folder.join("customers.yaml");
    fs::write(&twice, format!("{head}{}", entry(2, "active", ""))).unwrap();
    let why = refused(&setup, &args).await;
    assert!(why.contains("is listed twice") && why.contains("contradict"), "{why}");
    fs::write(&twice, format!("{head}{}", entry(7, "active", ""))).unwrap();
    let why = refused(&setup, &args).await;
    assert!(why.contains(&format!("{} (UnknownAccount)", ac(7))), "{why}");
    assert_eq!(files(&folder).len(), 1);
    fs::write(&twice, "# nothing\n").unwrap();
    import(&setup, &args).await;
    assert_settled(&setup, &folder).await;
}

#[tokio::test]
async fn files_of_an_earlier_import_stop_the_next_one_and_other_accounts_do_not() {
    let setup = setup(fleet(3, 3).number("PN00000000000000000000000000000099", &phone(99), &ac(0))).await;
    let folder = setup.dir.path().join("many");
    let args = ["--split-by", "account", "--out", folder.to_str().unwrap(), "--force"];
    import(&setup, &args).await;
    // Only the SID of the main account is imported; the numbers of the others are where their files claim them.
    import(&setup, &[&args[..], &["--sid", &ac(1)]].concat()).await;
    assert_settled(&setup, &folder).await;
    setup.sim.edit_account(&ac(2), |account| account.status = AccountStatus::Closed).unwrap();
    let why = refused(&setup, &args).await;
    assert!(why.contains(&format!("{} (AlreadyClosed)", ac(2))), "{why}");
    assert!(why.contains("remove the files of an earlier import"), "{why}");
    fs::remove_file(folder.join(format!("{}.yaml", ac(2)))).unwrap();
    import(&setup, &args).await;
    assert_settled(&setup, &folder).await;
}

#[tokio::test]
async fn more_files_than_a_state_may_have_are_not_written() {
    let setup = setup(fleet(10_000, 0)).await;
    let folder = setup.dir.path().join("many");
    let args = ["--numbers", "none", "--split-by", "account", "--out", folder.to_str().unwrap()];
    let why = refused(&setup, &args).await;
    assert!(why.contains("10001 files, and the limit is 10000"), "{why}");
    assert!(!folder.exists());
}

#[tokio::test]
async fn missing_accounts_are_written_beside_the_state_once() {
    let setup = setup(fleet(4, 4).number("PN00000000000000000000000000000099", &phone(99), &ac(1))).await;
    let folder = setup.dir.path().join("state");
    fs::create_dir(&folder).unwrap();
    // The first account is listed with one of its two numbers; it also claims a number of the third.
    let listed = entry(1, "active", &format!(", numbers: [\"{}\", \"{}\"]", phone(1), phone(3)))
        + &entry(2, "closed", &format!(", close: {{confirm: a2, release: [\"{}\"]}}", phone(4)));
    fs::write(folder.join("state.yaml"), state(&listed)).unwrap();
    let at = folder.to_str().unwrap();
    let plan = async || stdout(&setup.run(&["plan", "-o", "json", "--desired", at]).await);
    let new = folder.join("new.yaml");
    let before = plan().await;
    let args = ["--missing", "--desired", at];
    let text = import(&setup, &args).await;
    assert!(!text.contains("mainAccount"), "{text}");
    assert!(text.contains(&format!("#   - \"{}\"", phone(99))), "{text}");
    import(&setup, &[&args[..], &["--out", new.to_str().unwrap()]].concat()).await;
    assert_eq!(fs::read_to_string(&new).unwrap(), text);
    let valid = output(bare(&["validate", at])).await;
    assert_eq!(stdout(&valid), "valid: 4 subaccounts, 2 numbers, 2 files\n");
    assert_eq!(without_times(&plan().await), without_times(&before));
    let again = setup.run(&[&["import"], &args[..]].concat()).await;
    assert!(stdout(&again).contains("subaccounts: []\n"), "{}", stdout(&again));
    assert!(stderr(&again).contains("nothing is missing"), "{}", stderr(&again));
    let why = refused(&setup, &[&args[..], &["--out", new.to_str().unwrap(), "--force"]].concat()).await;
    assert!(why.contains("is part of the state"), "{why}");
    assert_eq!(setup.posts(), Vec::<String>::new());
}

fn without_times(plan: &str) -> Value {
    let mut plan: Value = serde_json::from_str(plan).unwrap();
    for held in plan["held"].as_array_mut().unwrap() {
        held["since"] = Value::Null;
    }
    plan
}

#[tokio::test]
async fn a_faulty_state_and_one_of_another_main_account_stop_a_search_for_what_is_missing() {
    let setup = setup(fleet(1, 0)).await;
    let missing = setup.dir.path().join("nowhere.yaml");
    let why = refused(&setup, &["--missing", "--desired", missing.to_str().unwrap()]).await;
    assert!(why.contains("the file cannot be read") && why.contains("has faults"), "{why}");
    setup.write(&state(&entry(1, "actve", "")));
    let why = refused(&setup, &["--missing"]).await;
    assert!(why.contains("did you mean `active`?") && why.contains("has faults"), "{why}");
    setup.write(&state(&entry(1, "active", "")).replace(&ac(0), &ac(9)));
    let why = refused(&setup, &["--missing"]).await;
    assert!(why.contains("but the credentials belong to"), "{why}");
    // Without --missing the state is not read.
    setup.write("no state");
    import(&setup, &[]).await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_stops_the_import_unless_its_numbers_may_be_left_out() {
    let setup = setup(fleet(2, 2)).await;
    setup.sim.inject(Fault::status(403, 20403).on(Operation::ListNumbers).account(&ac(2)));
    let file = setup.dir.path().join("one.yaml");
    let out = ["--out", file.to_str().unwrap()];
    let why = refused(&setup, &out).await;
    assert!(why.contains(&format!("the numbers of {} could not be read", ac(2))), "{why}");
    assert!(why.contains("--skip-unreadable"), "{why}");
    assert!(!file.exists());
    import(&setup, &[&out[..], &["--skip-unreadable"]].concat()).await;
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("# its numbers are skipped") && text.contains(&phone(1)), "{text}");
    assert_settled(&setup, &file).await;
    let none = import(&setup, &["--numbers", "none"]).await;
    assert!(!none.contains("numbers"), "{none}");
}

#[tokio::test]
async fn suspended_accounts_whose_lists_twilio_hides_can_be_imported() {
    for hidden in [SuspendedNumbers::Empty, SuspendedNumbers::Unauthorized, SuspendedNumbers::Forbidden] {
        let switches = Behavior { suspended_numbers: hidden, ..Behavior::default() };
        let setup = setup(fleet(2, 2).switches(switches)).await;
        setup.suspend_elsewhere(2);
        let file = setup.dir.path().join("one.yaml");
        import(&setup, &["--skip-unreadable", "--out", file.to_str().unwrap()]).await;
        assert_settled(&setup, &file).await;
    }
}

#[tokio::test]
async fn filters_select_accounts_and_name_unknown_ones() {
    let world = fleet(3, 3).account(&ac(4), "gone", AccountStatus::Closed);
    let setup = setup(world).await;
    setup.suspend_elsewhere(2);
    let sids = |text: &str| -> Vec<u64> {
        (1..=4).filter(|n| text.contains(&format!("- sid: {}", ac(*n)))).collect()
    };
    for (args, expected) in [
        (&[][..], &[1, 2, 3][..]),
        (&["--status", "suspended"], &[2]),
        (&["--status", "closed,suspended"], &[2, 4]),
        (&["--name-prefix", "a3"], &[3]),
        (&["--sid", &ac(3), "--sid", &ac(1)], &[1, 3]),
        (&["--sid", &format!("{},{}", ac(2), ac(3))], &[2, 3]),
    ] {
        assert_eq!(sids(&import(&setup, args).await), expected, "{args:?}");
    }
    let ended = setup.run(&["import"]).await;
    assert!(stderr(&ended).contains("left out: 1 closed"), "{}", stderr(&ended));
    let why = refused(&setup, &["--sid", &ac(9)]).await;
    assert!(why.contains(&format!("{} is not among the accounts", ac(9))), "{why}");
}

#[tokio::test]
async fn wrong_usage_of_import_exits_with_64() {
    let setup = setup(fleet(1, 0)).await;
    for (args, words) in [
        (&["--split-by", "account"][..], "--out"),
        (&["--force"], "--out"),
        (&["--status", "open"], "write active, suspended or closed"),
        (&["--sid", "AC1"], "is not a valid account SID"),
    ] {
        let ended = setup.run(&[&["import"], args].concat()).await;
        assert_eq!(code(&ended), 64, "{args:?}: {}", stderr(&ended));
        assert!(stderr(&ended).contains(words), "{args:?}: {}", stderr(&ended));
    }
}

#[tokio::test]
async fn unusable_main_account_is_not_imported() {
    let setup = setup(fleet(1, 0).main(|main| main.status = AccountStatus::Suspended)).await;
    let why = refused(&setup, &[]).await;
    assert!(why.contains("is not active"), "{why}");
}
