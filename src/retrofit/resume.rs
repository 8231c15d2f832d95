//! Going on with files of an earlier run: whether they are what would be planned now.

use super::compose::Composed;
use super::plan::Plan;

/// Tells whether everything that would be planned now stands in files that are not applied yet: then the catalog has moved by what was applied
/// of them, and by nothing that matters to the rest.
pub fn goes_on(plan: &Plan, pending: &[String]) -> bool {
    let mut statements = plan.steps.iter().flat_map(|step| &step.statements);
    !plan.is_stopped()
        && statements.all(|statement| {
            let whole = format!("\n{statement};\n");
            pending.iter().any(|text| text.contains(&whole))
        })
}

/// Returns how many of the files, which are written in their order, a run that was cut off has written; nothing where the pending ones are
/// others.
pub fn written(files: &[Composed], pending: &[String]) -> Option<usize> {
    let same = |(file, text): (&Composed, &String)| text.contains(file.text.trim_end());
    let all = pending.len() <= files.len() && files.iter().zip(pending).all(same);
    all.then_some(pending.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrofit::{Stage, Step};

    fn plan(statements: &[&str]) -> Plan {
        let step = Step {
            stage: Stage::Columns,
            tables: Vec::new(),
            lock: None,
            statements: statements.iter().map(|&statement| statement.to_owned()).collect(),
            undo: Vec::new(),
            why: String::new(),
        };
        Plan {
            steps: vec![step],
            ..Plan::default()
        }
    }

    #[test]
    fn what_is_left_has_to_stand_in_the_files() {
        let pending = ["-- why\na b;\nc;\n".to_owned()];
        assert!(goes_on(&plan(&[]), &pending));
        assert!(goes_on(&plan(&["c", "a b"]), &pending));
        assert!(!goes_on(&plan(&["c", "d"]), &pending));
        assert!(!goes_on(&plan(&["b"]), &pending));
    }

    #[test]
    fn files_are_known_as_the_first_of_a_plan() {
        let file = |text: &str| Composed {
            name: String::new(),
            stage: Stage::Columns,
            tables: Vec::new(),
            text: text.to_owned(),
            undo: String::new(),
        };
        let files = [file("one"), file("two")];
        let of = |texts: &[&str]| written(&files, &texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["one"]), Some(1));
        assert_eq!(of(&["one", "two"]), Some(2));
        assert_eq!(of(&["two"]), None);
        assert_eq!(of(&["one", "two", "three"]), None);
    }
}
