//! Faults as annotations of a GitHub workflow: one line each, which GitHub shows at the lines of a pull request.

use subaccountd_core::{manifest::Diagnostic, text::sanitize};

/// `faults` as workflow commands.
pub(crate) fn github(faults: &[Diagnostic]) -> String {
    faults.iter().map(|fault| one(fault) + "\n").collect()
}

fn one(fault: &Diagnostic) -> String {
    let Diagnostic { file, line, column, message, help, code, width, related, .. } = fault;
    let end = column + width;
    let title = property(&format!("{code}: {}", code.title()));
    let mut lines = vec![sanitize(message), format!("help: {}", sanitize(help))];
    if let Some(other) = related {
        let file = sanitize(&other.file);
        lines.push(format!("{}: {file}:{}:{}", other.label, other.line, other.column));
    }
    let file = property(&sanitize(file));
    let place = format!("file={file},line={line},endLine={line},col={column},endColumn={end}");
    format!("::error {place},title={title}::{}", data(&lines.join("\n")))
}

/// The text behind the second pair of colons.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_a_command_or_begin_another() {
        assert_eq!(data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(property("a,b: c\n%"), "a%2Cb%3A c%0A%25");
    }
}
