//! The pause between two passes, and the changes of the state that end it.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::change_budget::ChangeBudget;
use crate::daemon::wake::Wake;

/// The shortest time between two looks at the state.
const MIN_GAP: Duration = Duration::from_millis(500);
/// The longest time between two looks, however long one takes.
const MAX_GAP: Duration = Duration::from_secs(10);
/// The time between two looks, as a multiple of the time that one takes: a state that changes all the time costs only
/// a part of a core.
const GAP_FACTOR: u32 = 5;

/// The result of a look at the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StateCheck {
    /// It means the same as when the last pass began.
    Same,
    /// Its meaning changed.
    Changed,
    /// It changes while it is read.
    Unstable,
    /// The file system does not answer.
    NoAnswer,
}

/// Checks the state for changes.
pub(super) trait CheckState {
    async fn look(&mut self) -> StateCheck;

    /// Waits until the file system answers what it did not answer before.
    async fn answered(&self);
}

/// The knowledge of the state at the beginning of the pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastRead {
    /// The pass read it; it may have changed since.
    Read,
    /// It changed during the pass, which skipped writes because of that.
    Changed,
    /// The pass could not read it.
    Unread,
}

/// Waits until a change of the state may begin a pass. Each wake leads to a look, and no change is forgotten.
pub(super) async fn change_is_due(
    budget: &mut ChangeBudget,
    wake: &mut Wake,
    known: LastRead,
    state: &mut impl CheckState,
) {
    let mut changed = known == LastRead::Changed;
    let mut earliest = Instant::now();
    let mut look_at = None;
    if known == LastRead::Unread {
        state.answered().await;
        look_at = Some(Instant::now() + MIN_GAP);
    }
    loop {
        let next_token = if changed {
            match budget.take(Instant::now()) {
                Ok(()) => return,
                Err(at) => Some(at),
            }
        } else {
            None
        };
        tokio::select! {
            biased;
            () = until(next_token) => {}
            () = wake.woken(), if look_at.is_none() => look_at = Some(earliest),
            () = until(look_at) => {
                wake.forget();
                let begin = Instant::now();
                let look = state.look().await;
                let gap = (begin.elapsed() * GAP_FACTOR).clamp(MIN_GAP, MAX_GAP);
                if look == StateCheck::NoAnswer {
                    state.answered().await;
                }
                changed |= look == StateCheck::Changed;
                earliest = Instant::now() + gap;
                look_at = matches!(look, StateCheck::Unstable | StateCheck::NoAnswer).then_some(earliest);
            }
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc};

    use tokio::{
        sync::Notify,
        time::{sleep, timeout},
    };

    use super::*;
    use crate::daemon::wake::{self, Waker};

    /// A state that shows `looks` one after the other, and then that nothing changed.
    #[derive(Default)]
    struct Script {
        looks: VecDeque<StateCheck>,
        made: Vec<Instant>,
        takes: Duration,
        answers: Arc<Notify>,
    }

    impl Script {
        fn of(looks: &[StateCheck]) -> Self {
            Self { looks: looks.iter().copied().collect(), ..Self::default() }
        }
    }

    impl CheckState for Script {
        async fn look(&mut self) -> StateCheck {
            self.made.push(Instant::now());
            sleep(self.takes).await;
            self.looks.pop_front().unwrap_or(StateCheck::Same)
        }

        async fn answered(&self) {
            self.answers.notified().await;
        }
    }

    const HOUR: Duration = Duration::from_hours(1);

    fn parts() -> (ChangeBudget, Waker, Wake) {
        let (waker, wake) = wake::channel();
        (ChangeBudget::new(Instant::now()), waker, wake)
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_ends_the_pause_at_once() {
        let (mut budget, waker, mut wake) = parts();
        let mut state = Script::of(&[StateCheck::Changed]);
        let begin = Instant::now();
        waker.wake();
        change_is_due(&mut budget, &mut wake, LastRead::Read, &mut state).await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_without_a_change_of_meaning_ends_no_pause() {
        let (mut budget, waker, mut wake) = parts();
        let mut state = Script::of(&[StateCheck::Same]);
        waker.wake();
        let pause = change_is_due(&mut budget, &mut wake, LastRead::Read, &mut state);
        assert!(timeout(HOUR, pause).await.is_err());
        assert_eq!(state.made.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_waits_for_the_budget_and_is_not_forgotten() {
        let (mut budget, waker, mut wake) = parts();
        let begin = Instant::now();
        for _ in 0..10 {
            budget.take(begin).unwrap();
        }
        // It changed back before there was a token.
        let mut state = Script::of(&[StateCheck::Changed, StateCheck::Same]);
        waker.wake();
        let again = async {
            sleep(Duration::from_secs(1)).await;
            waker.wake();
            pending::<()>().await;
        };
        tokio::select! {
            () = change_is_due(&mut budget, &mut wake, LastRead::Read, &mut state) => {}
            () = again => {}
            () = sleep(HOUR) => {}
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        assert_eq!(state.made.len(), 2, "looks go on meanwhile");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_during_the_pass_ends_the_pause_though_the_state_is_as_before() {
        let (mut budget, _waker, mut wake) = parts();
        let mut state = Script::default();
        let pause = change_is_due(&mut budget, &mut wake, LastRead::Changed, &mut state);
        timeout(Duration::from_secs(1), pause).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn looks_at_a_state_that_changes_all_the_time_are_rare() {
        let (mut budget, waker, mut wake) = parts();
        let mut state = Script { takes: Duration::from_millis(200), ..Script::default() };
        let churn = async {
            loop {
                waker.wake();
                sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = change_is_due(&mut budget, &mut wake, LastRead::Read, &mut state) => {}
            () = sleep(Duration::from_mins(1)) => {}
            () = churn => {}
        }
        // A look takes 200 ms, and the gap after it a second.
        assert!((49..=51).contains(&state.made.len()), "{}", state.made.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_that_was_unstable_is_looked_at_again_without_a_wake() {
        let (mut budget, waker, mut wake) = parts();
        let mut state = Script::of(&[StateCheck::Unstable, StateCheck::Changed]);
        let begin = Instant::now();
        waker.wake();
        let pause = change_is_due(&mut budget, &mut wake, LastRead::Read, &mut state);
        timeout(HOUR, pause).await.unwrap();
        assert_eq!(begin.elapsed(), MIN_GAP);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_system_that_answers_again_leads_to_a_look_without_a_wake() {
        for known in [LastRead::Unread, LastRead::Read] {
            let (mut budget, waker, mut wake) = parts();
            let looks = if known == LastRead::Read {
                vec![StateCheck::NoAnswer, StateCheck::Changed]
            } else {
                vec![StateCheck::Changed]
            };
            let mut state = Script::of(&looks);
            let answers = state.answers.clone();
            let begin = Instant::now();
            waker.wake();
            let healed = async {
                sleep(HOUR).await;
                answers.notify_one();
                pending::<()>().await;
            };
            tokio::select! {
                () = change_is_due(&mut budget, &mut wake, known, &mut state) => {}
                () = healed => {}
                () = sleep(HOUR * 2) => {}
            }
            assert_eq!(begin.elapsed(), HOUR + MIN_GAP, "{known:?}");
            assert_eq!(state.made.len(), looks.len(), "none while it hung: {known:?}");
        }
    }
}
