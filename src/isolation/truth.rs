//! What a condition can be.

/// Whether something can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chance {
    /// It cannot.
    Never,
    /// It cannot be told.
    Perhaps,
    /// It can, for some row and some session.
    Can,
}

/// What a condition can be. None of the three: to work it out raises an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Whether it can be true.
    pub yes: Chance,
    /// Whether it can be false.
    pub no: Chance,
    /// Whether it can be null.
    pub null: Chance,
}

impl Truth {
    /// It is true.
    pub const YES: Self = Self::of(Chance::Can, Chance::Never, Chance::Never);
    /// It is false.
    pub const NO: Self = Self::of(Chance::Never, Chance::Can, Chance::Never);
    /// It is null.
    pub const NULL: Self = Self::of(Chance::Never, Chance::Never, Chance::Can);
    /// It is true for some and false for others.
    pub const EITHER: Self = Self::of(Chance::Can, Chance::Can, Chance::Never);
    /// Nothing can be told.
    pub const UNKNOWN: Self = Self::of(Chance::Perhaps, Chance::Perhaps, Chance::Perhaps);
    /// It cannot be worked out: an error.
    pub const ERROR: Self = Self::of(Chance::Never, Chance::Never, Chance::Never);

    /// Returns a truth of these chances.
    pub const fn of(yes: Chance, no: Chance, null: Chance) -> Self {
        Self { yes, no, null }
    }

    /// Returns what it is where this or that may be the case.
    #[must_use]
    pub fn or_else(self, other: Self) -> Self {
        Self::of(
            self.yes.max(other.yes),
            self.no.max(other.no),
            self.null.max(other.null),
        )
    }

    /// Returns what it is where it is the case with that chance only.
    #[must_use]
    pub fn at(self, chance: Chance) -> Self {
        Self::of(self.yes.min(chance), self.no.min(chance), self.null.min(chance))
    }

    /// NOT.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::of(self.no, self.yes, self.null)
    }

    /// AND. Both are taken for independent of one another.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let passes = |one: Self| one.yes.max(one.null);
        let null = (self.null.min(passes(other))).max(other.null.min(passes(self)));
        Self::of(self.yes.min(other.yes), self.no.max(other.no), null)
    }

    /// OR.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.negated().and(other.negated()).negated()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values_as_in_sql() {
        let all = [Truth::YES, Truth::NO, Truth::NULL];
        let and = |one: Truth, other: Truth| one.and(other);
        assert_eq!(and(Truth::YES, Truth::NULL), Truth::NULL);
        assert_eq!(and(Truth::NO, Truth::NULL), Truth::NO);
        assert_eq!(Truth::YES.or(Truth::NULL), Truth::YES);
        assert_eq!(Truth::NO.or(Truth::NULL), Truth::NULL);
        for truth in all {
            assert_eq!(truth.negated().negated(), truth);
            assert_eq!(truth.and(Truth::YES), truth);
            assert_eq!(truth.or(Truth::NO), truth);
        }
    }

    #[test]
    fn what_cannot_be_told_never_becomes_certain() {
        assert_eq!(Truth::UNKNOWN.and(Truth::YES).yes, Chance::Perhaps);
        assert_eq!(Truth::UNKNOWN.and(Truth::NO).yes, Chance::Never);
        assert_eq!(Truth::UNKNOWN.or(Truth::YES).yes, Chance::Can);
    }
}
