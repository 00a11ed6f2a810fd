//! Storms: faults on the way to Twilio, wrong clocks, absences, edits between and during passes, and other people. The
//! invariants hold at every write, and the fleet converges afterwards.

use jiff::SignedDuration;
use proptest::prelude::*;
use subaccountd_core::{ActionKind, Limit, Status};

use crate::{
    convergence::{cases, check_the_rest_is_held, check_world, lists, living, settle},
    support::{
        draw::{self, Edit, edit, fleet},
        fleet::{Boundary, Fleet, People, Trouble},
        scene::sid,
    },
};

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        3 => Just(Trouble::None),
        1 => Just(Trouble::Before),
        1 => Just(Trouble::After),
        1 => Just(Trouble::Late),
        1 => Just(Trouble::Ignored),
        1 => Just(Trouble::Stale),
        1 => Just(Trouble::Busy),
        1 => Just(Trouble::Meddling),
    ]
}

/// The errors of the local clock and of Twilio's clock.
#[derive(Debug, Clone, Copy)]
enum Clocks {
    Right,
    /// The local clock is wrong by these hours.
    Off(i64),
    /// Twilio's answers have no `Date`.
    NoDate,
    /// Both clocks jump ahead by these hours, and back before the next pass.
    Jump(i64),
}

fn clocks() -> impl Strategy<Value = Clocks> {
    prop_oneof![
        6 => Just(Clocks::Right),
        1 => prop_oneof![Just(-25_i64), Just(25), Just(450 * 24)].prop_map(Clocks::Off),
        1 => Just(Clocks::NoDate),
        1 => prop_oneof![Just(-25_i64), Just(25), Just(72)].prop_map(Clocks::Jump),
    ]
}

/// The events around one pass.
#[derive(Debug, Clone)]
struct Step {
    edit: Option<Edit>,
    /// An edit during the pass, after this number of places in flight.
    during: Option<(usize, Edit)>,
    people: Option<(usize, People)>,
    troubles: Vec<Trouble>,
    clocks: Clocks,
    /// The time until the next step, in seconds, and if the daemon is away.
    wait: (i64, bool),
}

fn step(edits: f64, people: f64, trouble: impl Strategy<Value = Trouble>) -> impl Strategy<Value = Step> {
    let doing = prop_oneof![
        Just(People::Rename),
        Just(People::NameBack),
        Just(People::Suspend),
        Just(People::Reactivate)
    ];
    let wait = prop_oneof![0_i64..10, 10_i64..200, Just(3_700), 0_i64..(30 * 3_600)];
    (
        prop::option::weighted(edits, edit()),
        prop::option::weighted(edits / 2.0, (0_usize..4, edit())),
        prop::option::weighted(people, (1_usize..=4, doing)),
        prop::collection::vec(trouble, 0..12),
        clocks(),
        (wait, prop::bool::weighted(0.15)),
    )
        .prop_map(|(edit, during, people, troubles, clocks, wait)| Step {
            edit,
            during,
            people,
            troubles,
            clocks,
            wait,
        })
}

/// The time for which number lists are good, if they are kept.
fn resync() -> impl Strategy<Value = Option<SignedDuration>> {
    let seconds = prop_oneof![Just(60_i64), Just(600), Just(36_000)];
    prop::option::weighted(0.7, seconds.prop_map(SignedDuration::from_secs))
}

/// Sets the clocks; gives if both jumped.
fn set_clocks(fleet: &mut Fleet, clocks: Clocks) -> bool {
    let hours = SignedDuration::from_hours;
    fleet.no_date = matches!(clocks, Clocks::NoDate);
    fleet.clock_error = match clocks {
        Clocks::Right | Clocks::NoDate => (hours(0), hours(0)),
        Clocks::Off(off) => (hours(off), hours(0)),
        Clocks::Jump(jump) => (hours(jump), hours(jump)),
    };
    matches!(clocks, Clocks::Jump(_))
}

fn take_step(fleet: &mut Fleet, drawn: &mut draw::Fleet, step: Step) {
    if let Some(edit) = &step.edit {
        fleet.desired = drawn.edited(edit);
    }
    if let Some((places, edit)) = &step.during {
        fleet.edit_during_pass(*places, drawn.edited(edit));
    }
    if let Some((account, doing)) = step.people {
        fleet.people(sid(&format!("AC{account:02}")), doing);
    }
    let jumped = set_clocks(fleet, step.clocks);
    fleet.steady = fleet.steady && !jumped;
    fleet.trouble(step.troubles);
    let _ = fleet.pass();
    fleet.take_edit();
    check_world(fleet, drawn);
    let wait = SignedDuration::from_secs(step.wait.0);
    if step.wait.1 {
        fleet.away(wait);
    } else {
        fleet.after(wait);
    }
    // The clocks jump back, which the next pass notices.
    fleet.steady = !jumped;
    set_clocks(fleet, Clocks::Right);
}

/// Faults are over, clocks are right, the state stays as it is.
fn calm(fleet: &mut Fleet) {
    fleet.trouble(Vec::new());
    fleet.steady = true;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(128), failure_persistence: None, ..ProptestConfig::default() })]

    /// I1, I2, I4 and I12 hold at every write, with any failures, external changes and clock errors; then the
    /// fleet converges.
    #[test]
    fn fleet_loses_no_number_and_converges_after_any_storm(
        drawn in fleet(),
        lists in lists(),
        meddling in any::<bool>(),
        resync in resync(),
        steps in prop::collection::vec(step(0.4, 0.3, trouble()), 1..12),
    ) {
        let mut drawn = drawn.settle_claims();
        let mut fleet = living(&drawn, lists);
        if let Some(resync) = resync {
            fleet.resyncs(resync);
        }
        for step in steps {
            if meddling && step.people.is_some() {
                fleet.meddle();
            }
            take_step(&mut fleet, &mut drawn, step);
        }
        calm(&mut fleet);
        prop_assert!(settle(&mut fleet, &drawn).is_some(), "{:?}", fleet.written.lock().unwrap());
        check_the_rest_is_held(&fleet);
    }

    /// I8, as the world counts it. There are no external changes, so that every change is the daemon's; a write that comes late and was
    /// repeated meanwhile takes the place of its repeat, so it is not drawn beside edits.
    #[test]
    fn brake_holds_after_losses_edits_and_wrong_clocks(
        drawn in fleet(),
        lists in lists(),
        resync in resync(),
        steps in prop::collection::vec(step(0.5, 0.1, trouble()), 1..14),
        death in prop::option::of((0_u64..8, 0_usize..3)),
        limit in 1_usize..3,
    ) {
        let mut drawn = drawn.settle_claims();
        let mut fleet = living(&drawn, lists);
        if let Some(resync) = resync {
            fleet.resyncs(resync);
        }
        fleet.policy.close_after = SignedDuration::ZERO;
        fleet.limits.verbs = ActionKind::ALL.map(|kind| (kind, Limit::Count(limit))).into();
        fleet.limits.released_numbers = 1;
        if let Some((write, boundary)) = death {
            fleet.dies(write, Boundary::ALL[boundary]);
        }
        for mut step in steps {
            let other = |trouble: &Trouble| !matches!(trouble, Trouble::Meddling | Trouble::Late);
            step.troubles.retain(other);
            step.people = None;
            take_step(&mut fleet, &mut drawn, step);
            fleet.restart();
        }
        for kind in ActionKind::ALL {
            let most = fleet.most_effects(kind, fleet.limits.window);
            prop_assert!(most <= limit, "{kind} {most} times: {:?}", fleet.written.lock().unwrap());
        }
    }

    /// Late writes and their repeats change each target once.
    #[test]
    fn brake_holds_when_writes_take_effect_late(
        drawn in fleet(),
        lists in lists(),
        troubles in prop::collection::vec(prop::collection::vec(trouble(), 0..12), 1..8),
        minutes in prop_oneof![Just(0_i64), Just(1), Just(61)],
    ) {
        let mut drawn = drawn.settle_claims();
        for account in &mut drawn.accounts {
            account.status = Status::Active;
        }
        let mut fleet = living(&drawn, lists);
        fleet.policy.close_after = SignedDuration::ZERO;
        let limits = [(ActionKind::Suspend, 1), (ActionKind::Close, 1), (ActionKind::Transfer, 2), (ActionKind::Reactivate, 1)];
        fleet.limits.verbs = limits.map(|(kind, count)| (kind, Limit::Count(count))).into();
        fleet.limits.released_numbers = 1;
        for trouble in troubles {
            fleet.trouble(trouble.into_iter().filter(|trouble| *trouble != Trouble::Meddling).collect());
            let _ = fleet.pass();
            fleet.after(SignedDuration::from_mins(minutes) + SignedDuration::from_secs(7));
        }
        for (kind, limit) in limits {
            let most = fleet.most_effects(kind, fleet.limits.window);
            prop_assert!(most <= limit, "{kind} {most} times: {:?}", fleet.written.lock().unwrap());
        }
        prop_assert!(fleet.world.lock().unwrap().released().len() <= 1);
    }
}
