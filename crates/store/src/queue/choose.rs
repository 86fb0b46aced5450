//! Which of the waiting runs go next: the tenant with the fewest runs going, and among those the one that had to wait
//! longest for its turn. A pure function, so that both databases choose alike.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

/// A run that waits, and how much room there is for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) run: String,
    pub(super) tenant: Share,
    pub(super) source: Share,
    pub(super) destination: Share,
    /// Among tenants with equally many runs going, the lowest turn goes first.
    pub(super) turn: i64,
    /// Among those that never had a turn, the one whose run has waited longest.
    pub(super) due_at: i64,
}

/// Something that only so many runs may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) id: String,
    pub(super) running: u64,
    pub(super) running_max: u64,
}

/// The positions in `candidates` of up to `capacity` runs, in the order in which they are to start. Candidates of one
/// tenant come in the order in which they should go.
pub(super) fn choose(candidates: &[Candidate], capacity: usize) -> Vec<usize> {
    let mut waiting: HashMap<&str, VecDeque<usize>> = HashMap::new();
    for (position, candidate) in candidates.iter().enumerate() {
        waiting.entry(&candidate.tenant.id).or_default().push_back(position);
    }
    let mut room = Room::default();
    // The last word of the key makes ties, which only turns that were never taken have, come out alike everywhere.
    let mut tenants: BinaryHeap<Reverse<(u64, i64, i64, &str)>> = waiting
        .values()
        .filter_map(|positions| positions.front())
        .map(|first| &candidates[*first])
        .map(|first| Reverse((first.tenant.running, first.turn, first.due_at, first.tenant.id.as_str())))
        .collect();
    let mut chosen = Vec::new();
    let mut turn = candidates.iter().map(|candidate| candidate.turn).max().unwrap_or_default();
    while chosen.len() < capacity {
        let Some(Reverse((running, .., tenant))) = tenants.pop() else { break };
        let positions = waiting.get_mut(tenant).expect("every tenant of the heap has its queue");
        // What has no room now has none for the rest of this choice: nothing ends meanwhile.
        let next = std::iter::from_fn(|| positions.pop_front()).find(|next| room.take(&candidates[*next]));
        if let Some(next) = next {
            chosen.push(next);
            turn += 1;
            tenants.push(Reverse((running + 1, turn, candidates[next].due_at, tenant)));
        }
    }
    chosen
}

/// How many runs were added to what is used already.
#[derive(Default)]
struct Room<'a> {
    added: HashMap<&'a str, u64>,
}

impl<'a> Room<'a> {
    /// Takes a place in all that `candidate` uses, or none.
    fn take(&mut self, candidate: &'a Candidate) -> bool {
        let mut shares = vec![&candidate.tenant, &candidate.source];
        if candidate.destination.id != candidate.source.id {
            shares.push(&candidate.destination);
        }
        let added = |share: &Share| self.added.get(share.id.as_str()).copied().unwrap_or_default();
        if !shares.iter().all(|share| share.running + added(share) < share.running_max) {
            return false;
        }
        for share in shares {
            *self.added.entry(&share.id).or_default() += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(id: &str, running: u64, running_max: u64) -> Share {
        Share { id: id.to_owned(), running, running_max }
    }

    /// A run of `tenant`, which has so many going, over a connection of its own with room for two.
    fn run(name: &str, tenant: &str, running: u64, turn: i64) -> Candidate {
        Candidate {
            run: name.to_owned(),
            tenant: share(tenant, running, 3),
            source: share(&format!("{tenant}-snowflake"), 0, 2),
            destination: share(&format!("{tenant}-duckdb"), 0, 9),
            turn,
            due_at: 0,
        }
    }

    fn chosen(candidates: &[Candidate], capacity: usize) -> Vec<&str> {
        choose(candidates, capacity).into_iter().map(|position| candidates[position].run.as_str()).collect()
    }

    #[test]
    fn tenants_take_turns_however_much_one_of_them_asks_for() {
        let candidates =
            [run("a1", "a", 0, 0), run("a2", "a", 0, 0), run("b1", "b", 0, 5), run("c1", "c", 0, 3)];
        assert_eq!(chosen(&candidates, 1), ["a1"]);
        assert_eq!(chosen(&candidates, 9), ["a1", "c1", "b1", "a2"]);
    }

    #[test]
    fn of_tenants_that_never_had_a_turn_the_one_that_waited_longest_goes_first() {
        let due = |name: &str, tenant: &str, due_at| Candidate { due_at, ..run(name, tenant, 0, 0) };
        let candidates = [due("a1", "a", 30), due("b1", "b", 10), due("c1", "c", 20)];
        assert_eq!(chosen(&candidates, 2), ["b1", "c1"]);
    }

    #[test]
    fn a_tenant_with_runs_going_comes_after_one_with_none() {
        let candidates = [run("a1", "a", 1, 0), run("b1", "b", 0, 9)];
        assert_eq!(chosen(&candidates, 9), ["b1", "a1"]);
    }

    #[test]
    fn limits_of_tenants_and_connections_hold() {
        let candidates = [run("1", "a", 0, 0), run("2", "a", 0, 0), run("3", "a", 0, 0)];
        assert_eq!(chosen(&candidates, 9), ["1", "2"], "the connection has room for two");
        let candidates = [run("1", "a", 2, 0), run("2", "a", 2, 0)];
        assert_eq!(chosen(&candidates, 9), ["1"], "the tenant has room for one more");
        assert!(chosen(&[run("1", "a", 3, 0)], 9).is_empty());
    }

    #[test]
    fn a_run_whose_connection_is_full_holds_up_no_other_one_of_its_tenant() {
        let mut blocked = run("1", "a", 0, 0);
        blocked.source = share("broken", 0, 0);
        assert_eq!(chosen(&[blocked, run("2", "a", 0, 0)], 9), ["2"]);
    }
}
