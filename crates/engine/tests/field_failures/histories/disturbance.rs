//! What a run meets: faults on the wire and at the seams, writers while it reads, and its death.

use connectors::faulty::Fault;
use emulator::{Action, FaultRule, Route};

use super::random::Random;

#[derive(Clone, Debug, Default)]
pub(super) struct Disturbance {
    pub(super) on_the_wire: Vec<FaultRule>,
    pub(super) at_the_source: Vec<Fault>,
    pub(super) at_the_destination: Vec<Fault>,
    /// The destination's call at which the process dies, and whether that call did its work.
    pub(super) dies_at: Option<(i64, bool)>,
    pub(super) attempts_max: u32,
    pub(super) has_writers: bool,
}

impl Disturbance {
    pub(super) fn random(random: &mut Random) -> Self {
        let mut disturbance = Self { attempts_max: *random.pick(&[1, 1, 3, 6]), ..Self::default() };
        disturbance.has_writers = random.chance(70);
        if random.chance(50) {
            disturbance.on_the_wire = (0..=random.below(2)).map(|_| rule(random)).collect();
        }
        if random.chance(30) {
            disturbance.at_the_source = (0..random.below(12)).map(|_| fault(random)).collect();
        }
        if random.chance(30) {
            disturbance.at_the_destination = (0..random.below(12)).map(|_| fault(random)).collect();
        }
        if random.chance(25) {
            let call = i64::try_from(random.below(12)).unwrap();
            disturbance.dies_at = Some((call, random.chance(50)));
        }
        disturbance
    }
}

fn fault(random: &mut Random) -> Fault {
    *random.pick(&[Fault::Pass, Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject, Fault::FailAfterWrite])
}

/// A fault of some request of a read, a few times.
fn rule(random: &mut Random) -> FaultRule {
    let unwell = Action::Status { status: 503, retry_after_s: None };
    let refused = Action::Status { status: 403, retry_after_s: None };
    let (route, action) = match random.below(17) {
        0 => (Route::Login, Action::DropAfter),
        1 => (Route::Login, unwell),
        2 => (Route::Query, Action::DropBefore),
        3 => (Route::Query, Action::DropAfter),
        4 => (Route::Query, unwell),
        5 => (Route::Query, Action::StillRunning),
        6 => (Route::Query, Action::ExpireSession),
        7 => (Route::Query, Action::EndSession),
        8 => (Route::Query, Action::KeepInlineRows { rows: 0 }),
        9 => (Route::Result, Action::ExpireMaster),
        10 => (Route::Result, Action::DropAfter),
        11 => (Route::Chunk, refused),
        12 => (Route::Chunk, Action::CutBody { bytes: 20 }),
        13 => (Route::Chunk, Action::Truncate { bytes: 30 }),
        14 => (Route::Chunk, Action::KeepRows { rows: 1 }),
        15 => (Route::Chunk, Action::ExpireChunkLinks),
        _ => (Route::Chunk, Action::DropBefore),
    };
    let rule = FaultRule::on(route, action);
    rule.skip(u32::try_from(random.below(6)).unwrap()).times(1 + u32::try_from(random.below(5)).unwrap())
}
