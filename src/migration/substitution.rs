//! Directives of other tools that change the text before it runs. Such a file is refused: run as it is, it would do something else.

use std::path::Path;

use memchr::memmem::Finder;

use super::layout::Layout;
use super::part::line_at;
use super::problem::Problem;

/// What to look for in the scripts of one folder.
#[derive(Debug)]
pub(super) struct Substitutions {
    layout: Layout,
    /// graphile-migrate's placeholders, with the colon.
    placeholders: Vec<String>,
    template: Finder<'static>,
    dollar: Finder<'static>,
}

impl Substitutions {
    /// Prepares the search for a layout; `placeholders` are the names that a `.gmrc` defines, with the colon.
    pub(super) fn new(layout: Layout, mut placeholders: Vec<String>) -> Self {
        if layout == Layout::Graphile {
            placeholders.extend([":DATABASE_NAME".to_owned(), ":DATABASE_OWNER".to_owned()]);
        }
        Self {
            layout,
            placeholders,
            template: Finder::new("{{"),
            dollar: Finder::new("${"),
        }
    }

    /// Adds the first place of each thing in `text` that another tool would replace.
    ///
    /// `first_line` is the line of the file on which the text starts. `flyway` says whether Flyway's placeholders are on.
    pub(super) fn check(&self, path: &Path, first_line: usize, text: &str, flyway: bool, problems: &mut Vec<Problem>) {
        let mut found: Vec<String> = Vec::new();
        let mut note = |offset: usize, what: String| {
            if !found.contains(&what) {
                let line = first_line - 1 + line_at(text.as_bytes(), offset);
                problems.push(Problem::NeedsSubstitution {
                    path: path.to_owned(),
                    line,
                    layout: self.layout,
                    what: what.clone(),
                });
                found.push(what);
            }
        };
        for offset in self.template.find_iter(text.as_bytes()) {
            if let Some(what) = template(&text[offset..]) {
                note(offset, format!("the template `{what}`"));
            }
        }
        if self.layout == Layout::Flyway && flyway {
            for offset in self.dollar.find_iter(text.as_bytes()) {
                if let Some(what) = flyway_placeholder(&text[offset..]) {
                    note(offset, format!("the placeholder `{what}`"));
                }
            }
        }
        if self.layout == Layout::Graphile {
            self.graphile(text, &mut note);
        }
    }

    fn graphile(&self, text: &str, note: &mut impl FnMut(usize, String)) {
        for name in &self.placeholders {
            for (offset, _) in text.match_indices(name.as_str()) {
                let goes_on = text[offset + name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                // graphile-migrate replaces behind a second colon too, but nobody means a cast by it.
                if !goes_on && !text[..offset].ends_with(':') {
                    note(offset, format!("the placeholder `{name}`"));
                }
            }
        }
        for (offset, _) in text.match_indices("--!include") {
            if offset == 0 || text[..offset].ends_with('\n') {
                let line = text[offset..].split('\n').next().unwrap_or_default();
                note(offset, format!("the line `{}`", line.trim_end()));
            }
        }
    }
}

/// Returns a Go template action at the start of `text`, such as `{{ index .Options "Namespace" }}` in Supabase's auth service.
///
/// `'{{1,2},{3,4}}'` is an array and `'{{index,x}}'` too, so a field or a keyword with white space after it has to follow.
fn template(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?;
    let end = inner.find("}}")?;
    let action = inner[..end].trim_start_matches('-').trim_start();
    let field = action
        .strip_prefix(['.', '$'])
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let keywords = [
        "index", "if", "range", "with", "template", "define", "block", "env", "printf",
    ];
    let keyword = |word: &str| {
        action
            .strip_prefix(word)
            .is_some_and(|rest| rest.starts_with(char::is_whitespace))
    };
    let is_action = field || keywords.into_iter().any(keyword) || matches!(action.trim(), "end" | "else");
    let one_line = !inner[..end].contains('\n');
    (is_action && one_line).then(|| &text[..end + 4])
}

/// Returns a Flyway placeholder at the start of `text`.
fn flyway_placeholder(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("${")?;
    let end = inner.find('}')?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    (end > 0 && inner[..end].chars().all(is_name)).then(|| &text[..end + 3])
}

/// Returns the placeholder names, with the colon, in the text of a `.gmrc`.
///
/// The file is JSON with comments or JavaScript; names are strings such as `":APP_USER"`, and nothing else there looks like them.
pub(super) fn gmrc_placeholders(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (offset, _) in text.match_indices(':') {
        let quoted = text[..offset].ends_with(['"', '\'']);
        let rest = &text[offset + 1..];
        let end = rest
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(rest.len());
        if quoted && end > 0 && rest[end..].starts_with(['"', '\'']) {
            names.push(text[offset..=offset + end].to_owned());
        }
    }
    names
}

/// What a `<file>.sql.conf` of Flyway says about its script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScriptConfig {
    /// Whether placeholders are replaced in the script.
    pub placeholders: bool,
}

/// Reads a `<file>.sql.conf`.
///
/// Whether the script runs in a transaction is decided by its statements, so that key does not matter here.
///
/// # Errors
/// Every key that would change what is run.
pub(super) fn script_config(path: &Path, text: &str) -> Result<ScriptConfig, Vec<Problem>> {
    let mut config = ScriptConfig { placeholders: true };
    let mut problems = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let key = key.trim().trim_start_matches("flyway.");
        let value = value.trim();
        match key {
            "executeInTransaction" => {}
            "placeholderReplacement" => config.placeholders = !value.eq_ignore_ascii_case("false"),
            "encoding" if value.eq_ignore_ascii_case("UTF-8") => {}
            "shouldExecute" if value.eq_ignore_ascii_case("true") => {}
            _ => problems.push(Problem::UnsupportedSetting {
                path: path.to_owned(),
                line: index + 1,
                setting: line.to_owned(),
            }),
        }
    }
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(layout: Layout, text: &str) -> Vec<(usize, String)> {
        let mut problems = Vec::new();
        let search = Substitutions::new(layout, vec![":APP_USER".to_owned()]);
        search.check(Path::new("a.sql"), 1, text, true, &mut problems);
        let read = |problem: Problem| match problem {
            Problem::NeedsSubstitution { line, what, .. } => (line, what),
            other => panic!("{other}"),
        };
        problems.into_iter().map(read).collect()
    }

    #[test]
    fn finds_what_would_be_replaced() {
        let cases = [
            (
                Layout::Plain,
                "a\ncreate table {{ index .Options \"Namespace\" }}.users",
                2,
                "the template `{{ index .Options \"Namespace\" }}`",
            ),
            (
                Layout::GolangMigrate,
                "{{index .Options \"x\"}}",
                1,
                "the template `{{index .Options \"x\"}}`",
            ),
            (Layout::Plain, "{{- .Schema }}", 1, "the template `{{- .Schema }}`"),
            (
                Layout::Flyway,
                "a\nb\nGRANT x TO ${app_user};\n${app_user}",
                3,
                "the placeholder `${app_user}`",
            ),
            (
                Layout::Graphile,
                "GRANT CONNECT ON DATABASE :DATABASE_NAME TO x",
                1,
                "the placeholder `:DATABASE_NAME`",
            ),
            (
                Layout::Graphile,
                "GRANT x TO :APP_USER;",
                1,
                "the placeholder `:APP_USER`",
            ),
            (
                Layout::Graphile,
                "a;\n--!include f.sql\nb",
                2,
                "the line `--!include f.sql`",
            ),
        ];
        for (layout, text, line, what) in cases {
            assert_eq!(found(layout, text), [(line, what.to_owned())], "{text}");
        }
    }

    #[test]
    fn leaves_sql_alone() {
        let cases = [
            (
                Layout::Plain,
                "SELECT '{{1,2},{3,4}}'::int[], '{{index,a}}', '{{.5,.6}}', '{{a}}', '{{', '{\"a\":{\"b\":1}}'",
            ),
            (Layout::Refinery, "SELECT '${x}'"),
            (Layout::Flyway, "DO $${\"a\": 1}$$; SELECT '${}', '${ x }', '${'"),
            (
                Layout::Graphile,
                "SELECT x::APP_USER, ':APP_USERS', a[1:N], 'a --!include b'",
            ),
            (Layout::Plain, "SELECT ':DATABASE_NAME'\n--!include x"),
        ];
        for (layout, text) in cases {
            assert_eq!(found(layout, text), [], "{text}");
        }
    }

    #[test]
    fn reads_placeholders_of_a_gmrc() {
        let text = "{\n  // \":COMMENT\": too many do no harm\n  \"placeholders\": { \":APP_USER\": \"!ENV\", ':B2': 'x' },\n  \"a\":\"b\" }";
        assert_eq!(gmrc_placeholders(text), [":COMMENT", ":APP_USER", ":B2"]);
    }

    #[test]
    fn script_configs_that_change_the_text_are_problems() {
        let path = Path::new("V1__a.sql.conf");
        assert_eq!(
            script_config(path, "# x\nexecuteInTransaction=false\n"),
            Ok(ScriptConfig { placeholders: true })
        );
        assert_eq!(
            script_config(path, "flyway.placeholderReplacement = false"),
            Ok(ScriptConfig { placeholders: false })
        );
        let problems = script_config(path, "\nencoding=ISO_8859_1\nshouldExecute=${x}==1\n").unwrap_err();
        assert_eq!(
            problems.iter().map(Problem::line).collect::<Vec<_>>(),
            [Some(2), Some(3)]
        );
    }
}
