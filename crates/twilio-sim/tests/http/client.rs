//! A plain HTTP client of the simulator, and its parsed answers.

use std::sync::Once;

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap, redirect};
use serde_json::Value;
use twilio_sim::{AccountSid, AccountStatus, NumberSid, Sim, World};

/// The token of the main account of [`fleet`].
pub(crate) const TOKEN: &str = "demo-token";
/// The only number of [`fleet`], owned by account 1.
pub(crate) const PHONE: &str = "+15105550101";

/// The SID of account `n`; 0 is the main account.
pub(crate) fn ac(n: u64) -> String {
    AccountSid::numbered(n).to_string()
}

/// The SID of number `n`.
pub(crate) fn pn(n: u64) -> String {
    NumberSid::numbered(n).to_string()
}

/// The path of an account.
pub(crate) fn account(n: u64) -> String {
    format!("/2010-04-01/Accounts/{}.json", ac(n))
}

/// The path of a list of numbers.
pub(crate) fn numbers(n: u64) -> String {
    format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json", ac(n))
}

/// The path of number 1 with an owner.
pub(crate) fn number_of(owner: u64) -> String {
    format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{}.json", ac(owner), pn(1))
}

pub(crate) const ACCOUNTS: &str = "/2010-04-01/Accounts.json";

/// Active 1 with a number, suspended 2, closed 3.
pub(crate) fn fleet() -> World {
    World::builder(&ac(0), TOKEN)
        .account(&ac(1), "acme", AccountStatus::Active)
        .account(&ac(2), "globex", AccountStatus::Suspended)
        .account(&ac(3), "initech", AccountStatus::Closed)
        .number(&pn(1), PHONE, &ac(1))
        .build()
}

/// An answer that came in whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// HTTP status and Twilio's code; 0 when the body has none.
    pub(crate) fn refusal(&self) -> (u16, u64) {
        (self.status.as_u16(), self.json()["code"].as_u64().unwrap_or(0))
    }
}

/// A client of one simulator.
#[derive(Clone)]
pub(crate) struct Twilio {
    pub(crate) sim: Sim,
    http: Client,
}

impl Twilio {
    pub(crate) async fn of(world: World) -> Self {
        static RING: Once = Once::new();
        RING.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { sim: Sim::start(world).await.unwrap(), http }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.sim.url()))
    }

    /// A request as the main account.
    pub(crate) fn as_main(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).basic_auth(ac(0), Some(TOKEN))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        receive(self.as_main(Method::GET, path)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        receive(self.as_main(Method::POST, path).form(form)).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        receive(self.as_main(Method::DELETE, path)).await.unwrap()
    }

    /// A request to the steering door.
    pub(crate) async fn steer(&self, method: Method, path: &str, body: &str) -> Answer {
        receive(self.request(method, &format!("/_sim/{path}")).body(body.to_owned())).await.unwrap()
    }

    pub(crate) fn status(&self, n: u64) -> AccountStatus {
        self.sim.world().status(&ac(n)).unwrap()
    }

    /// Who owns the number of [`fleet`].
    pub(crate) fn owner(&self) -> Option<String> {
        self.sim.world().owner_of(PHONE).map(ToString::to_string)
    }
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn receive(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}
