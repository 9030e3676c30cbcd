//! ConnectWise PSA on the wire.

mod conditions;

use crate::clock::Clock;
use crate::deed::Happened;
use crate::hooks::Delivery;
use crate::http::{Reply, Request};
use crate::server::Dialect;
use crate::world::{Shape, World};

/// How ConnectWise PSA talks.
#[derive(Debug, Default)]
pub struct Connectwise {}

/// A desk as ConnectWise has them: types and statuses belong to a board.
pub fn desk(clock: Clock) -> World {
    World::new(Shape { kinds_by_board: true, statuses_by_board: true }, clock, 40_000)
}

impl Dialect for Connectwise {
    fn answer(&mut self, _world: &mut World, _request: &Request) -> Reply {
        Reply::empty(404)
    }

    fn deliveries(&mut self, _world: &World, _happened: &[Happened]) -> Vec<Delivery> {
        Vec::new()
    }
}
