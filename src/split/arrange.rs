//! Statements into files, heads and sections.
//!
//! What runs them may take sections in any order, also those of consecutive files without a head, but not one before an earlier one that is
//! about a table which it needs, or needs one that it is about; and it runs a head behind everything before it and before the sections of
//! its file. So of two statements that depend on each other, either both are in one place in their order, or a head is between them, or the
//! tables of one's section are among what the other one names.

use std::collections::BTreeSet;

use crate::script::RelationName;

use super::judge::{Most, Place, Why};
use super::unit::Unit;

/// One of the files that a script is cut into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The settings that hold in it, by the numbers of their statements.
    pub settings: Vec<usize>,
    /// What stands before its sections, each with why it has none.
    pub head: Vec<(usize, Why)>,
    /// Statements that cannot run inside a transaction: then there is nothing else.
    pub alone: Vec<usize>,
    /// Its sections.
    pub sections: Vec<Sections>,
    /// Settings that nothing comes behind.
    pub tail: Vec<usize>,
}

/// A section: statements that concern the same tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sections {
    /// The tables.
    pub tables: Vec<RelationName>,
    /// The statements, by their numbers.
    pub units: Vec<usize>,
}

impl Part {
    fn tables(&self) -> BTreeSet<&RelationName> {
        self.sections.iter().flat_map(|section| &section.tables).collect()
    }

    /// Whether another section fits into it.
    fn has_room(&self, tables: &[RelationName], most: usize) -> bool {
        let mut all = self.tables();
        all.extend(tables);
        self.alone.is_empty() && all.len() <= most
    }
}

/// Returns the files, in their order, with every statement in one of them but those of [`Place::Setting`], which are in all they hold for.
pub fn arrange(units: &[Unit], most: Most) -> Vec<Part> {
    let mut arranger = Arranger {
        units,
        most,
        parts: Vec::new(),
        settings: Vec::new(),
        is_closed: true,
    };
    for (number, unit) in units.iter().enumerate() {
        match &unit.place {
            Place::Left => {}
            Place::Setting { .. } => {
                arranger.settings.push(number);
                arranger.is_closed = true;
            }
            Place::Alone => arranger.alone(number),
            Place::Head(why) => arranger.head(number, *why),
            Place::Section(tables) => arranger.section(number, tables),
            Place::Beside(tables) => arranger.beside(number, tables),
        }
    }
    let behind = |part: &Part| arranger.settings.len() > part.settings.len();
    if let Some(last) = arranger.parts.last_mut().filter(|part| behind(part)) {
        last.tail = arranger.settings[last.settings.len()..].to_vec();
    }
    arranger.parts
}

struct Arranger<'a> {
    units: &'a [Unit],
    most: Most,
    parts: Vec<Part>,
    /// The settings so far.
    settings: Vec<usize>,
    /// Whether nothing may be added to the parts so far.
    is_closed: bool,
}

/// The section `section` of the part `part`.
#[derive(Clone, Copy)]
struct Spot {
    part: usize,
    section: usize,
}

impl Arranger<'_> {
    fn new_part(&mut self) -> &mut Part {
        self.is_closed = false;
        self.parts.push(Part {
            settings: self.settings.clone(),
            ..Part::default()
        });
        self.parts.last_mut().expect("a part was just added")
    }

    fn last(&mut self) -> Option<&mut Part> {
        self.parts.last_mut().filter(|_| !self.is_closed)
    }

    fn alone(&mut self, number: usize) {
        match self.last() {
            Some(part) if !part.alone.is_empty() => part.alone.push(number),
            _ => self.new_part().alone.push(number),
        }
    }

    fn head(&mut self, number: usize, why: Why) {
        let units = self.units;
        let most = self.most.in_head;
        let footprint = &units[number].footprint;
        let first = self.first_of_pool();
        let is_free = first.is_some_and(|first| {
            let sections = self.parts[first..].iter().flat_map(|part| &part.sections);
            let mut others = sections.flat_map(|section| &section.units);
            !others.any(|other| footprint.depends(&units[*other].footprint))
        });
        if let Some(part) = first.filter(|_| is_free).and_then(|first| self.parts.get_mut(first)) {
            let altered: usize = part.head.iter().map(|(number, _)| units[*number].alters.len()).sum();
            let is_last = part.sections.is_empty();
            if altered + units[number].alters.len() <= most && (is_last || !footprint.is_fence) {
                part.head.push((number, why));
                return;
            }
        }
        self.new_part().head.push((number, why));
    }

    /// Returns the first of the parts whose sections may run in any order: the last one with a head, or whatever is behind a border.
    fn first_of_pool(&self) -> Option<usize> {
        if self.is_closed {
            return None;
        }
        let settings = self.parts.last()?.settings.len();
        let mut first = self.parts.len() - 1;
        loop {
            let part = &self.parts[first];
            if !part.alone.is_empty() {
                return None;
            }
            let before = first.checked_sub(1).map(|before| &self.parts[before]);
            let goes_on = before.is_some_and(|before| before.alone.is_empty() && before.settings.len() == settings);
            if !part.head.is_empty() || !goes_on {
                return Some(first);
            }
            first -= 1;
        }
    }

    /// The sections that the pool has so far, the last one first.
    fn pool(&self) -> Vec<Spot> {
        let Some(first) = self.first_of_pool() else {
            return Vec::new();
        };
        let spots = (first..self.parts.len()).flat_map(|part| {
            let sections = 0..self.parts[part].sections.len();
            sections.map(move |section| Spot { part, section })
        });
        let mut spots: Vec<Spot> = spots.collect();
        spots.reverse();
        spots
    }

    fn at(&self, spot: Spot) -> &Sections {
        &self.parts[spot.part].sections[spot.section]
    }

    fn depends_on(&self, number: usize, spot: Spot) -> bool {
        let footprint = &self.units[number].footprint;
        let mut units = self.at(spot).units.iter();
        units.any(|other| footprint.depends(&self.units[*other].footprint))
    }

    fn section(&mut self, number: usize, tables: &[RelationName]) {
        for spot in self.pool() {
            if self.at(spot).tables.as_slice() == tables {
                self.parts[spot.part].sections[spot.section].units.push(number);
                return;
            }
            if self.depends_on(number, spot) {
                break;
            }
        }
        let most = self.most.in_file;
        let section = Sections {
            tables: tables.to_vec(),
            units: vec![number],
        };
        match self.last().filter(|part| part.has_room(&section.tables, most)) {
            Some(part) => part.sections.push(section),
            None => self.new_part().sections.push(section),
        }
    }

    fn beside(&mut self, number: usize, tables: &[RelationName]) {
        for spot in self.pool() {
            if tables.iter().all(|table| self.at(spot).tables.contains(table)) {
                self.parts[spot.part].sections[spot.section].units.push(number);
                return;
            }
            if self.depends_on(number, spot) {
                break;
            }
        }
        self.head(number, Why::Rows);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::script::split;
    use crate::split::unit::units;

    const MOST: Most = Most { in_file: 3, in_head: 2 };

    fn cut(script: &str) -> (Vec<Unit>, Vec<Part>) {
        let units = units(script, &split(script).unwrap(), MOST).unwrap().units;
        let parts = arrange(&units, MOST);
        (units, parts)
    }

    /// Each file in a line: the head's statements, then each section's.
    fn shown(script: &str) -> Vec<String> {
        let (_, parts) = cut(script);
        let shown = parts.iter().map(|part| {
            let head = part
                .head
                .iter()
                .map(|(number, _)| number)
                .chain(&part.alone)
                .chain(&part.tail);
            let head: Vec<String> = head.map(ToString::to_string).collect();
            let sections = part.sections.iter().map(|section| {
                let tables: Vec<String> = section.tables.iter().map(ToString::to_string).collect();
                let units: Vec<String> = section.units.iter().map(ToString::to_string).collect();
                format!("{}: {}", tables.join("+"), units.join(" "))
            });
            let all: Vec<String> = std::iter::once(head.join(" ")).chain(sections).collect();
            all.join(" | ")
        });
        shown.collect()
    }

    #[test]
    fn one_section_a_table_and_only_so_many_in_a_file() {
        let script = "alter table a enable row level security; alter table b enable row level security;
            alter table c enable row level security; alter table d enable row level security;
            create policy p on a using (true); create policy p on b using (true); create policy p on d using (true);";
        assert_eq!(shown(script), [" | a: 0 4 | b: 1 5 | c: 2", " | d: 3 6"]);
    }

    #[test]
    fn what_depends_on_another_section_stays_behind_it() {
        let script = "alter table a add b int; create policy p on c using (exists (select from a where a.b = 1));
            alter table d enable row level security; alter table d add foreign key (x) references c;";
        assert_eq!(shown(script), [" | a: 0 | c: 1 | d: 2 | d+c: 3"]);
    }

    #[test]
    fn what_has_no_section_is_a_border() {
        let script = "create function f() returns int language sql as 'select 1'; alter table a add x int; do $$ $$;
            alter table a add y int; create index concurrently on a (x); alter table b add x int;
            create table n (i int); create policy p on n using (true); alter table a add z int; comment on table n is 'x';";
        assert_eq!(shown(script), ["0 | a: 1", "2 | a: 3", "4", " | b: 5", "6 7 9 | a: 8"]);
    }

    #[test]
    fn heads_are_no_wider_than_a_file_may_be() {
        assert_eq!(shown("drop table a; drop table b; drop table c;"), ["0 1", "2"]);
    }

    #[test]
    fn a_setting_is_a_border_and_holds_for_what_comes_behind() {
        let (_, parts) = cut("alter table a add x int; set role x; alter table b add x int; reset role;");
        let settings: Vec<&[usize]> = parts.iter().map(|part| part.settings.as_slice()).collect();
        assert_eq!(settings, [&[][..], &[1]]);
        assert_eq!(parts[1].tail, [3]);
    }

    const POOL: [&str; 22] = [
        "alter table a enable row level security",
        "alter table b enable row level security",
        "alter table c enable row level security",
        "alter table d enable row level security",
        "create policy p on a using (true)",
        "create policy p on b using (exists (select from a))",
        "create policy p on c using (exists (select from b, d))",
        "alter table a add x int",
        "alter table b add x int",
        "alter table d drop x",
        "alter table a add foreign key (x) references b",
        "alter table c add foreign key (x) references d",
        "create table n (x int)",
        "create policy p on n using (exists (select from a))",
        "alter table n add foreign key (x) references c",
        "grant select on a to public",
        "comment on table d is 'x'",
        "create index i on b (x)",
        "comment on index i is 'x'",
        "update a set x = 1",
        "set role r",
        "vacuum a",
    ];

    proptest! {
        #[test]
        fn no_two_that_depend_on_each_other_change_sides(picks in proptest::collection::vec(0..POOL.len(), 1..14)) {
            let script: String = picks.iter().flat_map(|pick| [POOL[*pick], ";\n"]).collect();
            let (units, parts) = cut(&script);
            // Where each statement is: the file, the slot in it, the place in that.
            let mut places = vec![None; units.len()];
            for (file, part) in parts.iter().enumerate() {
                prop_assert!(part.tables().len() <= MOST.in_file);
                for (at, (number, _)) in part.head.iter().enumerate() {
                    places[*number] = Some((file, 0, at));
                }
                for (at, number) in part.alone.iter().enumerate() {
                    places[*number] = Some((file, 0, at));
                }
                for (slot, section) in part.sections.iter().enumerate() {
                    for (at, number) in section.units.iter().enumerate() {
                        prop_assert!(places[*number].is_none());
                        places[*number] = Some((file, slot + 1, at));
                    }
                }
            }
            for (later, unit) in units.iter().enumerate() {
                let Some(place) = places[later] else {
                    let is_setting = matches!(unit.place, Place::Setting { .. });
                    prop_assert!(is_setting);
                    continue;
                };
                let holds = units[..later].iter().filter(|unit| matches!(unit.place, Place::Setting { .. })).count();
                prop_assert_eq!(parts[place.0].settings.len(), holds);
                for (before, other) in units[..later].iter().enumerate() {
                    let Some(earlier) = places[before].filter(|_| unit.footprint.depends(&other.footprint)) else {
                        continue;
                    };
                    prop_assert!(earlier < place, "{script}\n{before} {later}\n{parts:?}");
                    if earlier.1 == 0 || (earlier.0, earlier.1) == (place.0, place.1) {
                        continue;
                    }
                    // Behind a section: a head, or the end of the pool, is between them, or one is about what the other names.
                    let borders = &parts[earlier.0 + 1..=place.0];
                    let is_apart = place.1 == 0
                        || borders.iter().any(|part| !part.head.is_empty() || !part.alone.is_empty())
                        || parts[earlier.0].settings.len() != parts[place.0].settings.len();
                    let section = |place: (usize, usize, usize)| &parts[place.0].sections[place.1 - 1];
                    let about = |place, name: &String| section(place).tables.iter().any(|table| table.name == *name);
                    let names = |place| {
                        let units = section(place).units.iter().map(|number| &units[*number].footprint);
                        units.flat_map(|it| it.shapes.iter().chain(&it.marks).chain(&it.rows).chain(&it.reads))
                    };
                    let share = || names(earlier).any(|name| about(place, name)) || names(place).any(|name| about(earlier, name));
                    prop_assert!(
                        is_apart || share() || unit.footprint.is_fence || other.footprint.is_fence,
                        "{script}\n{before} {later}\n{parts:?}"
                    );
                }
            }
        }
    }
}
