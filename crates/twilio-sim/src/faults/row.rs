//! Rows that cannot be decoded: raw text in the place of a value or of a whole row.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::answer::{Answer, Content};

/// Selects rows of a page, or a single object, and replaces or drops them. Without `sid` and `index`, it selects every row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RowPatch {
    /// Selects the row with this SID or phone number only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Selects the row at this index of the page only, from 0; never a single object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// The key whose value is replaced; without it, the whole row is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The raw text of the replacement, which need not be JSON; without it, the value or the row is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl RowPatch {
    /// Changes the selected rows of a 2xx answer.
    pub(crate) fn apply(&self, answer: &mut Answer) {
        if !(200..300).contains(&answer.status) {
            return;
        }
        let raw = self.raw.as_ref().map(|raw| answer.hold(raw));
        let mut rows = None;
        answer.edit_page(|page| {
            for list in page.values_mut().filter_map(Value::as_array_mut) {
                rows = Some(());
                let mut index = 0..;
                list.retain_mut(|row| !self.picks(row, index.next()) || self.change(row, raw.as_ref()));
            }
        });
        if let (None, Content::Json(body)) = (rows, &mut answer.content)
            && self.picks(body, None)
            && !self.change(body, raw.as_ref())
        {
            *body = Value::Null;
        }
    }

    fn picks(&self, row: &Value, index: Option<usize>) -> bool {
        let named = |sid: &String| ["sid", "phone_number"].iter().any(|key| row[key] == **sid);
        self.sid.as_ref().is_none_or(named) && self.index.is_none_or(|wanted| index == Some(wanted))
    }

    /// Changes a row. Returns false when it is dropped.
    fn change(&self, row: &mut Value, raw: Option<&Value>) -> bool {
        match (&self.key, raw) {
            (None, None) => return false,
            (None, Some(raw)) => *row = raw.clone(),
            (Some(key), raw) => {
                if let Value::Object(row) = row {
                    match raw {
                        Some(raw) => row.insert(key.clone(), raw.clone()),
                        None => row.remove(key),
                    };
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page() -> Answer {
        let rows = json!([{"sid": "AC1", "status": "active"}, {"sid": "AC2", "status": "closed"}]);
        Answer::new(200, Content::Json(json!({"accounts": rows, "next_page_uri": null, "page": 0})))
    }

    fn text(patch: &str, mut answer: Answer) -> String {
        serde_json::from_str::<RowPatch>(patch).unwrap().apply(&mut answer);
        String::from_utf8(answer.bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_patch_replaces_or_drops_a_value_or_a_row() {
        let (one, two) = (r#"{"sid":"AC1","status":"active"}"#, r#"{"sid":"AC2","status":"closed"}"#);
        let cases = [
            (
                r#"{"sid": "AC2", "key": "status", "raw": "7"}"#,
                format!(r#"{one},{{"sid":"AC2","status":7}}"#),
            ),
            (
                r#"{"index": 0, "key": "status", "raw": "\"\\ud83d\""}"#,
                format!(r#"{{"sid":"AC1","status":"\ud83d"}},{two}"#),
            ),
            (
                r#"{"index": 1, "key": "sid", "raw": "null"}"#,
                format!(r#"{one},{{"sid":null,"status":"closed"}}"#),
            ),
            (r#"{"sid": "AC1", "key": "new", "raw": "[]"}"#, format!(r#"{{"new":[],{},{two}"#, &one[1..])),
            (r#"{"sid": "AC1", "raw": "7"}"#, format!("7,{two}")),
            (r#"{"raw": "{"}"#, "{,{".to_owned()),
            (r#"{"sid": "AC1", "key": "status"}"#, format!(r#"{{"sid":"AC1"}},{two}"#)),
            (r#"{"sid": "AC1"}"#, two.to_owned()),
            (r#"{"sid": "AC1", "index": 1, "raw": "7"}"#, format!("{one},{two}")),
            (r#"{"sid": "AC3", "raw": "7"}"#, format!("{one},{two}")),
        ];
        for (patch, rows) in cases {
            let expected = format!(r#"{{"accounts":[{rows}],"next_page_uri":null,"page":0}}"#);
            assert_eq!(text(patch, page()), expected, "{patch}");
        }
    }

    #[test]
    fn a_patch_changes_a_single_object_but_no_error() {
        let single = |status| Answer::new(status, Content::Json(json!({"sid": "PN1", "phone_number": "+1"})));
        let whole = r#"{"phone_number":"+1","sid":"PN1"}"#;
        let cases = [
            (r#"{"sid": "+1", "key": "sid", "raw": "3"}"#, 200, r#"{"phone_number":"+1","sid":3}"#),
            (r#"{"sid": "PN1", "raw": "[]"}"#, 201, "[]"),
            (r#"{"sid": "PN1"}"#, 200, "null"),
            (r#"{"sid": "PN2", "raw": "[]"}"#, 200, whole),
            (r#"{"index": 0, "raw": "[]"}"#, 200, whole),
            (r#"{"raw": "[]"}"#, 404, whole),
        ];
        for (patch, status, expected) in cases {
            assert_eq!(text(patch, single(status)), expected, "{patch}");
        }
    }

    #[test]
    fn patches_of_several_values_act_together() {
        let mut answer = page();
        for (key, raw) in [("status", "1"), ("sid", "\"2\"")] {
            let patch = RowPatch {
                index: Some(1),
                key: Some(key.to_owned()),
                raw: Some(raw.to_owned()),
                ..RowPatch::default()
            };
            patch.apply(&mut answer);
        }
        let body: Value = serde_json::from_slice(&answer.bytes()).unwrap();
        assert_eq!(body["accounts"][1], json!({"sid": "2", "status": 1}));
    }
}
