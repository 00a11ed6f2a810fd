//! The status page: the report as tables, escaped, without script.

use askama::Template;
use subaccountd_core::Report;

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    report: &'a Report,
    valid: &'a str,
    error: &'a str,
}

/// The page of `report`.
pub(crate) fn render(report: &Report) -> askama::Result<String> {
    let valid = if report.desired_state.valid { "valid" } else { "faulty" };
    StatusPage { report, valid, error: report.last_pass.error.as_deref().unwrap_or("none") }.render()
}
