//! The host of a Twilio region, as Twilio's SDKs make it from `TWILIO_REGION` and `TWILIO_EDGE`.

/// The URL without a region.
pub(crate) const DEFAULT_URL: &str = "https://api.twilio.com";
/// The region of an edge that is given alone.
const DEFAULT_REGION: &str = "us1";
/// The regions that have an edge of their own.
const EDGES: [(&str, &str); 3] = [("ie1", "dublin"), ("au1", "sydney"), ("jp1", "tokyo")];

/// The error of a region or an edge.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegionError {
    #[error(
        "`TWILIO_REGION` is `{0}`, whose edge is not known: set `TWILIO_EDGE` as well, or unset both for us1 (ie1, au1 and \
         jp1 need no edge)"
    )]
    NoEdge(String),
    #[error("`{name}` is `{value}`, which is not a part of a host name: write it as in `{example}`")]
    NotALabel { name: &'static str, value: String, example: &'static str },
}

/// The URL of Twilio for `region` and `edge`.
pub(crate) fn url(region: Option<&str>, edge: Option<&str>) -> Result<String, RegionError> {
    let region = region.map(|region| label("TWILIO_REGION", region, "ie1")).transpose()?;
    let edge = edge.map(|edge| label("TWILIO_EDGE", edge, "dublin")).transpose()?;
    let (edge, region) = match (edge, region) {
        (None, None) => return Ok(DEFAULT_URL.to_owned()),
        (Some(edge), None) => (edge, DEFAULT_REGION.to_owned()),
        (Some(edge), Some(region)) => (edge, region),
        (None, Some(region)) => match EDGES.iter().find(|(of, _)| *of == region) {
            Some((_, edge)) => ((*edge).to_owned(), region),
            None => return Err(RegionError::NoEdge(region)),
        },
    };
    Ok(format!("https://api.{edge}.{region}.twilio.com"))
}

/// `value` as a label of a host name, in lower case.
fn label(name: &'static str, value: &str, example: &'static str) -> Result<String, RegionError> {
    let is_label = (1..=63).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-');
    if is_label {
        Ok(value.to_ascii_lowercase())
    } else {
        let value = subaccountd_core::text::sanitize_to(value, 80);
        Err(RegionError::NotALabel { name, value, example })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_the_one_of_the_sdks() {
        for (region, edge, host) in [
            (None, None, "api.twilio.com"),
            (Some("ie1"), None, "api.dublin.ie1.twilio.com"),
            (None, Some("umatilla"), "api.umatilla.us1.twilio.com"),
            (Some("au1"), Some("Singapore"), "api.singapore.au1.twilio.com"),
        ] {
            assert_eq!(url(region, edge).unwrap(), format!("https://{host}"));
        }
        assert_eq!(url(Some("us1"), None), Err(RegionError::NoEdge("us1".to_owned())));
        for wrong in ["", "a.b", "a/", "-a", "a-", "a@b", "\u{e4}"] {
            assert!(
                url(Some(wrong), Some("dublin")).is_err() && url(Some("ie1"), Some(wrong)).is_err(),
                "{wrong}"
            );
        }
    }
}
