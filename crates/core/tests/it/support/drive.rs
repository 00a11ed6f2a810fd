//! Passes over a scene.

use subaccountd_core::{
    AccountSid, ApprovedPlan, CallList, History, Number, NumberId, NumberList, Observed, Pass, Plan,
    PlanError,
    pass::{Answer, Want},
    plan,
    remote::AccountList,
};

use super::scene::{Scene, sid};

impl Scene {
    /// Drives a pass up to its plan, and gives the history that goes with it.
    pub(crate) fn drive<T>(&self, end: impl FnOnce(&mut Pass<'_>, &History) -> T) -> (History, T) {
        self.drive_watched(&mut Vec::new(), end)
    }

    /// The reads of a pass, in order.
    pub(crate) fn asks(&self) -> Vec<Want> {
        let mut asked = Vec::new();
        self.drive_watched(&mut asked, |_, _| ());
        asked
    }

    fn drive_watched<T>(
        &self,
        asked: &mut Vec<Want>,
        end: impl FnOnce(&mut Pass<'_>, &History) -> T,
    ) -> (History, T) {
        let (guardrails, mut history) = (self.guardrails(), self.history.clone());
        let (mut pass, events) = Pass::begin(&self.desired, &guardrails, sid("AC00"), &history, self.now);
        for event in events {
            history.apply(event);
        }
        let (accounts, unreadable) =
            (self.accounts.values().cloned().collect(), self.unreadable_rows.clone());
        let list = AccountList { accounts, unreadable, ..AccountList::default() };
        // The plan returns the error.
        let _ = pass.see_accounts(list, self.now);
        loop {
            let wants = pass.wants(&history);
            if wants.is_empty() {
                break;
            }
            asked.extend(&wants);
            for want in wants {
                pass.see(self.answer(want), &history);
            }
        }
        for event in pass.facts(&history, self.now) {
            history.apply(event);
        }
        let end = end(&mut pass, &history);
        (history, end)
    }

    /// The answer of Twilio.
    pub(crate) fn answer(&self, want: Want) -> Answer {
        match want {
            Want::Calls(account) => Answer::Calls(
                account,
                match self.calls.get(&account).cloned().unwrap_or(Ok(Vec::new())) {
                    Ok(calls) => CallList::Known(calls),
                    Err(why) => CallList::Unreadable(why),
                },
            ),
            Want::Numbers(account) => Answer::Numbers(
                account,
                match &self.lists[&account] {
                    Ok(numbers) => NumberList::Known(numbers.clone()),
                    Err(why) => NumberList::Unreadable(why.clone()),
                },
            ),
            Want::Account(account) => {
                let truth = self.truth.get(&account).or_else(|| self.accounts.get(&account));
                Answer::Account(account, truth.cloned().ok_or_else(|| "404".to_owned()))
            }
            Want::Addresses(account) => {
                let addresses = self.addresses.get(&account).cloned();
                Answer::Addresses(account, addresses.ok_or_else(|| "404".to_owned()))
            }
            Want::Number(account, number, id) => {
                let truth = id.phone().and_then(|phone| self.number_truth.get(&phone));
                let listed = self.listed(id);
                let owner = truth.copied().or(listed.as_ref().map(|(owner, _)| *owner));
                let settings = id.phone().and_then(|phone| self.settings_truth.get(&phone).cloned());
                let settings = settings.map(Box::new).or(listed.and_then(|(_, number)| number.settings));
                let is_gone = id.phone().is_some_and(|phone| self.gone_numbers.contains(&phone));
                let found = (owner == Some(account) && !is_gone)
                    .then(|| Number { settings, ..Number::new(number, id.phone()) });
                Answer::Number(account, id, Ok(found))
            }
        }
    }

    /// The account whose list shows the number `id`, and its row.
    pub(super) fn listed(&self, id: NumberId) -> Option<(AccountSid, Number)> {
        self.lists.iter().find_map(|(&account, list)| {
            let number = list.as_ref().ok()?.iter().find(|number| number.id() == id)?;
            Some((account, number.clone()))
        })
    }

    /// The reads of a pass that begins now.
    pub(crate) fn observe(&self) -> Observed {
        self.drive(|pass, _| pass.observed().clone()).1
    }

    /// A pass that observes and does nothing.
    pub(crate) fn pass(mut self) -> Self {
        self.history = self.drive(|_, _| ()).0;
        self
    }

    /// A pass that reads the state while Twilio cannot be observed.
    pub(crate) fn blind_pass(mut self) -> Self {
        let guardrails = self.guardrails();
        let (_, events) = Pass::begin(&self.desired, &guardrails, sid("AC00"), &self.history, self.now);
        for event in events {
            self.history.apply(event);
        }
        self
    }

    /// The plan of a pass before the brake.
    pub(crate) fn try_plan(&self) -> Result<Plan, PlanError> {
        self.drive(|pass, history| plan(&self.desired, pass.observed(), history, &self.policy, self.now)).1
    }

    /// The plan of a pass after the brake.
    pub(crate) fn approved(&self) -> ApprovedPlan {
        self.drive(|pass, history| pass.plan(history).unwrap()).1
    }

    pub(crate) fn plan(&self) -> Plan {
        self.approved().plan().clone()
    }
}
