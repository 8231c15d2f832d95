//! Whether two values are the same.

use super::truth::{Chance, Truth};
use super::value::{Possible, Value, Values, Whose};

/// Returns what `one = other` can be.
pub(super) fn equal(one: &Values, other: &Values) -> Truth {
    each(one, other, same)
}

/// Returns what `one is distinct from other` can be.
pub(super) fn distinct(one: &Values, other: &Values) -> Truth {
    each(one, other, |one, other| {
        let truth = match (one, other) {
            (Value::Null, Value::Null) => Truth::YES,
            (Value::Null, other) | (other, Value::Null) => could_be_null(other),
            _ => same(one, other),
        };
        // What is null on one side only is distinct.
        Truth::of(truth.yes, truth.no.max(truth.null), Chance::Never).negated()
    })
}

/// Returns what `value is null` can be.
pub(super) fn null(values: &Values) -> Truth {
    let each = values
        .iter()
        .map(|possible| could_be_null(&possible.value).at(possible.chance));
    each.fold(Truth::ERROR, Truth::or_else)
}

fn each(one: &Values, other: &Values, compare: impl Fn(&Value, &Value) -> Truth) -> Truth {
    let mut truth = Truth::ERROR;
    for left in one {
        for right in other {
            let chance = left.chance.min(right.chance);
            truth = truth.or_else(compare(&left.value, &right.value).at(chance));
        }
    }
    truth
}

fn could_be_null(value: &Value) -> Truth {
    match value {
        Value::Null => Truth::YES,
        Value::Held(_) | Value::Chosen => Truth::EITHER,
        Value::Truth(truth) => Truth::of(truth.null, truth.yes.max(truth.no), Chance::Never),
        Value::Unknown | Value::Claims(_) => Truth::of(Chance::Perhaps, Chance::Perhaps, Chance::Never),
        _ => Truth::NO,
    }
}

fn same(one: &Value, other: &Value) -> Truth {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => Truth::NULL,
        (Value::Text(one), Value::Text(other)) => known(one == other),
        (Value::Tenant(one), Value::Tenant(other)) => known((*one == Whose::Mine) == (*other == Whose::Mine)),
        (
            Value::Key { of, whose },
            Value::Key {
                of: other,
                whose: others,
            },
        ) if of == other => mine((*whose == Whose::Mine) == (*others == Whose::Mine)),
        (Value::User, Value::User) => Truth::YES,
        (Value::Picked(picked), other) | (other, Value::Picked(picked)) => match other {
            Value::Tenant(whose) | Value::Key { whose, .. } | Value::Held(Some(whose)) | Value::Picked(whose) => {
                mine((*picked == Whose::Mine) == (*whose == Whose::Mine))
            }
            Value::User => mine(*picked == Whose::Mine),
            Value::Text(_) | Value::Held(_) | Value::Chosen => Truth::of(Chance::Can, Chance::Can, Chance::Can),
            _ => Truth::UNKNOWN,
        },
        (Value::Claims(way), Value::Text(text)) | (Value::Text(text), Value::Claims(way))
            if way.is_empty() && text.is_empty() =>
        {
            Truth::NO
        }
        // Whose own row it is, the user may be in it; who is in another tenant's is somebody else.
        (Value::Held(Some(whose)) | Value::Key { whose, .. }, Value::User)
        | (Value::User, Value::Held(Some(whose)) | Value::Key { whose, .. }) => mine(*whose == Whose::Mine),
        (Value::Chosen, Value::Unknown) | (Value::Unknown, Value::Chosen) => Truth::UNKNOWN,
        (Value::Chosen, _) | (_, Value::Chosen) => Truth::EITHER,
        // A key of letters is not the empty one.
        (Value::Tenant(_) | Value::Key { .. } | Value::User, Value::Text(text))
        | (Value::Text(text), Value::Tenant(_) | Value::Key { .. } | Value::User)
            if text.is_empty() =>
        {
            Truth::NO
        }
        (Value::Held(_), Value::Text(_) | Value::Held(_) | Value::Truth(_))
        | (Value::Text(_) | Value::Truth(_), Value::Held(_)) => Truth::of(Chance::Can, Chance::Can, Chance::Can),
        (Value::Truth(one), Value::Truth(other)) => {
            let both = one.and(*other).yes.max(one.negated().and(other.negated()).yes);
            let differ = one.and(other.negated()).yes.max(one.negated().and(*other).yes);
            Truth::of(both, differ, one.null.max(other.null))
        }
        (Value::Truth(truth), Value::Text(text)) | (Value::Text(text), Value::Truth(truth)) => match text.as_str() {
            "t" | "true" => *truth,
            "f" | "false" => truth.negated(),
            _ => Truth::UNKNOWN,
        },
        _ => Truth::UNKNOWN,
    }
}

fn known(is: bool) -> Truth {
    if is { Truth::YES } else { Truth::NO }
}

/// There are several of a tenant's, so that one need not be the other.
fn mine(can: bool) -> Truth {
    if can { Truth::EITHER } else { Truth::NO }
}

/// `array @> array`.
pub(super) fn contains(many: &Values, few: &Values) -> Truth {
    match (many.as_slice(), few.as_slice()) {
        (
            [
                Possible {
                    value: Value::Many(many),
                    ..
                },
            ],
            [
                Possible {
                    value: Value::Many(few),
                    ..
                },
            ],
        ) => {
            let each = few.iter().map(|one| equal(&vec![one.clone()], many).or_else(Truth::NO));
            each.fold(Truth::YES, Truth::and)
        }
        _ => Truth::UNKNOWN,
    }
}

/// `array && array`.
pub(super) fn overlaps(one: &Values, other: &Values) -> Truth {
    match (one.as_slice(), other.as_slice()) {
        (
            [
                Possible {
                    value: Value::Many(one),
                    ..
                },
            ],
            [
                Possible {
                    value: Value::Many(other),
                    ..
                },
            ],
        ) => equal(one, other).or_else(Truth::NO),
        _ => Truth::UNKNOWN,
    }
}
