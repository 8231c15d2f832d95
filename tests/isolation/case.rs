//! A case as it lies in its folder.

use std::path::PathBuf;

use fs_err as fs;
use serde::Deserialize;

use crate::support::db::{psql, server};

/// Which of a case's schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Twin {
    /// Tenant A reaches B's rows.
    Leak,
    /// The same with the least change that stops it.
    Safe,
    /// Safe, though it looks otherwise.
    Near,
}

impl Twin {
    fn file(self) -> &'static str {
        match self {
            Self::Leak => "leak.sql",
            Self::Safe => "safe.sql",
            Self::Near => "near.sql",
        }
    }
}

/// How an attack reaches the other tenant's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// It returns text that only a row of tenant B holds.
    Read,
    /// The rows of tenant B are others than before.
    Write,
    /// No row of another's: the plan it shows reads the whole table.
    Slow,
}

/// SQLSTATEs with which the attack is refused; nothing where it runs and finds nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    safe: Option<String>,
    near: Option<String>,
}

#[allow(dead_code, reason = "some of it is for the commands that are judged by the corpus")]
/// `case.toml`, and where it was found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The folder's name.
    #[serde(skip)]
    pub(crate) name: String,
    #[serde(skip)]
    folder: PathBuf,
    /// What is wrong in the leak, in one sentence.
    pub(crate) what: String,
    /// Why the near miss looks wrong and is not.
    pub(crate) near: Option<String>,
    /// The question to the model it belongs to, see `fixtures/isolation/README.md`.
    pub(crate) rule: u8,
    /// Where a finding belongs.
    pub(crate) object: String,
    /// Where it may stand as well.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    /// The command that leaks.
    pub(crate) command: String,
    /// The role that acts.
    pub(crate) role: String,
    /// A, which acts, and B, whose rows are reached.
    tenants: [String; 2],
    /// The same in the near miss, where it has to have others.
    near_tenants: Option<[String; 2]>,
    /// How they are reached.
    pub(crate) kind: Kind,
    /// What tenant A runs to see its own rows, where the object cannot simply be selected from after the attack's first paragraph.
    control: Option<String>,
    /// The twins in which A does not even reach its own rows.
    #[serde(default)]
    pub(crate) denies: Vec<Twin>,
    #[serde(default)]
    refused: Refusals,
    /// The lowest major version that knows what it is made of.
    min_version: Option<u32>,
    /// The highest on which the leak is one.
    max_version: Option<u32>,
    /// What `[tenancy]` says in `rlsctl.toml`.
    pub(crate) tenancy: toml::Table,
}

impl Case {
    /// Returns one of them.
    pub(crate) fn named_so(name: &str) -> Self {
        cases()
            .into_iter()
            .find(|case| case.name == name)
            .expect("a case of that name")
    }

    /// Returns which schemas it has, the leak first.
    pub(crate) fn twins(&self) -> impl Iterator<Item = Twin> + use<'_> {
        let all = [Twin::Leak, Twin::Safe, Twin::Near];
        all.into_iter()
            .filter(|twin| *twin != Twin::Near || self.near.is_some())
    }

    /// Returns a schema as it is written.
    pub(crate) fn sql(&self, twin: Twin) -> String {
        self.read(twin.file())
    }

    /// Returns A and B.
    pub(crate) fn tenants(&self, twin: Twin) -> &[String; 2] {
        let others = self.near_tenants.as_ref().filter(|_| twin == Twin::Near);
        others.unwrap_or(&self.tenants)
    }

    /// Returns what the attacker runs.
    pub(crate) fn attack(&self) -> String {
        self.read("attack.sql")
    }

    /// Returns what tenant A runs to see its own rows.
    pub(crate) fn control(&self) -> String {
        let own = || format!("{}\nselect 1 from {} limit 1", self.says(), self.object);
        self.control.clone().unwrap_or_else(own)
    }

    /// Returns how a session says that it is A's.
    pub(crate) fn says(&self) -> String {
        let attack = self.attack();
        let said = match &self.control {
            Some(control) => control.rsplit_once("; ").map(|(said, _)| format!("{said};")),
            None => attack.split_once("\n\n").map(|(said, _)| said.to_owned()),
        };
        said.expect("who is there")
    }

    /// Returns the SQLSTATE with which the attack is refused.
    pub(crate) fn refused(&self, twin: Twin) -> Option<String> {
        match twin {
            Twin::Leak => None,
            Twin::Safe => self.refused.safe.clone(),
            Twin::Near => self.refused.near.clone(),
        }
    }

    /// Whether the tests' server has what it is about.
    pub(crate) fn is_for_this_server(&self) -> bool {
        let number = psql(server(), &server().dsn("postgres"), "show server_version_num").expect("a version");
        let major = number.parse::<u32>().expect("a number") / 10_000;
        self.min_version.is_none_or(|min| min <= major) && self.max_version.is_none_or(|max| major <= max)
    }

    /// The same, with the names that a database's roles have.
    pub(crate) fn named(&self, named: impl Fn(&str) -> String) -> Self {
        let mut case = parsed(&named(&self.read("case.toml")));
        case.name.clone_from(&self.name);
        case.folder.clone_from(&self.folder);
        case
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).expect("a file of the case")
    }
}

fn parsed(text: &str) -> Case {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns all cases, sorted by name.
///
/// # Panics
/// Where a folder is not whole.
pub(crate) fn cases() -> Vec<Case> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/isolation");
    let mut all: Vec<Case> = fs::read_dir(&root)
        .expect("the corpus")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_dir())
        .map(|folder| {
            let text = fs::read_to_string(folder.join("case.toml")).expect("a case");
            let mut case =
                toml::from_str::<Case>(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            case.name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            case.folder = folder;
            assert_eq!(
                case.near.is_some(),
                case.folder.join(Twin::Near.file()).exists(),
                "{}",
                case.name
            );
            case
        })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}
