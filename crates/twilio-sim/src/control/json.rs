//! Overlaying JSON: the effect of a PATCH on an object.

use serde_json::Value;

/// Writes the keys of the object `patch` over those of `target`. A `patch` that is not an object replaces `target`.
pub(crate) fn overlay(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            target.extend(patch.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        (target, patch) => *target = patch.clone(),
    }
}
