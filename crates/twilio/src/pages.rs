//! Paging: reads the pages of a list, and returns the complete list or an error.
//!
//! It is bounded, requests only pages of the list, and starts again at most once: when Twilio rejects its page token, and the
//! read may be retried.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    client::{Client, ReadRoute},
    error::{Failure, RejectionKind},
    request::Request,
    rows::{BadRow, Rows},
    wire::Page,
};

/// The most pages of a list.
const MAX_PAGES: usize = 400;
/// The most rows of a list: those of 400 full pages.
const MAX_ROWS: usize = MAX_PAGES * 1000;

/// A complete list. Rows may be duplicates: Twilio pages by key, and the list may change meanwhile.
#[derive(Debug)]
pub(crate) struct List<T> {
    pub(crate) rows: Vec<Result<T, BadRow>>,
    /// Twilio's clock at the last page.
    pub(crate) date: Option<Timestamp>,
    /// Twilio's request id of the last page.
    pub(crate) request_id: Option<String>,
}

impl Client {
    /// Reads the complete list whose first page is `first`.
    pub(crate) async fn list<P: Page>(
        &self,
        first: &Request,
        route: ReadRoute<'_>,
    ) -> Result<List<P::Row>, Failure> {
        match self.walk::<P>(first, route).await {
            Err(Failure::Rejected(rejection))
                if rejection.kind() == RejectionKind::StalePageToken && route.repeats() =>
            {
                self.walk::<P>(first, route).await
            }
            walked => walked,
        }
    }

    async fn walk<P: Page>(&self, first: &Request, route: ReadRoute<'_>) -> Result<List<P::Row>, Failure> {
        let mut seen = BTreeSet::from([first.url.to_string()]);
        let mut rows = Vec::new();
        let mut request = first.clone();
        loop {
            let page = self.read::<P>(&request, route).await?;
            let (Rows(more), next) = page.value.into_parts();
            rows.extend(more);
            let nonsense = |cause: &str| Err(Failure::nonsense(cause, page.request_id.clone()));
            if rows.len() > MAX_ROWS {
                return nonsense(&format!("more than {MAX_ROWS} rows"));
            }
            let Some(next) = next else {
                return Ok(List { rows, date: page.date, request_id: page.request_id });
            };
            let next = match self.origin().follow(&first.url, &next) {
                Ok(next) => next,
                Err(uri_error) => return nonsense(&uri_error.to_string()),
            };
            if !seen.insert(next.to_string()) {
                return nonsense("`next_page_uri` repeats a page");
            }
            if seen.len() > MAX_PAGES {
                return nonsense(&format!("more than {MAX_PAGES} pages"));
            }
            request = first.page(next);
        }
    }
}
