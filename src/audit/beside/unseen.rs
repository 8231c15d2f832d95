//! What could not be judged, because it is not there or may not be seen.

use crate::finding::Finding;

use super::super::Audit;
use super::super::rule::Rule;

const ROLE: &str = "audit.role-missing";
const UNSEEN: &str = "audit.not-seen";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[ROLE, UNSEEN],
    explanation: "\
What a role can reach cannot be said of one that there is none of: see that the names in [tenancy] are those of this database. And where \
somebody has revoked parts of pg_catalog, what is written there cannot be judged, and nothing that is not found here is a promise.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let missing = audit
        .model
        .tenancy
        .all_app_roles()
        .filter(|role| !audit.schema.roles.contains_key(*role) && !audit.schema.unseen.contains(&"roles"));
    for role in missing {
        let message = "is named in [tenancy] as a role of the application, and there is no such role here: nothing can be said about it";
        let help = "mend app_roles in rlsctl.toml, or make the role";
        found.push(Finding::warning(ROLE, role.clone(), message, help));
    }
    for part in &audit.schema.unseen {
        let message = format!(
            "{} may not read them in pg_catalog: what they say was not judged",
            audit.schema.current_role
        );
        let help = "run it as a role that may read pg_catalog, as every role may where nobody has revoked it";
        found.push(Finding::warning(UNSEEN, *part, message, help));
    }
    found
}
