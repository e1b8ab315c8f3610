//! What goes wrong in a run, and how often. Each seed has its own mix: a fault that never rests hides
//! those that need a long calm.

use crate::random::Random;

/// The mix of one seed.
pub struct Weather {
    /// A call or a commit goes wrong once in so many; 0 is calm.
    pub rarity: usize,
    /// Answers to the filter are cut, mixed up, replaced.
    pub mangles: bool,
    /// Collectors, gateways and databases die.
    pub kills: bool,
    /// The database goes back to a backup.
    pub restores: bool,
    /// Clients, providers and Envoy itself end exchanges.
    pub quits: bool,
    /// The clock goes on by minutes and hours.
    pub jumps: bool,
    /// Gateways begin with an outbox that an outage has all but filled.
    pub crowds: bool,
    /// What usually goes by at once, in milliseconds.
    pub pace_ms: usize,
}

// === impl Weather ===

impl Weather {
    pub fn draw(random: &mut Random) -> Weather {
        Weather {
            rarity: *random.pick(&[4, 10, 30, 100]),
            mangles: random.one_in(2),
            kills: random.one_in(2),
            restores: random.one_in(8),
            quits: random.one_in(2),
            jumps: random.one_in(3),
            crowds: random.one_in(1_000),
            pace_ms: *random.pick(&[10, 100, 600, 3_000]),
        }
    }

    pub fn calm() -> Weather {
        Weather {
            rarity: 0,
            mangles: false,
            kills: false,
            restores: false,
            quits: false,
            jumps: false,
            crowds: false,
            pace_ms: 10,
        }
    }
}
