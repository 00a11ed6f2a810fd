//! The table: which layer notices which bug, and how fast.

use super::{
    layer::{Layer, Verdict},
    patch::Patch,
};

/// A planted bug, and what the layers that were run said.
pub(crate) struct Row<'a> {
    pub(crate) patch: &'a Patch,
    pub(crate) verdicts: Vec<(&'static str, Verdict)>,
}

impl Row<'_> {
    /// Returns true when a layer noticed.
    pub(crate) fn is_noticed(&self) -> bool {
        self.verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Red { .. }))
    }

    fn cell(&self, layer: &str) -> String {
        match self.verdicts.iter().find(|(name, _)| *name == layer) {
            None => String::new(),
            Some((_, Verdict::Green { .. })) => "–".to_owned(),
            Some((_, Verdict::Red { took, by })) => {
                let how = match by.as_slice() {
                    [seed] if seed.starts_with("seed ") => {
                        seed.split(" (").next().unwrap_or_default().to_owned()
                    }
                    [_] => "1 test".to_owned(),
                    tests => format!("{} tests", tests.len()),
                };
                format!("✓ {how}, {:.0} s", took.as_secs_f64())
            }
        }
    }
}

/// Prints the table as Markdown.
#[expect(clippy::print_stdout, reason = "it is what the task is for")]
pub(crate) fn table(rows: &[Row<'_>], layers: &[&'static Layer]) {
    let names = layers.iter().map(|layer| layer.name).collect::<Vec<_>>().join(" | ");
    println!("| patch | bug | breaks | {names} |\n| --- | --- | --- |{}", " --- |".repeat(layers.len()));
    for row in rows {
        let Patch { name, what, breaks, .. } = row.patch;
        let cells: Vec<_> = layers.iter().map(|layer| row.cell(layer.name)).collect();
        println!("| {name} | {what} | {breaks} | {} |", cells.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn cell_says_how_a_layer_noticed_and_how_fast() {
        let patch = &Patch::all().unwrap()[0];
        let took = Duration::from_secs(4);
        let red = |by: &[&str]| Verdict::Red { took, by: by.iter().map(ToString::to_string).collect() };
        let verdicts = vec![
            ("core", Verdict::Green { took }),
            ("twilio", red(&["a"])),
            ("daemon", red(&["a", "b"])),
            ("simulation", red(&["seed 7 (at 3.1s: I1)"])),
        ];
        let row = Row { patch, verdicts };
        let cells = ["core", "twilio", "daemon", "simulation", "other"].map(|layer| row.cell(layer));
        assert_eq!(cells, ["–", "✓ 1 test, 4 s", "✓ 2 tests, 4 s", "✓ seed 7, 4 s", ""]);
        assert!(row.is_noticed());
    }
}
