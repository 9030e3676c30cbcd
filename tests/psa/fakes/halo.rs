//! Halo on the wire.

use crate::clock::Clock;
use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::server::Dialect;
use crate::world::{Shape, World};

/// How Halo talks.
#[derive(Debug, Default)]
pub struct Halo {}

/// A desk as Halo has them: types and statuses belong to the desk.
pub fn desk(clock: Clock) -> World {
    World::new(Shape { kinds_by_board: false, statuses_by_board: false }, clock, 20000)
}

impl Dialect for Halo {
    fn answer(&mut self, _world: &mut World, _request: &Request) -> Reply {
        Reply::empty(404)
    }

    fn deliveries(&mut self, _world: &World, _happened: &[Happened]) -> Vec<Delivery> {
        Vec::new()
    }
}
