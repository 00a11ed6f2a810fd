//! The pass as its driver sees it: the reads that it needs, and its facts.

use jiff::Timestamp;
use subaccountd_core::{
    History, Now, NumberId, NumberList, NumberLocation, Observed, Pass, Reason, Status,
    events::{desired_events, events_during_pass},
    history::{CloseDecision, Event},
    pass::Want,
    remote::{AccountList, UnreadableRow},
};

use crate::support::{
    scene::{NOON, Scene, number, phone, sid, time, unknown},
    text::short,
};

const NUMBER: &str = "+15105550101";
const SUSPENDED: &str = "subaccounts: [{sid: AC01, status: suspended}, {sid: AC02, status: suspended}]";
const CLOSED: &str = "subaccounts: [{sid: AC01, status: closed, close: {confirm: acme}}]";

/// AC01 claims a number that sits in AC02.
fn claiming() -> Scene {
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: [\"{NUMBER}\"]}}, {{sid: AC02, status: active}}]"
    );
    Scene::new(&state).holds("AC02", NUMBER)
}

/// The single accounts and numbers that the pass reads: they cost one request each.
fn looks(scene: &Scene) -> Vec<Want> {
    let asked = scene.asks();
    asked.into_iter().filter(|want| !matches!(want, Want::Numbers(_))).collect()
}

#[test]
fn state_for_another_main_account_is_known_before_anything_is_asked_for() {
    let check = |state: &str| {
        let scene = Scene::new(state);
        let guardrails = scene.guardrails();
        let (pass, _) = Pass::begin(&scene.desired, &guardrails, sid("AC00"), &scene.history, scene.now);
        pass.check_state().map_err(|error| error.to_string())
    };
    assert_eq!(check("subaccounts: []"), Ok(()));
    let other = check("mainAccount: {sid: AC09}\nsubaccounts: []").unwrap_err();
    assert!(other.contains(&sid("AC09").to_string()), "{other}");
}

/// A snapshot leaves open what rests on the lists that it lacks: a number in none of the others, a close, calls.
#[test]
fn plan_on_a_snapshot_tells_what_it_leaves_open_apart_from_what_is_held() {
    let state = format!(
        "subaccounts: [{{sid: AC01, status: active, numbers: [\"{NUMBER}\"]}}, {{sid: AC02, status: closed, close: {{confirm: acme}}}}, {{sid: AC03, status: suspended, endCalls: true}}, {{sid: AC04, status: suspended, paused: true}}]"
    );
    let scene = Scene::new(&state).active("AC04");
    let plan = |lists: &[&str]| {
        let guardrails = scene.guardrails();
        let (mut pass, _) = Pass::begin(&scene.desired, &guardrails, sid("AC00"), &scene.history, scene.now);
        let mut observed = Observed::new(sid("AC00"), scene.accounts.values().cloned());
        for account in lists {
            observed.add_number_list(
                sid(account),
                NumberList::Known(scene.lists[&sid(account)].clone().unwrap()),
            );
        }
        pass.recall(observed, &scene.history).unwrap();
        assert_eq!(
            pass.facts(&scene.history, scene.now)
                .iter()
                .filter(|event| matches!(event, Event::ProofFailed { .. }))
                .count(),
            0
        );
        let approved = pass.plan(&scene.history).unwrap();
        let open =
            approved.plan().not_known.iter().map(|open| format!("{} {}", open.kind, short(&open.message)));
        let held: Vec<_> = approved.plan().held.iter().map(|held| held.reason).collect();
        (open.collect::<Vec<_>>(), held, approved.plan().digest())
    };
    let (open, held, digest) = plan(&["AC00"]);
    assert_eq!(
        open,
        [
            "transfer +15105550101 is in no number list of the snapshot, which lacks 4 lists, the first that of AC01",
            "close the snapshot has no number list of AC02",
            "endCalls the snapshot has no calls of AC03",
        ]
    );
    assert_eq!(held, [Reason::Paused]);
    let (open, _, whole) = plan(&["AC00", "AC01", "AC02"]);
    assert_eq!(open, ["endCalls the snapshot has no calls of AC03"]);
    assert_ne!(digest, whole);
}

#[test]
fn recalled_observation_has_no_empty_list_where_it_lacks_one() {
    let scene = claiming();
    let recall = |main: &str| {
        let guardrails = scene.guardrails();
        let (mut pass, _) = Pass::begin(&scene.desired, &guardrails, sid(main), &scene.history, scene.now);
        let observed = Observed::new(sid(main), scene.accounts.values().cloned());
        let recalled = pass.recall(observed, &scene.history);
        (recalled, pass.into_parts().1)
    };
    let (recalled, observed) = recall("AC00");
    assert_eq!(recalled, Ok(()));
    for account in ["AC00", "AC01", "AC02"] {
        assert_eq!(*observed.number_list(sid(account)), NumberList::NotInSnapshot);
    }
    assert!(recall("AC09").0.is_err(), "it is of another main account");
}

/// A snapshot takes it apart, and a plan on the snapshot puts it together.
#[test]
fn observation_is_the_same_when_it_is_put_together_again() {
    let row = |sid| UnreadableRow { sid, why: "`status` is no text".to_owned() };
    let accounts: Vec<_> = claiming().accounts.into_values().collect();
    let unreadable = vec![row(Some(sid("AC03"))), row(None)];
    let list = AccountList { accounts, unreadable, ..AccountList::default() };
    let mut observed = Observed::from_list(sid("AC00"), list);
    let (placed, doubted) = (number("+15105550102"), "+15105550103");
    observed.add_number_list(sid("AC02"), NumberList::Known(vec![number(NUMBER), number(doubted)]));
    observed.place_number(sid("AC01"), placed.clone());
    observed.doubt_number(phone(doubted));
    let (accounts, number_lists, doubts) = observed.into_parts();
    let mut again = Observed::new(sid("AC00"), accounts.into_values()).with_doubts(doubts);
    for (account, list) in number_lists {
        again.add_number_list(account, (*list).clone());
    }
    let owner = |number: NumberId| match again.locate(number) {
        NumberLocation::In(owner, _) => Some(owner),
        NumberLocation::InTransit | NumberLocation::Nowhere => None,
    };
    assert_eq!(owner(phone(NUMBER).into()), Some(sid("AC02")));
    assert_eq!(owner(placed.id()), Some(sid("AC01")));
    assert!(matches!(again.locate(phone(doubted)), NumberLocation::InTransit));
    for account in ["AC03", "AC09"] {
        assert_eq!(again.unreadable_account(sid(account)), Some("`status` is no text"));
    }
    assert_eq!(again.account(sid("AC02")).map(|account| account.friendly_name.as_str()), Some("acme"));
}

#[test]
fn number_that_was_moved_is_doubtful_no_more_and_others_are() {
    let (moved, other) = (phone(NUMBER), phone("+15105550103"));
    let mut observed = Observed::new(sid("AC00"), claiming().accounts.into_values());
    observed.add_number_list(sid("AC01"), NumberList::Known(Vec::new()));
    observed.add_number_list(sid("AC02"), NumberList::Known(vec![number(NUMBER), number("+15105550103")]));
    observed.doubt_number(moved);
    observed.doubt_number(other);
    observed.move_numbers(&[(moved, sid("AC01"))].into());
    assert!(matches!(observed.locate(moved), NumberLocation::In(owner, _) if owner == sid("AC01")));
    assert!(matches!(observed.locate(other), NumberLocation::InTransit));
}

#[test]
fn only_what_the_lists_contradict_is_looked_at_alone() {
    let settled = Scene::new(SUSPENDED).active("AC01").active("AC02").done();
    assert_eq!(looks(&settled), []);
    let lagging = settled.clone().lags_account("AC01", |scene| scene).active("AC01");
    assert_eq!(looks(&lagging), [Want::Account(sid("AC01"))]);
    let moved = claiming().done();
    assert_eq!(looks(&moved), [], "its receiver's list shows it");
    let lagging = claiming().lags_number(NUMBER, Scene::done);
    let alone = |account: &str| Want::Number(sid(account), number(NUMBER).sid, phone(NUMBER).into());
    assert_eq!(looks(&lagging), [alone("AC01")]);
}

#[test]
fn number_of_a_closing_account_is_looked_at_only_where_another_list_shows_it() {
    let state = format!(
        "subaccounts: [{{sid: AC01, status: closed, close: {{confirm: acme, release: [\"{NUMBER}\"]}}}}, {{sid: AC02, status: active}}]"
    );
    let closing = Scene::new(&state).holds("AC01", NUMBER).pass();
    assert_eq!(looks(&closing), []);
    let also_claimed = format!("{}, numbers: []}}]", state.trim_end_matches("}]"));
    let elsewhere = closing.says(&also_claimed).holds("AC02", NUMBER);
    let alone = Want::Number(sid("AC02"), number(NUMBER).sid, phone(NUMBER).into());
    assert_eq!(looks(&elsewhere), [alone]);
}

#[test]
fn all_lists_are_read_once_while_a_number_is_missing_and_not_otherwise() {
    let lists =
        |scene: &Scene| scene.asks().into_iter().filter(|want| matches!(want, Want::Numbers(_))).count();
    let searched = |scene: &Scene| {
        let history = scene.clone().pass().history;
        !history.may_search(&scene.desired.digest(), scene.now)
    };
    let state = format!("subaccounts: [{{sid: AC01, status: active, numbers: [\"{NUMBER}\"]}}]");
    let there = Scene::new(&state).account("AC05", "other", Status::Active);
    assert_eq!((lists(&there), searched(&there)), (1, false), "the claimant's list has it");
    let missing = there.nowhere(NUMBER);
    assert_eq!((lists(&missing), searched(&missing)), (3, true), "main, AC01 and AC05");
    assert_eq!(lists(&missing.clone().pass()), 1, "a search is not repeated at once");
    let found = missing.holds("AC05", NUMBER);
    assert_eq!((lists(&found), searched(&found)), (3, false), "a search that finds it has no pause");
}

/// One pass of a process: it begins at `begin`, and Twilio's clock is at `told`. History applies its facts.
fn passes(scene: &mut Scene, begin: Now, told: Now) -> Vec<Event> {
    let guardrails = scene.guardrails();
    let (mut pass, mut events) = Pass::begin(&scene.desired, &guardrails, sid("AC00"), &scene.history, begin);
    scene.history.apply_all(events.clone());
    let list = AccountList { accounts: scene.accounts.values().cloned().collect(), ..AccountList::default() };
    pass.see_accounts(list, told).unwrap();
    // No list is answered.
    while !pass.wants(&scene.history).is_empty() {}
    let facts = pass.facts(&scene.history, told);
    scene.history.apply_all(facts.clone());
    events.extend(facts);
    events
}

fn at(text: &str) -> Now {
    Now::new(time(text), Some(time(text)))
}

fn without_twilio(text: &str) -> Now {
    Now { twilio: None, ..at(text) }
}

fn since(history: &History) -> Option<Timestamp> {
    history.close_decision(sid("AC01")).and_then(|decision: &CloseDecision| decision.since)
}

#[test]
fn decision_of_a_new_process_is_dated_when_twilio_gives_the_time() {
    let mut scene = Scene::new(CLOSED);
    passes(&mut scene, without_twilio(NOON), at(NOON));
    assert_eq!(since(&scene.history), Some(time(NOON)));
}

#[test]
fn decision_that_no_pass_could_date_is_dated_by_the_first_that_can() {
    let mut scene = Scene::new(CLOSED);
    passes(&mut scene, without_twilio(NOON), without_twilio(NOON));
    assert_eq!(since(&scene.history), None);
    let later = "2026-06-01T13:00:00Z";
    passes(&mut scene, at(later), at(later));
    assert_eq!(since(&scene.history), Some(time(later)));
}

/// The time of an earlier pass was moved on by a clock that stood still, as when the machine slept.
#[test]
fn decision_is_dated_by_twilios_clock_in_its_own_pass() {
    let told = |told: &str| {
        let mut scene = Scene::new(CLOSED);
        let events = passes(&mut scene, at(NOON), at(told));
        let dated = events.iter().filter(|event| matches!(event, Event::CloseDecided { .. })).count();
        (since(&scene.history).unwrap(), dated)
    };
    assert_eq!(told("2026-06-01T12:00:05Z"), (time(NOON), 1), "that is how exact the time is");
    let late = "2026-06-01T12:00:06Z";
    assert_eq!(told(late), (time(late), 2));
}

/// Facts of a pass that lists the accounts at noon and ends at one; history takes `edit` in between.
fn long_pass(begin: Now, edit: impl FnOnce(&History, &Scene) -> Vec<Event>) -> (Scene, Vec<Event>) {
    let mut scene = Scene::new(CLOSED);
    let guardrails = scene.guardrails();
    let (mut pass, events) = Pass::begin(&scene.desired, &guardrails, sid("AC00"), &scene.history, begin);
    let mut history = scene.history.clone();
    history.apply_all(events);
    let list = AccountList { accounts: scene.accounts.values().cloned().collect(), ..AccountList::default() };
    pass.see_accounts(list, at(NOON)).unwrap();
    while !pass.wants(&history).is_empty() {}
    history.apply_all(edit(&history, &scene));
    let facts = pass.facts(&history, at("2026-06-01T13:00:00Z"));
    history.apply_all(facts.clone());
    drop(pass);
    scene.history = history;
    (scene, facts)
}

#[test]
fn decision_without_a_time_is_not_dated_by_the_begin_of_the_pass_in_which_it_was_made() {
    let edited = |history: &History, scene: &Scene| {
        let other = scene.clone().says("subaccounts: [{sid: AC01, status: closed, close: {confirm: other}}]");
        events_during_pass(
            history,
            &other.desired,
            &scene.guardrails().policy,
            without_twilio("2026-06-01T12:59:00Z"),
        )
    };
    let (scene, _) = long_pass(at(NOON), edited);
    assert_eq!(since(&scene.history), Some(time("2026-06-01T13:00:00Z")));
}

#[test]
fn decision_that_was_withdrawn_during_a_pass_is_not_dated_again() {
    let withdrawn = |_: &History, _: &Scene| vec![Event::CloseWithdrawn { account: sid("AC01") }];
    let (scene, facts) = long_pass(without_twilio(NOON), withdrawn);
    assert_eq!(scene.history.close_decision(sid("AC01")), None, "{facts:?}");
}

#[test]
fn time_of_the_last_read_of_the_state_does_not_go_back() {
    let read = |_: &History, _: &Scene| vec![Event::Attended { at: time("2026-06-01T12:59:30Z") }];
    for begin in [at(NOON), without_twilio(NOON)] {
        let (scene, facts) = long_pass(begin, read);
        assert!(scene.history.attended() >= Some(time("2026-06-01T12:59:30Z")), "{facts:?}");
    }
}

/// A change that the last read shows may have happened while the pass waited for it.
#[test]
fn suspension_is_seen_when_the_last_read_of_a_pass_ends() {
    let mut scene = Scene::new(CLOSED);
    passes(&mut scene, at(NOON), at(NOON));
    scene = scene.suspended("AC01");
    let guardrails = scene.guardrails();
    let (mut pass, _) = Pass::begin(&scene.desired, &guardrails, sid("AC00"), &scene.history, at(NOON));
    let list = AccountList { accounts: scene.accounts.values().cloned().collect(), ..AccountList::default() };
    pass.see_accounts(list, at(NOON)).unwrap();
    while !pass.wants(&scene.history).is_empty() {}
    let later = "2026-06-01T12:10:00Z";
    let facts = pass.facts(&scene.history, at(later));
    let seen = facts.iter().find(|event| matches!(event, Event::SeenSuspended { .. }));
    let Some(Event::SeenSuspended { at: seen, .. }) = seen else { panic!("{facts:?}") };
    assert_eq!(*seen, time(later));
}

#[test]
fn gap_before_the_first_pass_of_a_process_is_known_when_twilio_gives_the_time() {
    let unattended = |begin: fn(&str) -> Now, back: &str| {
        let mut scene = Scene::new(CLOSED);
        passes(&mut scene, at(NOON), at(NOON));
        let events = passes(&mut scene, begin(back), at(back));
        events.iter().filter(|event| matches!(event, Event::Unattended { .. })).count()
    };
    let (soon, late) = ("2026-06-01T12:01:00Z", "2026-06-02T12:00:00Z");
    for begin in [at, without_twilio] {
        assert_eq!(unattended(begin, soon), 0);
        assert_eq!(unattended(begin, late), 1);
    }
}

/// The pass began in time, and lasted.
#[test]
fn pass_that_takes_long_is_a_gap_only_when_it_is_longer_than_one_may_be() {
    let policy = |scene: Scene| scene.policy(|policy| policy.close_after = "20s".parse().unwrap());
    let gaps = |told: &str| {
        let mut scene = policy(Scene::new(CLOSED));
        scene.policy.interval = "1s".parse().unwrap();
        passes(&mut scene, at(NOON), at(NOON));
        let events = passes(&mut scene, at(NOON), at(told));
        events.iter().filter(|event| matches!(event, Event::Unattended { .. })).count()
    };
    assert_eq!(gaps("2026-06-01T12:01:00Z"), 0);
    assert_eq!(gaps("2026-06-01T12:01:01Z"), 1);
}

/// Each pass that is kept is a line of the journal, and the time of the last one is where a gap begins.
#[test]
fn pass_is_kept_every_minute_or_four_times_in_the_shortest_gap() {
    let kept = |interval: &str, told: &str| {
        let mut scene = Scene::new(CLOSED).policy(|policy| {
            policy.close_after = "20s".parse().unwrap();
            policy.interval = interval.parse().unwrap();
        });
        passes(&mut scene, at(NOON), at(NOON));
        let events = passes(&mut scene, at(told), at(told));
        events.iter().filter(|event| matches!(event, Event::Attended { .. })).count()
    };
    assert_eq!(kept("10m", "2026-06-01T12:00:59Z"), 0);
    assert_eq!(kept("10m", "2026-06-01T12:01:00Z"), 1);
    // No pass for 4 s is a gap.
    assert_eq!(kept("1334ms", "2026-06-01T12:00:01Z"), 0);
    assert_eq!(kept("1333ms", "2026-06-01T12:00:01Z"), 1);
    assert_eq!(kept("10m", "2026-06-01T11:59:59Z"), 1, "the clock was set back");
}

#[test]
fn search_is_a_fact_only_when_there_was_one() {
    let mut scene = Scene::new(CLOSED);
    let events = passes(&mut scene, at(NOON), at(NOON));
    assert!(!events.iter().any(|event| matches!(event, Event::Searched { .. })), "{events:?}");
}

/// The receiver does not have it, and the account which it did not leave shows no list.
#[test]
fn number_of_a_lost_transfer_is_not_missing_because_its_receiver_does_not_have_it() {
    let lost = claiming().does(&unknown()).nowhere(NUMBER).pass();
    assert_eq!(lost.history.missing_since(phone(NUMBER)), None);
}

/// The desired state alone gives its facts once.
#[test]
fn facts_of_the_state_are_news_once() {
    let mut scene = Scene::new(CLOSED);
    passes(&mut scene, at(NOON), at(NOON));
    assert_eq!(desired_events(&scene.history, &scene.desired, &scene.policy, at(NOON)), []);
}
