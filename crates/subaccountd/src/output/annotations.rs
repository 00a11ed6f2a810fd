//! Faults as annotations of a GitHub workflow: one line each, which GitHub shows at the lines of a pull request.

use std::path::{Component, Path, PathBuf};

use subaccountd_core::{manifest::Diagnostic, text::sanitize};

/// The folder of the checkout, to which the places of annotations are relative.
const WORKSPACE: &str = "GITHUB_WORKSPACE";

/// The folders that a place depends on.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The checkout, by each of its names.
    workspaces: Vec<PathBuf>,
    /// The working directory, to which the names of files are relative.
    here: PathBuf,
}

impl Places {
    /// The places of this process.
    pub(crate) fn from_env() -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let workspace = std::env::var_os(WORKSPACE).map(PathBuf::from).filter(|path| path.is_absolute());
        let real = workspace.as_ref().and_then(|path| path.canonicalize().ok());
        Self { workspaces: workspace.into_iter().chain(real).collect(), here }
    }

    /// `file` as GitHub looks it up: relative to the checkout, without `.` and `..`.
    fn of(&self, file: &str) -> String {
        let absolute = plain(&self.here.join(file));
        let within =
            self.workspaces.iter().find_map(|workspace| absolute.strip_prefix(plain(workspace)).ok());
        let path = within.map_or_else(|| plain(Path::new(file)), Path::to_owned);
        path.display().to_string()
    }
}

/// `path` without `.`, and without `..` where the folder before it is named.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// `faults` as workflow commands.
pub(crate) fn github(faults: &[Diagnostic], places: &Places) -> String {
    faults.iter().map(|fault| one(fault, places) + "\n").collect()
}

fn one(fault: &Diagnostic, places: &Places) -> String {
    let Diagnostic { file, line, column, message, help, code, width, related, .. } = fault;
    let end = column + width;
    let title = property(&format!("{code}: {}", code.title()));
    let mut lines = vec![sanitize(message), format!("help: {}", sanitize(help))];
    if let Some(other) = related {
        let file = sanitize(&places.of(&other.file));
        lines.push(format!("{}: {file}:{}:{}", other.label, other.line, other.column));
    }
    let file = property(&sanitize(&places.of(file)));
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

    #[test]
    fn places_are_relative_to_the_checkout() {
        let at = |here: &str, file: &str| {
            let places =
                Places { workspaces: vec!["/srv/repo/".into(), "/mnt/repo".into()], here: here.into() };
            places.of(file)
        };
        assert_eq!(at("/srv/repo", "./state/a.yaml"), "state/a.yaml");
        assert_eq!(at("/srv/repo", "state/./a.yaml"), "state/a.yaml");
        assert_eq!(at("/srv/repo/deploy", "a.yaml"), "deploy/a.yaml");
        assert_eq!(at("/srv/repo/deploy", "../state/a.yaml"), "state/a.yaml");
        assert_eq!(
            at("/mnt/repo/deploy", "../state/a.yaml"),
            "state/a.yaml",
            "the checkout by its real path"
        );
        assert_eq!(at("/tmp", "/srv/repo/state/a.yaml"), "state/a.yaml");
        assert_eq!(at("/tmp", "/srv/repository/a.yaml"), "/srv/repository/a.yaml", "another folder");
        assert_eq!(at("/tmp", "./a.yaml"), "a.yaml");
        let without = Places { workspaces: Vec::new(), here: "/tmp".into() };
        assert_eq!(without.of("./a.yaml"), "a.yaml");
        assert_eq!(without.of("../a.yaml"), "../a.yaml");
    }
}
