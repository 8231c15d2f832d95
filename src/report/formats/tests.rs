//! Each format is read back, and says what was told, whatever the words.

use serde_json::Value;

use super::*;

/// What ends lines, elements, cells and commands, and what a terminal would obey.
const NASTY: &str =
    "a|b\r\nc ]]> <x a=\"1\"> & 'q' `t` %0A ::error::no \\ \u{1b}[2J \u{0} \u{202e}rtl\u{2066} \u{fffe} ## ä 🦀 @me";

fn findings() -> Vec<Finding> {
    vec![
        Finding::error("drift.edited", "0001", "was edited", "restore it").at("migrations/0001 ä.sql", 3, 7),
        Finding::error("drift.edited", "0001", "was edited again", "restore it"),
        Finding::error("drift.hotfix", NASTY, NASTY, NASTY)
            .at(NASTY, 1, 1)
            .evidence("line", NASTY),
        Finding::info("drift.cosmetic", "0002", "differs", "").evidence("checksum", "ab".repeat(32)),
    ]
}

fn failure() -> Failure {
    Failure::new(Exit::Environment, "cannot connect to <db>\n::error::fake")
        .cause("refused ]]>")
        .state("nothing was changed")
        .hint("check that Postgres runs")
}

fn document(findings: Vec<Finding>) -> Document {
    let mut document = Document::new("status", Exit::Findings)
        .summary("applied", 3)
        .summary("head", "cd".repeat(32))
        .summary("newest", Value::Null);
    document.target = Some(TargetInfo {
        name: Some("prod".to_owned()),
        description: "db/app as \"me\"\n::error::x".to_owned(),
    });
    document.objects = ["0001", "0002", "0003"].map(str::to_owned).to_vec();
    document.findings = findings;
    document
}

fn made(format: impl Fn(&Told<'_>) -> String, findings: Vec<Finding>, failure: Option<&Failure>) -> String {
    let document = document(findings);
    format(&Told::new(&document, &summary(&document), failure))
}

fn all_clean(text: &str) {
    let bad = text
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    assert_eq!(bad, None, "{text}");
}

#[test]
fn the_summary_is_one_line() {
    let line = summary(&document(findings()));
    assert_eq!(line, "3 errors, 1 note; applied 3, head cdcdcdcdcdcd");
    assert_eq!(
        summary(&document(Vec::new())),
        "no findings; applied 3, head cdcdcdcdcdcd"
    );
}

#[test]
fn github_has_a_command_a_finding_and_no_others() {
    let text = made(github, findings(), None);
    all_clean(&text);
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(
        lines[0],
        "::error file=migrations/0001 ä.sql,line=3,col=7,title=drift.edited::0001 was edited%0Ahelp: restore it"
    );
    assert_eq!(
        lines[3],
        "::notice title=drift.cosmetic::0002 differs%0Achecksum: abababababab"
    );
    assert!(lines[2].starts_with("::error file=a|b"), "{text}");
    assert!(lines[2].contains("%25%30A") || lines[2].contains("%250A"), "{text}");
    // In a property neither a colon nor a comma may stand.
    let properties = lines[2].strip_prefix("::error ").unwrap().split("::").next().unwrap();
    assert_eq!(properties.matches(',').count(), 3, "{properties}");
    assert!(lines[4].starts_with("rlsctl status of db/app"), "{text}");
    let failed = made(github, Vec::new(), Some(&failure()));
    assert_eq!(failed.split_terminator('\n').count(), 2, "{failed}");
    assert!(
        failed.starts_with("::error title=rlsctl status%2C exit code 3::cannot connect to <db>%0A::error::fake%0A"),
        "{failed}"
    );
}

#[test]
fn no_line_of_the_log_is_a_command() {
    let text = "fine ::error::x\n::error::y\n  \t::set-env name=a::b\nx ##[group]y\n";
    let expected = "fine ::error::x\n: :error::y\n  \t: :set-env name=a::b\nx ## [group]y\n";
    assert_eq!(defused(text), expected);
}

fn sarif_of(findings: Vec<Finding>, failure: Option<&Failure>) -> Value {
    serde_json::from_str(&made(sarif, findings, failure)).unwrap()
}

#[test]
fn sarif_has_rules_results_and_places() {
    let log = sarif_of(findings(), None);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules: Vec<_> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["id"])
        .collect();
    assert_eq!(rules, ["drift.cosmetic", "drift.edited", "drift.hotfix"]);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(&result["ruleId"], rules[index]);
    }
    let physical = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "migrations/0001%20%C3%A4.sql");
    assert_eq!(
        physical["region"],
        serde_json::json!({ "startLine": 3, "startColumn": 7 })
    );
    assert_eq!(results[3]["level"], "note");
    assert_eq!(results[2]["properties"]["object"], NASTY);
    all_clean(results[2]["message"]["text"].as_str().unwrap());
    assert_eq!(run["automationDetails"]["id"], "rlsctl/status/prod/");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
}

#[test]
fn sarif_matches_results_between_runs() {
    let prints = |findings: Vec<Finding>| -> Vec<Value> {
        let log = sarif_of(findings, None);
        let results = log["runs"][0]["results"].as_array().unwrap();
        results
            .iter()
            .map(|result| result["partialFingerprints"]["rlsctl/v1"].clone())
            .collect()
    };
    let before = prints(findings());
    let mut later = findings();
    later[0] = Finding::error("drift.edited", "0001", "was edited at noon", "").at("migrations/0001 ä.sql", 9, 1);
    let after = prints(later.clone());
    assert_eq!(before, after);
    let distinct: std::collections::BTreeSet<_> = before.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), 4, "{before:?}");
    later.remove(2);
    assert_eq!(prints(later)[2], before[3]);
    // Without a file the line's hash would be the same for all.
    let result = sarif_of(findings(), None)["runs"][0]["results"][1].clone();
    assert_eq!(result["partialFingerprints"]["primaryLocationLineHash"], before[1]);
}

#[test]
fn sarif_says_that_it_could_not_look() {
    let log = sarif_of(Vec::new(), Some(&failure()));
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["exitCode"], 3);
    let text = invocation["toolExecutionNotifications"][0]["message"]["text"]
        .as_str()
        .unwrap();
    assert!(
        text.starts_with("cannot connect to <db>") && text.contains("next: check"),
        "{text}"
    );
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn junit_has_a_case_an_object() {
    let text = made(junit, findings(), None);
    all_clean(&text);
    let tree = roxmltree::Document::parse(&text).unwrap();
    let suite = tree.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(
        (
            suite.attribute("tests"),
            suite.attribute("failures"),
            suite.attribute("errors")
        ),
        (Some("4"), Some("2"), Some("0"))
    );
    let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!(cases.len(), 4);
    let failed = cases[0].children().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failed.attribute("message"), Some("0001 was edited"));
    let body = failed.text().unwrap();
    assert!(
        body.contains("[drift.edited] 0001 was edited again\n") || body.ends_with("help: restore it"),
        "{body}"
    );
    assert_eq!(cases[0].attribute("file"), Some("migrations/0001 ä.sql"));
    // A note is no failure.
    assert!(cases[1].children().any(|node| node.has_tag_name("system-out")));
    assert!(!cases[1].children().any(|node| node.has_tag_name("failure")));
    assert_eq!(cases[2].children().count(), 0);
    let nasty = cases[3].attribute("name").unwrap();
    assert!(
        nasty.contains("]]> <x a=\"1\"> & 'q'") && nasty.contains('\n'),
        "{nasty}"
    );
    let failed = made(junit, Vec::new(), Some(&failure()));
    let tree = roxmltree::Document::parse(&failed).unwrap();
    let error = tree.descendants().find(|node| node.has_tag_name("error")).unwrap();
    assert_eq!(error.attribute("type"), Some("exit code 3"));
    assert!(error.text().unwrap().contains("because: refused ]]>"));
}

/// The cells of a row, parted where Markdown parts them.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in row.chars() {
        match c {
            '|' if !escaped => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
        escaped = c == '\\' && !escaped;
    }
    cells
}

#[test]
fn markdown_has_a_row_a_finding() {
    let text = made(markdown, findings(), None);
    all_clean(&text);
    let rows: Vec<&str> = text
        .split_terminator('\n')
        .filter(|line| line.starts_with('|'))
        .collect();
    assert_eq!(rows.len(), 6, "{text}");
    for row in &rows {
        assert_eq!(cells(row).len(), 7, "{row}");
    }
    assert!(!text.contains("<x"), "{text}");
    assert!(text.contains("migrations/0001 ä.sql:3"), "{text}");
    let none = made(markdown, Vec::new(), None);
    assert!(none.contains("no findings") && !none.contains('|'), "{none}");
    let failed = made(markdown, Vec::new(), Some(&failure()));
    assert!(
        failed.contains("**error, exit code 3:** cannot connect to &lt;db&gt;<br>"),
        "{failed}"
    );
}

#[test]
fn markdown_fits_a_comment() {
    let many = (0..5000)
        .map(|n| Finding::error("drift.edited", n.to_string(), NASTY, NASTY))
        .collect();
    let text = made(markdown, many, None);
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(text.ends_with("more; `--format json` lists all\n"), "{text}");
}
