//! Lists that lag: they show an earlier state of the world, while writes and single fetches are current. Earlier states are
//! kept for as long as the lists lag.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::{Bound, RangeBounds},
};

use jiff::{SignedDuration, Timestamp};

use crate::world::{
    Stretch, World,
    account::{Account, AccountStatus},
    behavior::Behavior,
    call::Call,
    number::Number,
};

const EVERYTHING: Stretch<'static> = (Bound::Unbounded, Bound::Unbounded);

/// Rows of a list, by SID.
pub(crate) type Rows<'a, T> = Box<dyn DoubleEndedIterator<Item = &'a T> + 'a>;

/// The state of an object until a point in time; `None` before it was created.
#[derive(Clone, Debug)]
struct PastState<T> {
    at: Timestamp,
    sid: String,
    before: Option<T>,
}

/// The changes of one kind of object that lists may not show yet, in order.
#[derive(Clone, Debug)]
struct Changes<T>(VecDeque<PastState<T>>);

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Changes<T> {
    /// Records the previous state of an object, and drops states that no list shows any more. Without a lag, nothing is kept.
    fn note(&mut self, change: PastState<T>, lag: SignedDuration) {
        if lag.is_zero() {
            self.0.clear();
            return;
        }
        let horizon = before(change.at, lag);
        while self.0.front().is_some_and(|oldest| oldest.at <= horizon) {
            self.0.pop_front();
        }
        self.0.push_back(change);
    }

    /// The objects that changed after `then`, as they were then.
    fn since(&self, then: Timestamp) -> BTreeMap<&str, Option<&T>> {
        let later = self.0.iter().rev().filter(|change| change.at > then);
        later.map(|change| (change.sid.as_str(), change.before.as_ref())).collect()
    }
}

/// The past of the world, for lists that lag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    instant: Option<Timestamp>,
    accounts: Changes<Account>,
    numbers: Changes<Number>,
    calls: Changes<Call>,
}

/// Worlds are equal when their current states are equal, whatever their past.
impl PartialEq for Past {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Past {}

impl Past {
    pub(crate) fn set_instant(&mut self, instant: Timestamp) {
        self.instant = Some(instant);
    }

    pub(crate) fn note_account(
        &mut self,
        sid: &str,
        before: Option<Account>,
        at: Timestamp,
        switches: &Behavior,
    ) {
        // The number list depends on the status of the account.
        let lists = switches.account_list_lag().max(switches.number_list_lag());
        let new = switches.new_account_list_lag().max(switches.new_account_fetch_lag());
        let lag = lists.max(new);
        let at = self.instant.unwrap_or(at);
        self.accounts.note(PastState { at, sid: sid.to_owned(), before }, lag);
    }

    pub(crate) fn note_number(
        &mut self,
        sid: &str,
        before: Option<Number>,
        at: Timestamp,
        switches: &Behavior,
    ) {
        let at = self.instant.unwrap_or(at);
        self.numbers.note(PastState { at, sid: sid.to_owned(), before }, switches.number_list_lag());
    }

    pub(crate) fn note_call(&mut self, sid: &str, before: Option<Call>, at: Timestamp, switches: &Behavior) {
        let at = self.instant.unwrap_or(at);
        self.calls.note(PastState { at, sid: sid.to_owned(), before }, switches.call_list_lag());
    }
}

fn before(at: Timestamp, lag: SignedDuration) -> Timestamp {
    at.saturating_sub(lag).unwrap_or(Timestamp::MIN)
}

impl World {
    /// The accounts in the account list at `now`: as they were [`Behavior::account_list_lag_ms`] before, with the
    /// [`World::status`] of that time.
    pub fn listed_accounts(&self, now: Timestamp) -> Vec<Account> {
        let main = self.listed_main_status(now);
        let shown = |account: &Account| Account { status: account.status.below(main), ..account.clone() };
        self.listed_accounts_within(EVERYTHING, now).map(shown).collect()
    }

    /// The numbers in the number list of an account at `now`: those that it owned [`Behavior::number_list_lag_ms`] before, as
    /// they were then. The caller applies [`Behavior::suspended_numbers`] and [`Behavior::closed_numbers`] to the status
    /// [`World::listed_status`].
    pub fn listed_numbers_of(&self, account: &str, now: Timestamp) -> Vec<Number> {
        self.listed_numbers_within(account, EVERYTHING, now).cloned().collect()
    }

    /// The status of an account that its number list depends on at `now`.
    pub fn listed_status(&self, sid: &str, now: Timestamp) -> Option<AccountStatus> {
        let changed = self.past.accounts.since(self.instant_before(now, self.switches().number_list_lag()));
        let status = |sid: &str| Some(changed.get(sid).copied().flatten().or(self.account(sid))?.status);
        Some(status(sid)?.below(status(&self.main().sid)?))
    }

    /// Sets the time by which lists lag, instead of the `now` of each call: for a world whose clock is wrong or stepped.
    pub fn set_instant(&mut self, instant: Timestamp) {
        self.past.set_instant(instant);
    }

    /// The accounts of a stretch as the account list shows them, each with its own status.
    pub(crate) fn listed_accounts_within<'a>(
        &'a self,
        stretch: Stretch<'_>,
        now: Timestamp,
    ) -> Rows<'a, Account> {
        let changed = self.past.accounts.since(self.instant_before(now, self.switches().account_list_lag()));
        let rows = merged(self.accounts_within(stretch), &changed, |account| &account.sid, |_| true, stretch);
        let new = self.created_since(self.switches().new_account_list_lag(), now);
        if new.is_empty() { rows } else { Box::new(rows.filter(move |row| !new.contains(row.sid.as_str()))) }
    }

    /// Returns true while an account is too new to be found under its path.
    pub(crate) fn is_not_found_yet(&self, account: &str, now: Timestamp) -> bool {
        self.created_since(self.switches().new_account_fetch_lag(), now).contains(account)
    }

    /// The accounts that were created less than `age` ago.
    fn created_since(&self, age: SignedDuration, now: Timestamp) -> BTreeSet<&str> {
        let changed = self.past.accounts.since(self.instant_before(now, age));
        changed.into_iter().filter(|(_, before)| before.is_none()).map(|(sid, _)| sid).collect()
    }

    /// The calls in the call list of an account at `now`, newest first: as they were [`Behavior::call_list_lag_ms`] before.
    pub fn listed_calls_of(&self, account: &str, now: Timestamp) -> Vec<&Call> {
        let changed = self.past.calls.since(self.instant_before(now, self.switches().call_list_lag()));
        let mut rows: Vec<_> =
            merged(self.calls(), &changed, |call| &call.sid, |_| true, EVERYTHING).collect();
        rows.retain(|call| call.owner == *account);
        rows.sort_by_cached_key(|call| call.place());
        rows
    }

    /// The numbers of an account and a stretch as its number list shows them.
    pub(crate) fn listed_numbers_within<'a>(
        &'a self,
        account: &str,
        stretch: Stretch<'_>,
        now: Timestamp,
    ) -> Rows<'a, Number> {
        let changed = self.past.numbers.since(self.instant_before(now, self.switches().number_list_lag()));
        let owned = |number: &Number| number.owner == *account;
        merged(self.numbers_within(account, stretch), &changed, |number| &number.sid, owned, stretch)
    }

    /// The status of the main account that the account list depends on.
    pub(crate) fn listed_main_status(&self, now: Timestamp) -> AccountStatus {
        let changed = self.past.accounts.since(self.instant_before(now, self.switches().account_list_lag()));
        changed.get(&*self.main().sid).copied().flatten().unwrap_or(self.main()).status
    }

    fn instant_before(&self, now: Timestamp, lag: SignedDuration) -> Timestamp {
        before(self.past.instant.unwrap_or(now), lag)
    }
}

/// The current rows, with the changed rows of this list as they were.
fn merged<'a, T>(
    today: impl DoubleEndedIterator<Item = &'a T> + 'a,
    changed: &BTreeMap<&str, Option<&'a T>>,
    sid: impl Fn(&T) -> &str,
    belongs: impl Fn(&T) -> bool,
    stretch: Stretch<'_>,
) -> Rows<'a, T> {
    if changed.is_empty() {
        return Box::new(today);
    }
    let then = changed.values().flatten().copied();
    let then = then.filter(|row| belongs(row) && RangeBounds::<str>::contains(&stretch, sid(row)));
    let mut rows: Vec<&T> = today.filter(|row| !changed.contains_key(sid(row))).chain(then).collect();
    rows.sort_unstable_by(|a, b| sid(a).cmp(sid(b)));
    Box::new(rows.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{
        behavior::Policy,
        sid::{AccountSid, NumberSid},
        transfer_resources::TransferResources,
    };

    const PHONE: &str = "+15105550001";
    const MS: SignedDuration = SignedDuration::from_millis(1);

    fn sid(n: u64) -> AccountSid {
        AccountSid::numbered(n)
    }

    fn now() -> Timestamp {
        "2026-05-01T10:00:00Z".parse().unwrap()
    }

    /// Two accounts with a number each; both kinds of lists lag 300 ms.
    fn world() -> World {
        let mut world = World::generated(2, 2);
        world.switches_mut().account_list_lag_ms = 300;
        world.switches_mut().number_list_lag_ms = 300;
        world
    }

    type Lists = (Vec<Account>, Vec<(AccountSid, Vec<Number>)>);

    fn listed(world: &World, now: Timestamp) -> Lists {
        let numbers = |n| (sid(n), world.listed_numbers_of(&sid(n), now));
        (world.listed_accounts(now), (0..=2).map(numbers).collect())
    }

    /// The lists without any lag.
    fn current(world: &World) -> Lists {
        let shown =
            |account: &Account| Account { status: world.status(&account.sid).unwrap(), ..account.clone() };
        let numbers = |n| (sid(n), world.numbers_of(&sid(n)).cloned().collect());
        (world.accounts().map(shown).collect(), (0..=2).map(numbers).collect())
    }

    type Change = fn(&mut World, Timestamp);

    #[test]
    fn lists_show_every_kind_of_change_once_the_lag_is_over() {
        let changes: [Change; 11] = [
            |world, at| drop(world.create_account("new", at).unwrap()),
            |world, at| world.rename_account(&sid(1), "new", at).unwrap(),
            |world, at| world.change_status(&sid(1), "suspended", at).unwrap(),
            |world, at| world.change_status(&sid(1), "closed", at).unwrap(),
            |world, at| world.transfer(PHONE, &sid(2), &TransferResources::default(), at).unwrap(),
            |world, at| world.release_number(PHONE, at).unwrap(),
            |world, at| world.edit_account(&sid(1), at, |it| it.friendly_name = "new".into()).unwrap(),
            |world, at| world.edit_account(&sid(1), at, |it| it.status = AccountStatus::Closed).unwrap(),
            |world, at| world.edit_number(PHONE, at, |number| number.owner = sid(0)).unwrap(),
            |world, at| world.drop_number(PHONE, at).unwrap(),
            |world, at| world.forget_account(&sid(1), at).unwrap(),
        ];
        for (case, change) in changes.into_iter().enumerate() {
            let mut world = world();
            let before = current(&world);
            change(&mut world, now());
            let after = current(&world);
            assert_ne!(before, after, "case {case}");
            assert_eq!(listed(&world, now()), before, "case {case}");
            assert_eq!(listed(&world, now() + 299 * MS), before, "case {case}");
            assert_eq!(listed(&world, now() + 300 * MS), after, "case {case}");
        }
    }

    #[test]
    fn each_of_several_changes_shows_when_its_own_lag_is_over() {
        let mut world = world();
        let mut seen = vec![current(&world)];
        for (at, status) in [(0, "suspended"), (100, "active"), (200, "closed")] {
            world.change_status(&sid(1), status, now() + at * MS).unwrap();
            seen.push(current(&world));
        }
        let shown = [0, 299, 300, 399, 400, 499, 500].map(|at| listed(&world, now() + at * MS));
        let expected = [0, 0, 1, 1, 2, 2, 3].map(|change| seen[change].clone());
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_number_that_moves_is_in_one_list_at_any_time() {
        let mut world = world();
        for (at, to) in [(0, 2), (10, 0), (20, 2)] {
            world.transfer(PHONE, &sid(to), &TransferResources::default(), now() + at * MS).unwrap();
        }
        let owners = [0, 299, 300, 310, 320].map(|at| {
            let (_, lists) = listed(&world, now() + at * MS);
            let holds = |(_, numbers): &&(_, Vec<Number>)| numbers.iter().any(|n| n.phone_number == PHONE);
            lists.iter().filter(holds).map(|(owner, _)| owner.clone()).collect::<Vec<_>>()
        });
        assert_eq!(owners, [1, 1, 2, 0, 2].map(|owner| vec![sid(owner)]));
    }

    #[test]
    fn the_two_kinds_of_lists_lag_separately() {
        for (accounts, numbers) in [(300, 0), (0, 300)] {
            let mut world = World::generated(2, 2);
            world.switches_mut().account_list_lag_ms = accounts;
            world.switches_mut().number_list_lag_ms = numbers;
            let before = current(&world);
            world.change_status(&sid(1), "closed", now()).unwrap();
            let (after, shown) = (current(&world), listed(&world, now()));
            assert_eq!(shown.0, if accounts == 0 { after.0 } else { before.0 });
            assert_eq!(shown.1, if numbers == 0 { after.1 } else { before.1 });
        }
    }

    #[test]
    fn status_that_a_list_depends_on_lags_with_the_list() {
        let mut world = world();
        let status = |world: &World, at| world.listed_status(&sid(1), now() + at * MS).unwrap();
        world.edit_account(&sid(0), now(), |main| main.status = AccountStatus::Suspended).unwrap();
        assert_eq!(listed(&world, now() + 299 * MS).0[1].status, AccountStatus::Active);
        assert_eq!(listed(&world, now() + 300 * MS).0[1].status, AccountStatus::Suspended);
        assert_eq!(status(&world, 299), AccountStatus::Active);
        assert_eq!(status(&world, 300), AccountStatus::Suspended);
        world.edit_account(&sid(1), now() + 100 * MS, |it| it.status = AccountStatus::Closed).unwrap();
        assert_eq!(status(&world, 399), AccountStatus::Suspended);
        assert_eq!(status(&world, 400), AccountStatus::Closed);
        assert_eq!(world.listed_status(&sid(9), now()), None);
    }

    #[test]
    fn rules_apply_to_the_current_world() {
        let mut world = world();
        world.switches_mut().suspend_suspended = Policy::Refused;
        world.change_status(&sid(1), "suspended", now()).unwrap();
        assert_eq!(world.change_status(&sid(1), "suspended", now()).unwrap_err().code, 21475);
        assert_eq!(world.status(&sid(1)), Some(AccountStatus::Suspended));
    }

    #[test]
    fn a_lag_follows_its_own_clock_when_there_is_one() {
        let mut world = world();
        let before = current(&world);
        world.set_instant(now());
        // The clock that dates are written by is a day slow, then right.
        world.change_status(&sid(1), "suspended", now() - SignedDuration::from_hours(24)).unwrap();
        assert_eq!(listed(&world, now()), before);
        world.set_instant(now() + 299 * MS);
        assert_eq!(listed(&world, now() + SignedDuration::from_hours(24)), before);
        world.set_instant(now() + 300 * MS);
        assert_eq!(listed(&world, now()), current(&world));
    }

    #[test]
    fn the_past_is_kept_as_far_back_as_the_lists_lag() {
        let kept = |world: &World| (world.past.accounts.0.len(), world.past.numbers.0.len());
        let mut world = world();
        for at in 0..1000 {
            let now = now() + at * 10 * MS;
            world.rename_account(&sid(1), &format!("name {at}"), now).unwrap();
            let to = if at % 2 == 0 { sid(2) } else { sid(1) };
            world.transfer(PHONE, &to, &TransferResources::default(), now).unwrap();
        }
        assert_eq!(kept(&world), (30, 30));
        *world.switches_mut() = Behavior::default();
        world.rename_account(&sid(1), "last", now()).unwrap();
        world.release_number(PHONE, now()).unwrap();
        assert_eq!(kept(&world), (0, 0));
    }

    #[test]
    fn a_world_that_was_different_is_the_same_when_it_is_the_same() {
        let (mut changed, fresh) = (world(), world());
        changed.edit_number(&NumberSid::numbered(1), now(), |number| number.beta = true).unwrap();
        assert_ne!(changed, fresh);
        let since = fresh.number(PHONE).unwrap().date_updated;
        let restore = |number: &mut Number| (number.beta, number.date_updated) = (false, since);
        changed.edit_number(PHONE, now(), restore).unwrap();
        assert_eq!(changed, fresh);
    }
}
