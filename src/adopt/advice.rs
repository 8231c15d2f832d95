//! What to do where the other tool's files are none that rlsctl can run.

use crate::ledger::Peer;

/// Returns what to do where a tool keeps its migrations in a form that rlsctl does not read; `None` for tools whose files it reads.
pub const fn unreadable_files(peer: Peer) -> Option<&'static str> {
    match peer {
        Peer::Rails => Some(
            "Rails' migrations are Ruby: write each as SQL, `<version>_<name>.sql` in a folder of their own (`pg_dump -s` of a database at that version helps), and name it with `--dir`",
        ),
        Peer::Ecto => Some(
            "Ecto's migrations are Elixir: write each as SQL, `<version>_<name>.sql` in a folder of their own (`mix ecto.migrate --log-migrations-sql` prints it), and name it with `--dir`",
        ),
        Peer::Knex => Some(
            "knex' migrations are JavaScript: write each as SQL under the same number, `<number>_<name>.sql` in a folder of their own, and name it with `--dir`",
        ),
        Peer::NodePgMigrate => Some(
            "node-pg-migrate's JavaScript files cannot be run: write each as SQL under the same number (`node-pg-migrate up --dry-run` prints it), `<number>_<name>.sql`",
        ),
        Peer::Sqitch => Some(
            "sqitch's order is in sqitch.plan: copy each deploy script to `<number>_<change>.sql` in that order, in a folder of their own, and name it with `--dir`; they are recognised by their content",
        ),
        Peer::Pgroll => Some(
            "pgroll's migrations are JSON or YAML: write each as SQL, `<name>.sql` in a folder of their own, with names that begin with their numbers, and name it with `--dir`",
        ),
        Peer::Boundary => Some(
            "Boundary numbers its editions: put the scripts of each into one file, `<edition>_<name>.sql` in a folder of their own, and name it with `--dir`",
        ),
        _ => None,
    }
}
