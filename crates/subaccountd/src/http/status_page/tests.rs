//! The page: the HTML for given reports.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountSid, ActionKind, Condition, ConditionReason, ConditionStatus, Freeze, LiveStatus, Reason, Report,
    Status,
    allowance::Allowance,
    manifest::{Diagnostic, DiagnosticCode},
    report::{
        AccountView, ActionView, DesiredState, Figures, HeldView, MainAccount, Mode, PassResult, PassSummary,
        PlanView, WindowChange, WindowView,
    },
    window::WindowEnd,
};

use super::{POLICY, STYLE, Waiting, answer, render};

const HOSTILE: &str =
    "</title><script>alert('1')</script>\"><img src=x onerror=alert(1)>\u{202e}\u{0}\u{1b}[31m";

fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn sid(n: u64) -> AccountSid {
    format!("AC{n:032x}").parse().unwrap()
}

fn account(n: u64, status: ConditionStatus, reason: ConditionReason) -> AccountView {
    AccountView {
        account: sid(n).into(),
        friendly_name: Some(format!("name-{n}")),
        desired: if n.is_multiple_of(2) { Status::Suspended } else { Status::Active },
        observed: Some(LiveStatus::Known(Status::Active)),
        observed_at: Some(at()),
        reason: None,
        labels: BTreeMap::from([("owner".to_owned(), "Müller".to_owned())]),
        conditions: [Condition {
            r#type: "Synced",
            status,
            reason,
            message: "message".into(),
            last_transition_time: at(),
        }],
    }
}

fn held(n: u64, reason: Reason) -> HeldView {
    HeldView {
        reason,
        kind: ActionKind::Transfer,
        account: sid(n).into(),
        number: Some(format!("+1510555{n:04}").parse().unwrap()),
        message: "message".to_owned(),
        remedy: "remedy".to_owned(),
        since: at(),
        due: None,
    }
}

/// `held_accounts` held accounts, then `in_sync` ones, by SID.
fn report(held_accounts: u64, in_sync: u64) -> Report {
    let held_rows = (1..=held_accounts)
        .map(|n| account(n, ConditionStatus::False, ConditionReason::Held(Reason::NeedsAddress)));
    let others = (held_accounts + 1..=held_accounts + in_sync)
        .map(|n| account(n, ConditionStatus::True, ConditionReason::InSync));
    Report {
        version: "0.1.0",
        mode: Mode::Enforce,
        main_account: MainAccount { sid: sid(0), friendly_name: Some("main".to_owned()) },
        desired_state: DesiredState {
            valid: true,
            paused: false,
            frozen: None,
            sha256: "abc".to_owned(),
            revision: Some("0123abc".to_owned()),
            loaded_at: at(),
            faults: Vec::new(),
            fault_count: 0,
        },
        last_pass: PassSummary {
            result: Some(PassResult::Success),
            started_at: Some(at()),
            finished_at: Some(at()),
            requests: 3,
            error: None,
            aborted: false,
        },
        plan: PlanView {
            digest: Some("d".to_owned()),
            actions: Vec::new(),
            held: (1..=held_accounts).map(|n| held(n, Reason::NeedsAddress)).collect(),
            not_known: Vec::new(),
        },
        accounts: held_rows.chain(others).collect(),
        observed_at: Some(at()),
        journal_error: None,
        figures: Figures::default(),
        executed: Vec::new(),
    }
}

fn page(report: &Report, query: &str) -> String {
    render(report, &[], query, at()).unwrap()
}

/// The number of rows in a list.
fn rows(page: &str, list: &str) -> usize {
    let section = page.split(&format!("<section id=\"{list}\"")).nth(1).unwrap();
    section.split("</section>").next().unwrap().matches("<th scope=\"row\"").count()
}

#[test]
fn text_from_outside_is_escaped_wherever_it_stands() {
    let mut report = report(1, 1);
    let words = || HOSTILE.to_owned();
    let row = &mut report.accounts[0];
    (row.friendly_name, row.reason) = (Some(words()), Some(words()));
    row.observed = Some(LiveStatus::Unknown(words()));
    row.labels = BTreeMap::from([(words(), words())]);
    row.conditions[0].message = words().into();
    (report.plan.held[0].message, report.plan.held[0].remedy) = (words(), words());
    report.plan.actions.push(ActionView {
        kind: ActionKind::Close,
        account: sid(1).into(),
        number: None,
        from: Some(sid(1)),
        to: None,
        count: None,
        stage: 0,
        note: Some(words()),
        at_risk: vec!["+15105550001".parse().unwrap()],
    });
    report.figures.at_risk = 1;
    report.last_pass.error = Some(words().into());
    report.last_pass.aborted = true;
    report.desired_state.revision = Some(words());
    report.main_account.friendly_name = Some(words());
    report.journal_error = Some(words());
    report.desired_state.faults.push(Diagnostic {
        file: words(),
        line: 1,
        column: 2,
        message: words(),
        help: words(),
        code: DiagnosticCode::UnknownKey,
        width: 1,
        excerpt: None,
        replacement: Some(words()),
        related: None,
    });
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", HOSTILE).finish();
    for query in ["", &query, "show=%3Cscript%3E&x=%22%3E%3Cscript%3E"] {
        let page = page(&report, query);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("onerror=alert(1)>"));
        assert!(!page.contains(|c: char| c.is_control() && c != '\n'));
        assert!(!page.contains('\u{202e}'));
        assert_eq!(page.matches("<title>").count(), 1);
    }
    assert!(page(&report, "").matches("&#60;script&#62;").count() >= 12);
}

#[test]
fn trouble_comes_first_and_pages_say_where_they_are() {
    let mut report = report(30, 170);
    report.accounts[150] = account(151, ConditionStatus::Unknown, ConditionReason::Held(Reason::Unreadable));
    let first = page(&report, "");
    assert_eq!((rows(&first, "accounts"), rows(&first, "held")), (100, 25));
    assert!(first.contains("1 to 100 of 200") && first.contains("1 to 25 of 30"));
    let accounts = first.find("<section id=\"accounts\"").unwrap();
    let after = |name: &str| accounts + first[accounts..].find(&format!(">{name}<")).unwrap();
    assert!(after("name-30") < after("name-151") && after("name-151") < after("name-31"));
    let last = page(&report, "page=9&held=2");
    assert!(last.contains("101 to 200 of 200") && last.contains("26 to 30 of 30"));
    assert!(last.contains("<link rel=\"canonical\" href=\"?held=2&#38;page=2\">"), "{last}");
    assert!(last.contains("href=\"?held=2#accounts\">Previous"));
    assert!(page(&report, "sort=sid").contains("?sort=sid&#38;page=2#accounts\">Next"));
}

#[test]
fn search_finds_terms_in_every_text() {
    let mut report = report(3, 7);
    report.accounts[4].reason = Some("Invoice 4711".to_owned());
    for (query, accounts, items) in [
        ("q=NAME-5", 1, 0),
        ("q=invoice+4711", 1, 0),
        ("q=4711+name-6", 0, 0),
        ("q=%2B15105550002", 1, 1),
        ("q=needsaddress", 3, 3),
        ("q=owner%3Dm%C3%BCLLER", 10, 3),
        ("q=AC0000000000000000000000000000000a", 1, 0),
        ("reason=NeedsAddress", 3, 3),
        ("reason=OverLimit", 0, 0),
        ("show=in-sync", 7, 0),
        ("show=held", 3, 3),
        ("desired=suspended", 5, 1),
        ("show=held&desired=active&q=name-3", 1, 1),
    ] {
        let page = page(&report, query);
        assert_eq!((rows(&page, "accounts"), rows(&page, "held")), (accounts, items), "{query}");
    }
}

#[test]
fn held_items_of_the_main_account_are_shown_without_a_row() {
    let mut report = report(0, 1);
    report.plan.held.push(held(0, Reason::UnknownNumber));
    assert_eq!(rows(&page(&report, ""), "held"), 1);
    assert_eq!(rows(&page(&report, "reason=UnknownNumber"), "held"), 1);
    assert_eq!(rows(&page(&report, "desired=active"), "held"), 0);
}

#[test]
fn title_is_the_verdict() {
    let title = |report: &Report| {
        let page = page(report, "");
        page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
    };
    assert_eq!(title(&report(0, 0)), "no account listed · subaccountd");
    assert_eq!(title(&report(0, 2)), "all in sync · subaccountd");
    assert_eq!(title(&report(1_000, 2)), "1,000 accounts need you · subaccountd");
    let mut dry = report(1, 0);
    dry.mode = Mode::DryRun;
    dry.last_pass = PassSummary::default();
    assert_eq!(title(&dry), "first pass under way, 1 account needs you · dry run · subaccountd");
    assert!(page(&dry, "").contains("Dry run."));
    // One kind of thing is counted: accounts, the main account among them.
    let mut mixed = report(2, 1);
    mixed.accounts[1].conditions[0].reason = ConditionReason::Held(Reason::CoolingOff);
    mixed.plan.held.extend([held(1, Reason::OverLimit), held(0, Reason::UnknownNumber)]);
    assert_eq!(title(&mixed), "2 accounts need you, 1 waiting · subaccountd");
}

#[test]
fn held_items_that_need_a_person_stand_apart_from_those_that_wait() {
    let mut report = report(1, 0);
    report.plan.held.insert(0, held(2, Reason::CoolingOff));
    let page = page(&report, "");
    let (needs, waits) =
        (page.find("Held items: needs you").unwrap(), page.find("Held items: waiting").unwrap());
    let chip = |reason: &str| page.find(&format!("?reason={reason}#held")).unwrap();
    assert!(
        needs < chip("NeedsAddress") && chip("NeedsAddress") < waits && waits < chip("CoolingOff"),
        "{page}"
    );
    let row = |reason: &str| page.find(&format!("<b class=\"reason\">{reason}</b>")).unwrap();
    assert!(row("NeedsAddress") < row("CoolingOff"), "what needs a person comes first");
}

#[test]
fn page_loads_itself_again_only_when_asked() {
    let report = report(1, 1);
    assert!(!page(&report, "").contains("http-equiv"));
    let again = page(&report, "refresh=30&q=name");
    assert!(again.contains("<meta http-equiv=\"refresh\" content=\"30\">"), "{again}");
    assert!(again.contains("refresh=30#accounts"), "links keep it: {again}");
    assert!(!page(&report, "refresh=1").contains("http-equiv"));
}

#[test]
fn banners_tell_what_is_wrong_as_a_whole() {
    let banners = |report: &Report| {
        let page = page(report, "");
        page.matches("<div class=\"banner ").count()
    };
    let healthy = report(0, 2);
    assert_eq!(banners(&healthy), 0);
    let mut wrong = healthy.clone();
    wrong.journal_error = Some("No space left on device".to_owned());
    wrong.figures.clock_skew = Some(SignedDuration::from_secs(-301));
    wrong.desired_state.paused = true;
    wrong.desired_state.frozen = Some(Freeze { reason: "carrier <b>outage".to_owned(), since: None });
    wrong.mode = Mode::DryRun;
    wrong.last_pass.result = Some(PassResult::Failed);
    wrong.last_pass.error = Some("Twilio is unreachable".to_owned().into());
    wrong.last_pass.aborted = true;
    let shown = page(&wrong, "");
    assert_eq!(banners(&wrong), 6);
    for words in [
        "<title>last pass aborted, journal not writable · frozen · paused · dry run · subaccountd</title>",
        "No space left on device",
        "5 min ahead of Twilio&#39;s",
        "Twilio is unreachable",
        "frozen, paused, dry run",
        "carrier &#60;b&#62;outage",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Clocks that agree within the tolerance need no banner.
    let skewed = |seconds| {
        let mut report = healthy.clone();
        report.figures.clock_skew = Some(SignedDuration::from_secs(seconds));
        banners(&report)
    };
    assert_eq!([0, 300, -300, 301].map(skewed), [0, 0, 0, 1]);
}

#[test]
fn end_of_calls_shows_their_number() {
    let mut report = report(1, 1);
    report.plan.actions = vec![ActionView {
        kind: ActionKind::EndCalls,
        account: sid(1).into(),
        number: None,
        from: None,
        to: None,
        count: Some(3),
        stage: 3,
        note: None,
        at_risk: Vec::new(),
    }];
    let page = page(&report, "");
    assert!(page.contains(r#"<span class="mark endCalls">endCalls</span>"#), "{page}");
    assert!(page.contains("<bdi>3 calls</bdi>"), "{page}");
}

#[test]
fn a_page_of_ten_thousand_is_bounded() {
    let mut report = report(5_000, 5_000);
    let action = |n| ActionView {
        kind: ActionKind::Suspend,
        account: sid(n).into(),
        number: None,
        from: None,
        to: None,
        count: None,
        stage: 0,
        note: None,
        at_risk: Vec::new(),
    };
    report.plan.actions = (1..=5_000).map(action).collect();
    let page = page(&report, "");
    assert!(page.len() < 200_000, "{}", page.len());
    assert_eq!((rows(&page, "accounts"), rows(&page, "held"), rows(&page, "todo")), (100, 25, 25));
    assert!(page.contains("1 to 25 of 5,000") && page.contains("1 to 100 of 10,000"));
}

#[test]
fn the_policy_allows_the_one_style_and_nothing_else() {
    let policy = POLICY.clone().unwrap();
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
    let page = page(&report(1, 1), "");
    assert_eq!(page.matches("<style>").count(), 1);
    assert!(
        page.contains(&format!("<style>{STYLE}</style>")),
        "the digest is that of what stands in the page"
    );
    assert!(
        !page.contains(" style=") && !page.contains("<link rel=\"stylesheet\"") && !page.contains(" src=")
    );
}

#[test]
fn page_before_the_state_was_read_says_why_and_reloads() {
    let waits = answer(Err("the state cannot be read: <b>"), &[], "", at());
    assert_eq!(waits.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(waits.headers().get("content-security-policy"), POLICY.as_ref());
    let page = Waiting { style: STYLE, why: "the state cannot be read: <b>".to_owned() }.render().unwrap();
    assert!(page.contains("http-equiv=\"refresh\"") && page.contains("cannot be read: &#60;b&#62;"));
    assert_eq!(answer(Ok(&report(0, 1)), &[], "", at()).status(), StatusCode::OK);
}

#[test]
fn windows_are_shown_with_their_next_change_and_allowances_in_a_banner() {
    let mut report = report(0, 1);
    let window = |change| WindowView {
        verbs: vec![ActionKind::Suspend, ActionKind::Close],
        times: Some("0 18 * * 5 Europe/Berlin, 62h".to_owned()),
        reason: Some(HOSTILE.to_owned()),
        change,
    };
    report.figures.windows = [
        WindowChange::Ends(WindowEnd::At(at() + SignedDuration::from_hours(2))),
        WindowChange::Begins(at() + SignedDuration::from_hours(3)),
        WindowChange::Never,
        WindowChange::Ends(WindowEnd::WhenCorrected),
    ]
    .map(window)
    .into();
    report.figures.allowances = vec![Allowance {
        verb: ActionKind::Suspend,
        up_to: 40,
        until: at() + SignedDuration::from_hours(5),
        reason: HOSTILE.to_owned(),
    }];
    let page = page(&report, "");
    assert!(!page.contains("<script"), "{page}");
    for words in [
        "<b>in force</b>, ends",
        "in 2 h",
        "begins",
        "in 3 h",
        "never comes",
        "lasts until its fault is corrected",
        "suspend, close",
        "0 18 * * 5 Europe/Berlin, 62h",
        "An allowance is in force.",
        "is at least 40",
        "in 5 h",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}
