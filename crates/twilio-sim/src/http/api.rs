//! The simulated API of Twilio: every request is counted and logged, passes its faults, is answered from the world, and gets
//! Twilio's headers.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};

use crate::{
    faults::{
        FaultKind,
        inject::{self, Line},
    },
    http::{
        answer::Answer,
        inbound::Inbound,
        observe::Moment,
        operations::{self, Success},
        wire,
    },
    shared::{Flight, Shared},
    world::error::ApiError,
};

/// Twilio's door alone.
pub(crate) fn only(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

/// Answers a request to any path outside the control API.
pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    Extension(line): Extension<Line>,
    request: Request,
) -> Response {
    let (flight, begun) = (Flight::begin(&shared), Instant::now());
    let request_id = shared.next_request_id();
    let inbound = Inbound::read(request, request_id.clone()).await;
    shared.observe(&inbound, Moment::Arrived, &shared.world());
    let record = shared.log().begin(&inbound, flight.concurrent, &request_id);
    let write = inbound.is_write().then(|| inbound.clone());
    let mut response = respond(&shared, &flight, inbound, &line).await;
    let status = response.status().as_u16();
    if let Some(write) = write {
        shared.observe(&write, Moment::Answered { status }, &shared.world());
    }
    shared.log().finish(record, status);
    let headers = response.headers_mut();
    set(headers, "twilio-request-id", &request_id);
    set(headers, "twilio-concurrent-requests", &flight.concurrent.to_string());
    set(headers, "twilio-request-duration", &format!("{:.3}", begun.elapsed().as_secs_f64()));
    if !shared.faults().omit_date {
        set(headers, header::DATE.as_str(), &wire::http_date(shared.now()));
    }
    response
}

async fn respond(shared: &Arc<Shared>, flight: &Flight<'_>, mut inbound: Inbound, line: &Line) -> Response {
    let switches = *shared.world().switches();
    if shared.faults().concurrency_limit.is_some_and(|limit| flight.concurrent > limit) {
        return Answer::error(&ApiError::new(20429), &switches).into_response();
    }
    let faults = shared.faults().strike(&inbound);
    if !faults.is_empty() {
        shared.observe(&inbound, Moment::Struck, &shared.world());
    }
    if let Some(answer) = inject::before(&faults, &mut inbound, line, &switches, shared).await {
        return answer.into_response();
    }
    let outcome = perform(shared, &inbound, faults.contains(&FaultKind::Stale));
    let answer = inject::after(&faults, Answer::of(outcome, &switches), line, &switches).await;
    if !inject::breaks_off(&faults) {
        shared.observe_list(&inbound, &answer);
    }
    inject::send(&faults, answer)
}

/// Performs a request. A `stale` answer shows the object as it was before.
fn perform(shared: &Shared, inbound: &Inbound, stale: bool) -> Result<Success, ApiError> {
    let now = shared.now();
    let mut world = shared.world();
    let before = stale.then(|| operations::before(&mut world, inbound, now)).flatten();
    let (status, body) = shared.perform(&mut world, inbound, now)?;
    Ok((status, before.or(body)))
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
