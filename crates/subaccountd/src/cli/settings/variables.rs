//! Variables of our prefix that no setting reads.

/// Returns true for a name of our prefix that Kubernetes injects for a Service of our name.
fn is_injected_by_kubernetes(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

/// The first variable of our prefix that no flag of `command` reads: most likely a typo, which must not switch a
/// safety off.
pub(crate) fn unknown_variable(
    command: &clap::Command,
    names: impl Iterator<Item = String>,
) -> Option<String> {
    let mut known = Vec::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        known.extend(command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()));
        commands.extend(command.get_subcommands());
    }
    let ours = |name: &String| name.starts_with("SUBACCOUNTD_");
    let unknown = |name: &String| !known.contains(&name.as_str()) && !is_injected_by_kubernetes(name);
    names.filter(ours).find(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_kubernetes_variable_is_not_a_typo() {
        for name in [
            "SUBACCOUNTD_SERVICE_HOST",
            "SUBACCOUNTD_SERVICE_PORT_HTTP",
            "SUBACCOUNTD_PORT",
            "SUBACCOUNTD_PORT_8080_TCP_ADDR",
        ] {
            assert!(is_injected_by_kubernetes(name), "{name}");
        }
        assert!(!is_injected_by_kubernetes("SUBACCOUNTD_MAX_CLOSE"));
    }
}
