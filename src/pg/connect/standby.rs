//! `target_session_attrs`: whether a session is of the wanted kind.

use super::failure::Failure;
use super::session::Session;
use crate::pg::settings::TargetSessionAttrs;

/// What decides about the kind of a session.
#[derive(Clone, Copy)]
struct Kind {
    in_hot_standby: bool,
    read_only_by_default: bool,
}

/// Returns the kinds to look for, one round of all hosts each.
pub(super) fn rounds(wanted: TargetSessionAttrs) -> &'static [TargetSessionAttrs] {
    match wanted {
        TargetSessionAttrs::Any => &[TargetSessionAttrs::Any],
        TargetSessionAttrs::ReadWrite => &[TargetSessionAttrs::ReadWrite],
        TargetSessionAttrs::ReadOnly => &[TargetSessionAttrs::ReadOnly],
        TargetSessionAttrs::Primary => &[TargetSessionAttrs::Primary],
        TargetSessionAttrs::Standby => &[TargetSessionAttrs::Standby],
        TargetSessionAttrs::PreferStandby => &[TargetSessionAttrs::Standby, TargetSessionAttrs::Any],
    }
}

/// Checks that a session is of the wanted kind.
///
/// Servers from version 14 on report what is needed at the start; others are asked, at the cost of a round trip.
pub(super) async fn check(session: &Session, wanted: TargetSessionAttrs) -> Result<(), Failure> {
    if wanted == TargetSessionAttrs::Any {
        return Ok(());
    }
    let kind = match reported(session) {
        Some(kind) => kind,
        None => ask(session).await?,
    };
    judge(kind, wanted)
}

fn reported(session: &Session) -> Option<Kind> {
    Some(Kind {
        in_hot_standby: session.parameter("in_hot_standby")? == "on",
        read_only_by_default: session.parameter("default_transaction_read_only")? == "on",
    })
}

async fn ask(session: &Session) -> Result<Kind, Failure> {
    let rows = session
        .ask("select pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only')")
        .await?;
    let [Some(standby), Some(read_only)] = rows.first().map_or(&[][..], Vec::as_slice) else {
        return Err(Failure::NotPostgres { problem: None });
    };
    Ok(Kind {
        in_hot_standby: standby == "t",
        read_only_by_default: read_only == "on",
    })
}

fn judge(kind: Kind, wanted: TargetSessionAttrs) -> Result<(), Failure> {
    let read_only = kind.in_hot_standby || kind.read_only_by_default;
    let (suits, name, found) = match wanted {
        TargetSessionAttrs::Any | TargetSessionAttrs::PreferStandby => return Ok(()),
        TargetSessionAttrs::ReadWrite => (!read_only, "read-write", "the session is read-only"),
        TargetSessionAttrs::ReadOnly => (read_only, "read-only", "the session is not read-only"),
        TargetSessionAttrs::Primary => (!kind.in_hot_standby, "primary", "the server is in hot standby"),
        TargetSessionAttrs::Standby => (kind.in_hot_standby, "standby", "the server is not in hot standby"),
    };
    if suits {
        Ok(())
    } else {
        Err(Failure::WrongSession { wanted: name, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_judged_as_the_manual_says() {
        use TargetSessionAttrs as Wanted;
        // Columns: in hot standby, read-only by default; then whether read-write, read-only, primary, standby suit.
        for (in_hot_standby, read_only_by_default, expected) in [
            (false, false, [true, false, true, false]),
            (false, true, [false, true, true, false]),
            (true, false, [false, true, false, true]),
            (true, true, [false, true, false, true]),
        ] {
            let kind = Kind {
                in_hot_standby,
                read_only_by_default,
            };
            let wanted = [Wanted::ReadWrite, Wanted::ReadOnly, Wanted::Primary, Wanted::Standby];
            let suits = wanted.map(|wanted| judge(kind, wanted).is_ok());
            assert_eq!(suits, expected);
        }
    }
}
