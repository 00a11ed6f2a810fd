//! The control API, `/_sim/…`, of the running simulator, for tests in other languages and for curl. The rules of Twilio's API
//! do not apply to edits. Errors are 400 or 404 with `{"error": "…"}`.
//!
#![doc = concat!("```text\n", include_str!("control.txt"), "```")]

pub(crate) mod json;

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    control::json::overlay,
    faults::{Fault, Faults},
    shared::Shared,
    world::{
        Unknown,
        builder::WorldError,
        call_entry::{AddressEntry, CallEntry},
        entry::{AccountEntry, NumberEntry},
        number::is_number,
        world_file,
    },
};

const BODY_LIMIT: usize = 256 * 1024 * 1024;

type RouterState = State<Arc<Shared>>;

/// The routes of the control API.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sim/world", get(show_world).put(replace_world))
        .route("/_sim/switches", get(show_switches).patch(patch_switches))
        .route(
            "/_sim/faults",
            get(show_faults).put(replace_faults).patch(patch_faults).post(add_fault).delete(clear_faults),
        )
        .route("/_sim/requests", get(show_requests).delete(clear_requests))
        .route("/_sim/accounts/{sid}", post(edit_account).delete(forget_account))
        .route("/_sim/numbers/{sid}", post(edit_number).delete(drop_number))
        .route("/_sim/calls", post(begin_call))
        .route("/_sim/calls/{sid}", post(edit_call).delete(drop_call))
        .route("/_sim/addresses", post(add_address))
        .route("/_sim/addresses/{sid}", delete(drop_address))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// The error of a control request.
#[derive(Debug, thiserror::Error)]
enum ControlError {
    #[error(transparent)]
    Unknown(#[from] Unknown),
    #[error(transparent)]
    World(#[from] WorldError),
    #[error(transparent)]
    File(#[from] world_file::WorldFileError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("a SID, and the account of a call, cannot be edited")]
    Name,
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::World(_) | Self::File(_) | Self::Json(_) | Self::Name => StatusCode::BAD_REQUEST,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

async fn show_world(State(shared): RouterState) -> Result<Response, ControlError> {
    let text = world_file::to_json(&shared.world())?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn replace_world(State(shared): RouterState, text: String) -> Result<StatusCode, ControlError> {
    let loaded = world_file::parse("world", &text, shared.now())?;
    *shared.world() = loaded.world;
    if let Some(faults) = loaded.faults {
        *shared.faults() = faults;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn show_switches(State(shared): RouterState) -> Response {
    Json(*shared.world().switches()).into_response()
}

async fn patch_switches(State(shared): RouterState, text: String) -> Result<Response, ControlError> {
    let mut world = shared.world();
    let switches = world.switches().patched(&serde_json::from_str(&text)?)?;
    *world.switches_mut() = switches;
    Ok(Json(switches).into_response())
}

async fn show_faults(State(shared): RouterState) -> Response {
    Json(&*shared.faults()).into_response()
}

async fn replace_faults(State(shared): RouterState, text: String) -> Result<StatusCode, ControlError> {
    *shared.faults() = serde_json::from_str::<Faults>(&text)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn patch_faults(State(shared): RouterState, text: String) -> Result<Response, ControlError> {
    let mut faults = shared.faults();
    *faults = patched(&*faults, &text)?;
    Ok(Json(&*faults).into_response())
}

async fn add_fault(State(shared): RouterState, text: String) -> Result<StatusCode, ControlError> {
    shared.faults().add(serde_json::from_str::<Fault>(&text)?);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(shared): RouterState) -> StatusCode {
    shared.faults().clear();
    StatusCode::NO_CONTENT
}

async fn show_requests(State(shared): RouterState) -> Response {
    let log = shared.log();
    Json(json!({
        "requests": log.records(),
        "writes": log.writes(),
        "maxInFlight": log.max_in_flight(),
        "lateWrites": shared.late_writes.load(Ordering::SeqCst),
    }))
    .into_response()
}

async fn clear_requests(State(shared): RouterState) -> StatusCode {
    shared.log().clear();
    StatusCode::NO_CONTENT
}

async fn edit_account(
    State(shared): RouterState,
    Path(sid): Path<String>,
    text: String,
) -> Result<StatusCode, ControlError> {
    let (now, mut world) = (shared.now(), shared.world());
    let account = world.account(&sid).ok_or(Unknown(sid.clone()))?;
    let edited = patched(&AccountEntry::of(account), &text)?.into_account(now)?;
    if edited.sid != account.sid {
        return Err(ControlError::Name);
    }
    world.edit_account(&sid, now, |account| *account = edited)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn forget_account(
    State(shared): RouterState,
    Path(sid): Path<String>,
) -> Result<StatusCode, ControlError> {
    let now = shared.now();
    shared.world().forget_account(&sid, now)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn edit_number(
    State(shared): RouterState,
    Path(sid): Path<String>,
    text: String,
) -> Result<StatusCode, ControlError> {
    let (now, mut world) = (shared.now(), shared.world());
    let number = world.number(&sid).ok_or(Unknown(sid.clone()))?;
    let edited = patched(&NumberEntry::of(number), &text)?.into_number(now)?;
    if edited.sid != number.sid {
        return Err(ControlError::Name);
    }
    if !is_number(&edited.phone_number) {
        return Err(WorldError::NotE164(edited.phone_number).into());
    }
    if world.number(edited.name()).is_some_and(|other| other.sid != edited.sid) {
        return Err(WorldError::TwiceANumber(edited.phone_number).into());
    }
    world.edit_number(&sid, now, |number| *number = edited)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drop_number(
    State(shared): RouterState,
    Path(sid): Path<String>,
) -> Result<StatusCode, ControlError> {
    let now = shared.now();
    shared.world().drop_number(&sid, now)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn begin_call(State(shared): RouterState, text: String) -> Result<StatusCode, ControlError> {
    let (now, mut world) = (shared.now(), shared.world());
    let mut entry: CallEntry = serde_json::from_str(&text)?;
    entry.created_at(now);
    let call = entry.into_call(now)?;
    if world.call(&call.sid).is_some() {
        return Err(WorldError::Twice(call.sid.to_string()).into());
    }
    world.begin_call(call, now)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn edit_call(
    State(shared): RouterState,
    Path(sid): Path<String>,
    text: String,
) -> Result<StatusCode, ControlError> {
    let (now, mut world) = (shared.now(), shared.world());
    let call = world.call(&sid).ok_or(Unknown(sid.clone()))?;
    let edited = patched(&CallEntry::of(call), &text)?.into_call(now)?;
    if edited.sid != call.sid || edited.owner != call.owner {
        return Err(ControlError::Name);
    }
    world.edit_call(&sid, now, |call| *call = edited)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drop_call(State(shared): RouterState, Path(sid): Path<String>) -> Result<StatusCode, ControlError> {
    let now = shared.now();
    shared.world().drop_call(&sid, now)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn add_address(State(shared): RouterState, text: String) -> Result<StatusCode, ControlError> {
    let address = serde_json::from_str::<AddressEntry>(&text)?.into_address(shared.now())?;
    shared.world().add_address(address)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drop_address(
    State(shared): RouterState,
    Path(sid): Path<String>,
) -> Result<StatusCode, ControlError> {
    shared.world().drop_address(&sid)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The value, with the keys of the JSON object `text` replaced.
fn patched<T: Serialize + DeserializeOwned>(value: &T, text: &str) -> Result<T, serde_json::Error> {
    let mut all = serde_json::to_value(value)?;
    let patch: Value = serde_json::from_str(text)?;
    overlay(&mut all, &patch);
    serde_json::from_value(all)
}
