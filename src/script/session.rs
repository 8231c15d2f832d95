//! What a statement leaves behind in its session.

use std::fmt;

/// Something that outlives a statement in its session or transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionEffect {
    /// A setting, until the session ends: `SET`, `RESET`, `set_config(..., false)`.
    Sets,
    /// A setting, until the transaction ends: `SET LOCAL`, `set_config(..., true)`.
    SetsLocal,
    /// The role or the session's user. Comes with [`Self::Sets`] or [`Self::SetsLocal`].
    Role,
    /// A temporary table, view or sequence.
    Temporary,
    /// A prepared statement.
    Prepared,
    /// A channel that is listened to.
    Listens,
    /// A cursor that survives its transaction.
    HoldsCursor,
    /// An advisory lock that only the session's end releases.
    AdvisoryLock,
    /// Code that the text does not show: it may do all of this.
    Opaque,
}

impl SessionEffect {
    const ALL: [Self; 9] = [
        Self::Sets,
        Self::SetsLocal,
        Self::Role,
        Self::Temporary,
        Self::Prepared,
        Self::Listens,
        Self::HoldsCursor,
        Self::AdvisoryLock,
        Self::Opaque,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for SessionEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sets => "changes a setting of the session",
            Self::SetsLocal => "changes a setting of the transaction",
            Self::Role => "changes the role",
            Self::Temporary => "makes a temporary relation",
            Self::Prepared => "prepares or drops a prepared statement",
            Self::Listens => "listens to a channel",
            Self::HoldsCursor => "holds a cursor open",
            Self::AdvisoryLock => "takes a session's advisory lock",
            Self::Opaque => "runs code that is not in the text",
        })
    }
}

/// A set of [`SessionEffect`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SessionEffects(u16);

impl SessionEffects {
    /// Returns the empty set.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Says whether there is any effect at all.
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Says whether the effect is in the set.
    pub const fn has(self, effect: SessionEffect) -> bool {
        self.0 & effect.bit() != 0
    }

    /// Adds an effect.
    pub const fn add(&mut self, effect: SessionEffect) {
        self.0 |= effect.bit();
    }

    /// Adds all effects of another set.
    pub const fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Returns the effects in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = SessionEffect> {
        SessionEffect::ALL.into_iter().filter(move |&effect| self.has(effect))
    }
}

impl FromIterator<SessionEffect> for SessionEffects {
    fn from_iter<I: IntoIterator<Item = SessionEffect>>(effects: I) -> Self {
        let mut set = Self::none();
        effects.into_iter().for_each(|effect| set.add(effect));
        set
    }
}

impl fmt::Debug for SessionEffects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in() {
        let mut set = SessionEffects::none();
        assert!(!set.any());
        for effect in SessionEffect::ALL {
            assert!(!set.has(effect));
            set.add(effect);
            assert!(set.has(effect));
        }
        assert!(set.iter().eq(SessionEffect::ALL));
        let mut other: SessionEffects = [SessionEffect::Role].into_iter().collect();
        other.merge([SessionEffect::Sets].into_iter().collect());
        assert_eq!(format!("{other:?}"), "{Sets, Role}");
    }
}
