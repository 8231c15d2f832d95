//! Files that are made from the program: `RLSCTL_WRITE=1 make check` writes them anew.

use std::path::Path;

use clap::CommandFactory as _;
use fs_err as fs;

/// The help of every command, as it is printed in a pipe.
fn reference() -> String {
    let mut text = String::from(
        "# Commands\n\nMade from the program's own help; `RLSCTL_WRITE=1 cargo test --test all generated` writes it anew.\n",
    );
    let mut command = rlsctl::cli::Cli::command().term_width(100);
    command.build();
    section(&mut text, "rlsctl", &mut command.clone());
    for mut sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
        .cloned()
    {
        let name = format!("rlsctl {}", sub.get_name());
        section(&mut text, &name, &mut sub);
        for mut action in sub.get_subcommands().filter(|it| it.get_name() != "help").cloned() {
            section(&mut text, &format!("{name} {}", action.get_name()), &mut action);
        }
    }
    text
}

fn section(text: &mut String, name: &str, command: &mut clap::Command) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.trim_end().split('\n').map(str::trim_end).collect();
    text.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n")));
}

#[test]
fn the_reference_is_the_programs_own_help() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/commands.md");
    if std::env::var_os("RLSCTL_WRITE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, reference()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/reference/commands.md is not what the program says: RLSCTL_WRITE=1 cargo test --test all generated"
    );
}
