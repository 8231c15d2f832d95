//! The marks in the ledger.

use rlsctl::catalog::FORMAT;
use rlsctl::migration::Head;
use rlsctl::pg::{LedgerError, ledger_store, mark_store};

use super::{open, run, taken};
use crate::support::db::TestDb;

#[test]
fn the_newest_mark_comes_back_and_older_ones_lose_their_definitions() {
    let db = TestDb::new();
    db.psql("create table t (id int); comment on table t is 'it''s a \"text\" with \\ and $1'");
    run(async {
        let session = open(&db, None).await;
        let look = ledger_store::look(&session).await.unwrap();
        ledger_store::bring_up_to_date(&session, &look, false).await.unwrap();
        assert_eq!(mark_store::newest(&session).await.unwrap(), None);

        let (head, snapshot) = (Head::of([]), taken(&session).await);
        mark_store::write(&session, &head, snapshot.clone(), &[]).await.unwrap();
        let first = mark_store::newest(&session).await.unwrap().unwrap();
        assert_eq!(
            (first.head, first.format, &first.mark),
            (head, FORMAT, &snapshot.mark())
        );
        assert_eq!(first.definitions.as_ref(), Some(&snapshot));

        db.psql("alter table t add b text");
        let changed = taken(&session).await;
        mark_store::write(&session, &head, changed.clone(), &[]).await.unwrap();
        let second = mark_store::newest(&session).await.unwrap().unwrap();
        assert_eq!(second.definitions, Some(changed));
        assert_ne!(second.mark, first.mark);
        let kept = "select string_agg((definitions is not null)::text, ' ' order by id) from rlsctl.schema_mark";
        assert_eq!(db.psql(kept), "false true");

        db.psql("update rlsctl.schema_mark set definitions = null");
        assert_eq!(mark_store::newest(&session).await.unwrap().unwrap().definitions, None);
        db.psql("update rlsctl.schema_mark set fingerprint = repeat('0', 64)");
        let error = mark_store::newest(&session).await.unwrap_err();
        assert!(matches!(error, LedgerError::Unreadable { .. }), "{error}");
    });
}
