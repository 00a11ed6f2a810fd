//! The requests, as Twilio documents them.
//!
//! Twilio ignores unknown parameters and answers 2xx. Names and values are case-sensitive, and are written only here.

use reqwest::{Method, Url};
use subaccountd_core::{
    AccountSid, ActionKind, CallEnd, CallStatus, Configure, Create, NumberSetting, NumberSettings, NumberSid,
    Release, Status, Transfer, TransferResources,
};

use crate::{origin::Origin, telemetry::Operation};

/// The most rows of a page that Twilio allows (error 20007 above).
const PAGE_SIZE: &str = "1000";

/// The addresses of an account that are read: one more than a message names.
const ADDRESSES: &str = "6";

/// A request, without credentials.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The operation.
    pub(crate) operation: Operation,
    /// The URL.
    pub(crate) url: Url,
    /// The fields of the form; none for a read.
    pub(crate) form: Vec<(&'static str, String)>,
    /// The purpose of the request, as messages name it, in the imperative.
    pub(crate) task: String,
}

impl Request {
    /// Lists the accounts, including the main account.
    pub(crate) fn accounts(origin: &Origin) -> Self {
        let url = first_page(origin.at("Accounts"));
        Self::read(Operation::ListAccounts, url, "list the accounts".to_owned())
    }

    /// Fetches one account.
    pub(crate) fn account(origin: &Origin, sid: AccountSid) -> Self {
        let url = origin.at(&format!("Accounts/{sid}"));
        Self::read(Operation::FetchAccount, url, format!("read account {sid}"))
    }

    /// Lists the phone numbers of an account.
    pub(crate) fn numbers(origin: &Origin, owner: AccountSid) -> Self {
        let url = first_page(origin.at(&format!("Accounts/{owner}/IncomingPhoneNumbers")));
        Self::read(Operation::ListNumbers, url, format!("list the phone numbers of account {owner}"))
    }

    /// Fetches one phone number of `owner`.
    pub(crate) fn number(origin: &Origin, owner: AccountSid, number: NumberSid) -> Self {
        let url = origin.at(&format!("Accounts/{owner}/IncomingPhoneNumbers/{number}"));
        Self::read(Operation::FetchNumber, url, format!("read phone number {number} of account {owner}"))
    }

    /// Lists the first addresses of an account.
    pub(crate) fn addresses(origin: &Origin, account: AccountSid) -> Self {
        let mut url = origin.at(&format!("Accounts/{account}/Addresses"));
        url.query_pairs_mut().append_pair("PageSize", ADDRESSES);
        Self::read(Operation::ListAddresses, url, format!("list the addresses of account {account}"))
    }

    /// Changes the status of an account.
    pub(crate) fn status(origin: &Origin, sid: AccountSid, status: Status) -> Self {
        let kind = match status {
            Status::Active => ActionKind::Reactivate,
            Status::Suspended => ActionKind::Suspend,
            Status::Closed => ActionKind::Close,
        };
        Self {
            operation: Operation::UpdateAccount,
            url: origin.at(&format!("Accounts/{sid}")),
            form: vec![("Status", status.as_str().to_owned())],
            task: format!("{kind} account {sid}"),
        }
    }

    /// Creates an account. Twilio takes no key that would make a second request harmless.
    pub(crate) fn create(origin: &Origin, create: &Create) -> Self {
        Self {
            operation: Operation::CreateAccount,
            url: origin.at("Accounts"),
            form: vec![("FriendlyName", create.name.to_string())],
            task: format!("create account {:?}", create.name.as_str()),
        }
    }

    /// Transfers a phone number: an update at the path of the account that owns it now.
    pub(crate) fn transfer(origin: &Origin, transfer: &Transfer) -> Self {
        let Transfer { to, phone, from, number_sid: number, resources: needs, settings } = transfer;
        let TransferResources { address_sid, bundle_sid, identity_sid, emergency_address_sid } = needs;
        let mut form = vec![("AccountSid", to.to_string())];
        form.extend(address_sid.map(|sid| ("AddressSid", sid.to_string())));
        form.extend(bundle_sid.map(|sid| ("BundleSid", sid.to_string())));
        form.extend(identity_sid.map(|sid| ("IdentitySid", sid.to_string())));
        form.extend(emergency_address_sid.map(|sid| ("EmergencyAddressSid", sid.to_string())));
        form.extend(parameters(settings));
        Self {
            operation: Operation::UpdateNumber,
            url: origin.at(&format!("Accounts/{from}/IncomingPhoneNumbers/{number}")),
            form,
            task: format!("transfer {phone} from account {from} to account {to}"),
        }
    }

    /// Changes settings of a phone number: an update at the path of the account that owns it.
    pub(crate) fn configure(origin: &Origin, configure: &Configure) -> Self {
        let Configure { account, phone, number_sid: number, settings, desired: _ } = configure;
        Self {
            operation: Operation::UpdateNumber,
            url: origin.at(&format!("Accounts/{account}/IncomingPhoneNumbers/{number}")),
            form: parameters(settings).collect(),
            task: format!("configure {phone} of account {account}"),
        }
    }

    /// Releases a phone number: a request without parameters at the path of the account that owns it.
    pub(crate) fn release(origin: &Origin, release: &Release) -> Self {
        let Release { phone, account, number } = release;
        Self {
            operation: Operation::ReleaseNumber,
            url: origin.at(&format!("Accounts/{}/IncomingPhoneNumbers/{}", account.sid, number.sid)),
            form: Vec::new(),
            task: format!("release {phone} of account {}", account.sid),
        }
    }

    /// The HTTP method.
    pub(crate) const fn method(&self) -> Method {
        match self.operation {
            Operation::UpdateAccount
            | Operation::CreateAccount
            | Operation::UpdateNumber
            | Operation::UpdateCall => Method::POST,
            Operation::ReleaseNumber => Method::DELETE,
            Operation::ListAccounts
            | Operation::FetchAccount
            | Operation::ListNumbers
            | Operation::FetchNumber
            | Operation::ListAddresses
            | Operation::ListCalls => Method::GET,
        }
    }

    /// Lists the calls of an account with this status.
    pub(crate) fn calls(origin: &Origin, owner: AccountSid, status: CallStatus) -> Self {
        let mut url = first_page(origin.at(&format!("Accounts/{owner}/Calls")));
        url.query_pairs_mut().append_pair("Status", status.as_str());
        Self::read(Operation::ListCalls, url, format!("list the {status} calls of account {owner}"))
    }

    /// Ends a call.
    pub(crate) fn end_call(origin: &Origin, owner: AccountSid, call: &CallEnd) -> Self {
        let CallEnd { sid, status } = call;
        Self {
            operation: Operation::UpdateCall,
            url: origin.at(&format!("Accounts/{owner}/Calls/{sid}")),
            form: vec![("Status", status.ends_as().to_owned())],
            task: format!("end call {sid} of account {owner}"),
        }
    }

    /// Fetches another page of the list of this request.
    pub(crate) fn page(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }

    fn read(operation: Operation, url: Url, task: String) -> Self {
        Self { operation, url, form: Vec::new(), task }
    }
}

/// The parameters of `settings`. An empty value removes what is set.
fn parameters(settings: &NumberSettings) -> impl Iterator<Item = (&'static str, String)> {
    settings.values().map(|(setting, value)| (parameter(setting), value.to_owned()))
}

/// Twilio's name of `setting`.
const fn parameter(setting: NumberSetting) -> &'static str {
    match setting {
        NumberSetting::FriendlyName => "FriendlyName",
        NumberSetting::VoiceUrl => "VoiceUrl",
        NumberSetting::VoiceMethod => "VoiceMethod",
        NumberSetting::VoiceFallbackUrl => "VoiceFallbackUrl",
        NumberSetting::VoiceFallbackMethod => "VoiceFallbackMethod",
        NumberSetting::SmsUrl => "SmsUrl",
        NumberSetting::SmsMethod => "SmsMethod",
        NumberSetting::SmsFallbackUrl => "SmsFallbackUrl",
        NumberSetting::SmsFallbackMethod => "SmsFallbackMethod",
        NumberSetting::StatusCallback => "StatusCallback",
        NumberSetting::StatusCallbackMethod => "StatusCallbackMethod",
        NumberSetting::VoiceApplicationSid => "VoiceApplicationSid",
        NumberSetting::SmsApplicationSid => "SmsApplicationSid",
        NumberSetting::TrunkSid => "TrunkSid",
    }
}

fn first_page(mut list: Url) -> Url {
    list.query_pairs_mut().append_pair("PageSize", PAGE_SIZE);
    list
}
