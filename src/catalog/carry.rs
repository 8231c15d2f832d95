//! What was changed by hand, carried from one mark to the next.

use super::snapshot::Snapshot;

impl Snapshot {
    /// Returns this snapshot with what was changed by hand as the mark before had it, so that a run does not make it disappear.
    ///
    /// `marked` is what the mark before had, `before` what was there when the run began. An object that differed then, and that the run
    /// has left as it was, is not the run's: it stays drift until somebody accepts it.
    #[must_use]
    pub fn carrying(mut self, marked: &Self, before: &Self) -> Self {
        let ids = marked.objects.keys().chain(before.objects.keys());
        let by_hand = ids.filter(|id| marked.objects.get(*id) != before.objects.get(*id));
        for id in by_hand {
            if self.objects.get(id) != before.objects.get(id) {
                continue;
            }
            match marked.objects.get(id) {
                Some(definition) => self.objects.insert(id.clone(), definition.clone()),
                None => self.objects.remove(id),
            };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::{ObjectId, ObjectKind};
    use super::*;

    fn snapshot(objects: &str) -> Snapshot {
        let object = |text: &str| {
            let (name, definition) = text.split_once('=').unwrap();
            let id = ObjectId {
                kind: ObjectKind::Table,
                identity: name.to_owned(),
            };
            (id, definition.to_owned())
        };
        Snapshot {
            objects: objects.split_whitespace().map(object).collect(),
        }
    }

    #[test]
    fn what_the_run_left_alone_stays_as_it_was_marked() {
        let marked = snapshot("same=1 changed=1 gone=1 both=1");
        let before = snapshot("same=1 changed=2 both=2 added=1");
        // The run changes `both` again and makes `new`.
        let after = snapshot("same=1 changed=2 both=3 added=1 new=1");
        assert_eq!(
            after.carrying(&marked, &before),
            snapshot("same=1 changed=1 gone=1 both=3 new=1")
        );
    }

    #[test]
    fn without_changes_by_hand_nothing_is_carried() {
        let (marked, after) = (snapshot("a=1 b=1"), snapshot("a=2 c=1"));
        assert_eq!(after.clone().carrying(&marked, &marked), after);
    }
}
