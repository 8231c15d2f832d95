use super::*;
use crate::activity::{Held, Pid, SessionState, Signal};
use crate::script::RelationName;

const LIMITS: Limits = Limits {
    tables: 8,
    deadlock_timeout: Duration::from_secs(1),
    deadline: Duration::from_secs(60),
};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn relation(oid: u32) -> Relation {
    Relation {
        oid: Oid(oid),
        name: RelationName::new(format!("t{oid}")),
    }
}

fn item(oids: &[u32]) -> Item {
    let need = |oid: &u32| Need {
        relation: relation(*oid),
        mode: LockMode::AccessExclusive,
        upfront: true,
    };
    Item {
        needs: oids.iter().map(need).collect(),
        ..Item::default()
    }
}

fn holder(oid: u32, open: Duration, kind: Kind) -> Backend {
    Backend {
        pid: Some(Pid(1)),
        kind,
        role: None,
        application: None,
        client: None,
        database: None,
        backend_start: None,
        xact_start: None,
        state: Some(SessionState::Active),
        in_state: Some(open),
        in_transaction: Some(open),
        query: None,
        has_snapshot: false,
        signal: Signal::Allowed,
        locks: vec![Held {
            relation: relation(oid),
            mode: LockMode::AccessShare,
            granted: true,
        }],
    }
}

fn nowait(items: &[usize]) -> Move {
    Move::Try {
        items: items.to_vec(),
        take: Take::Nowait,
    }
}

#[test]
fn what_is_free_is_taken_by_eights_and_halves_after_a_refusal() {
    let mut pool = Pool::new((1..=20).map(|oid| item(&[oid])).collect(), LIMITS);
    let first = [0, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(pool.next(ms(0), &[]), nowait(&first));
    pool.refused(&first, Take::Nowait, ms(0), 1.0);
    assert_eq!(
        pool.next(ms(0), &[]),
        nowait(&[8, 9, 10, 11]),
        "those that were refused rest a moment"
    );
    pool.took(&[8, 9, 10, 11]);
    let seen = [holder(1, ms(1_000), Kind::Client)];
    assert_eq!(pool.next(ms(3), &seen), nowait(&[1, 2, 3, 4, 5, 6, 7, 12]));
}

#[test]
fn two_tables_of_one_item_count_as_two_and_groups_and_loners_stay_apart() {
    let mut items: Vec<Item> = [&[1, 2][..], &[3, 4, 5], &[6, 7, 8, 9], &[10]].map(item).to_vec();
    let mut pool = Pool::new(items.clone(), LIMITS);
    assert_eq!(pool.next(ms(0), &[]), nowait(&[0, 1]));
    items[1].group = 1;
    items[2].alone = true;
    let mut pool = Pool::new(items, LIMITS);
    assert_eq!(pool.next(ms(0), &[]), nowait(&[0, 3]));
    pool.took(&[0, 3]);
    assert_eq!(pool.next(ms(0), &[]), nowait(&[1]));
    pool.took(&[1]);
    assert_eq!(pool.next(ms(0), &[]), nowait(&[2]));
    pool.took(&[2]);
    assert_eq!(pool.next(ms(0), &[]), Move::Done);
}

#[test]
fn what_comes_after_waits_for_what_comes_before() {
    let mut items = vec![item(&[1]), item(&[1])];
    items[1].after = vec![0];
    let mut pool = Pool::new(items, LIMITS);
    assert_eq!(pool.next(ms(0), &[]), nowait(&[0]));
    pool.took(&[0]);
    assert_eq!(pool.next(ms(0), &[]), nowait(&[1]));
}

#[test]
fn a_busy_table_is_queued_for_only_behind_the_young_and_for_longer_each_time() {
    let mut pool = Pool::new(vec![item(&[1])], LIMITS);
    let young = [holder(1, ms(10), Kind::Client)];
    assert_eq!(pool.next(ms(0), &young), nowait(&[0]));
    pool.refused(&[0], Take::Nowait, ms(0), 1.0);
    assert_eq!(pool.next(ms(1), &young), Move::Rest(ms(2)));
    let queue = |timeout| Take::Queue {
        relation: Oid(1),
        timeout,
    };
    let try_queue = |timeout| Move::Try {
        items: vec![0],
        take: queue(timeout),
    };
    assert_eq!(pool.next(ms(301), &young), try_queue(ms(20)));
    pool.refused(&[0], queue(ms(20)), ms(301), 1.0);
    assert_eq!(pool.next(ms(381), &young), try_queue(ms(40)));
    pool.refused(&[0], queue(ms(40)), ms(381), 1.0);
    assert_eq!(
        pool.next(ms(1_000), &[holder(1, ms(160), Kind::Client)]),
        try_queue(ms(200))
    );
    let old = [holder(1, ms(201), Kind::Client)];
    assert_eq!(
        pool.next(ms(1_001), &old),
        Move::Rest(ms(25)),
        "a long report is left alone"
    );
    assert_eq!(pool.next(ms(60_000), &old), Move::Stop);
    assert_eq!(pool.unfinished(&old)[0].on.len(), 1);
}

#[test]
fn held_by_moments_that_nobody_sees_it_is_queued_for() {
    let mut pool = Pool::new(vec![item(&[1])], LIMITS);
    pool.refused(&[0], Take::Nowait, ms(0), 1.0);
    assert_eq!(pool.next(ms(100), &[]), nowait(&[0]));
    let expected = Take::Queue {
        relation: Oid(1),
        timeout: ms(20),
    };
    assert_eq!(
        pool.next(ms(400), &[]),
        Move::Try {
            items: vec![0],
            take: expected
        }
    );
}

#[test]
fn an_autovacuum_is_made_to_leave_unless_it_prevents_wraparound() {
    let vacuum = |wraparound| [holder(1, ms(9_000), Kind::Autovacuum { wraparound })];
    let mut pool = Pool::new(vec![item(&[1])], LIMITS);
    let expected = Take::Displace { relation: Oid(1) };
    assert_eq!(
        pool.next(ms(0), &vacuum(false)),
        Move::Try {
            items: vec![0],
            take: expected
        }
    );
    assert_eq!(pool.next(ms(0), &vacuum(true)), Move::Rest(ms(25)));
    let prepared = Kind::Prepared { gid: "x".to_owned() };
    assert_eq!(pool.next(ms(0), &[holder(1, ms(1), prepared)]), Move::Rest(ms(25)));
}

#[test]
fn we_give_way_before_the_server_looks_for_deadlocks() {
    assert_eq!(LIMITS.longest_queue(), ms(200));
    let short = Limits {
        deadlock_timeout: ms(100),
        ..LIMITS
    };
    assert_eq!(short.longest_queue(), ms(50));
}

#[test]
fn what_is_free_is_tried_after_the_deadline_too_and_each_once() {
    let limits = Limits {
        deadline: Duration::ZERO,
        ..LIMITS
    };
    let mut pool = Pool::new(vec![item(&[1]), item(&[2]), item(&[3])], limits);
    let old = [holder(2, ms(60_000), Kind::Client)];
    assert_eq!(pool.next(ms(0), &old), nowait(&[0, 2]));
    pool.took(&[0]);
    assert_eq!(pool.next(ms(10), &old), nowait(&[2]));
    pool.refused(&[2], Take::Nowait, ms(10), 1.0);
    assert_eq!(pool.next(ms(11), &old), Move::Stop);
}
