//! Which cells a search must look into, and which places it finds there.

use super::cell::{Area, Cell};
use super::{EARTH_RADIUS, Point, STEPS_MAX, degrees, radians};

/// Half of the map's width at the equator, in meters.
const MERCATOR_MAX: f64 = 20_037_726.37;

/// What lies around a center, in meters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Shape {
    /// A circle.
    Circle {
        /// From the center to the edge.
        radius: f64,
    },
    /// A box along meridians and parallels.
    Box {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
}

impl Shape {
    /// The distance of a place from the center, if it lies in the shape.
    pub fn distance(self, center: Point, point: Point) -> Option<f64> {
        let is_inside = match self {
            Shape::Circle { radius } => center.distance(point) <= radius,
            Shape::Box { width, height } => {
                let below_center = Point { longitude: center.longitude, latitude: point.latitude };
                point.latitude_distance(center) <= height / 2.0 && point.distance(below_center) <= width / 2.0
            }
        };
        is_inside.then(|| center.distance(point))
    }

    /// The farthest that anything in it lies from the center.
    fn reach(self) -> f64 {
        match self {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                libm::sqrt(width * width + height * height)
            }
        }
    }

    /// The edges of the shape around a center. A parallel is shorter the nearer it lies to a pole, so the wider side counts.
    fn bounds(self, center: Point) -> Area {
        let (width, height) = match self {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let Point { longitude, latitude } = center;
        let up = degrees(height / EARTH_RADIUS);
        let widest = if latitude < 0.0 { latitude - up } else { latitude + up };
        let across = degrees(width / EARTH_RADIUS / libm::cos(radians(widest)));
        Area {
            west: longitude - across,
            east: longitude + across,
            south: latitude - up,
            north: latitude + up,
        }
    }
}

/// The cells that contain all of a shape, in the order in which they are looked into.
pub fn cover(center: Point, shape: Shape) -> impl Iterator<Item = Cell> {
    let bounds = shape.bounds(center);
    let mut steps = steps_for(shape.reach(), center.latitude);
    if steps > 1 && !surrounds(Cell::of(center, steps), bounds) {
        steps -= 1;
    }
    let cell = Cell::of(center, steps);
    let area = cell.area();
    // Around a cell that the shape does not leave on one side, those on that side are of no use.
    let needed = move |east: i32, north: i32| {
        steps < 2
            || !(north < 0 && area.south < bounds.south
                || north > 0 && area.north > bounds.north
                || east < 0 && area.west < bounds.west
                || east > 0 && area.east > bounds.east)
    };
    const AROUND: [(i32, i32); 8] = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
    let around = AROUND.into_iter().filter(move |(east, north)| needed(*east, *north));
    let mut last = None;
    // On a map of few cells, neighbours on both sides are one.
    let around = around.map(move |(east, north)| cell.neighbour(east, north));
    core::iter::once(cell).chain(around.filter(move |cell| last.replace(*cell) != Some(*cell)))
}

/// How many times the map is halved so that cells are about as large as what is searched. Towards the poles, cells are narrower.
fn steps_for(reach: f64, latitude: f64) -> u8 {
    if reach == 0.0 {
        return STEPS_MAX;
    }
    let doublings = core::iter::successors(Some(reach), |reach| Some(reach * 2.0));
    // No double above zero can be doubled more often.
    let steps = doublings.take(2200).take_while(|reach| *reach < MERCATOR_MAX).count() as i32 - 1;
    let poleward = i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    (steps - poleward).clamp(1, STEPS_MAX.into()) as u8
}

/// True if the neighbours of a cell reach as far as `bounds` on all sides.
fn surrounds(cell: Cell, bounds: Area) -> bool {
    let area = |east, north| cell.neighbour(east, north).area();
    area(0, 1).north >= bounds.north
        && area(0, -1).south <= bounds.south
        && area(1, 0).east >= bounds.east
        && area(-1, 0).west <= bounds.west
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const CENTER: Point = Point { longitude: 15.0, latitude: 37.0 };

    #[test]
    fn cells_are_of_the_size_of_what_is_searched() {
        assert_eq!(steps_for(0.0, 0.0), 26);
        assert_eq!(steps_for(200_000.0, 37.0), 6);
        assert_eq!(steps_for(200_000.0, -70.0), 5);
        assert_eq!(steps_for(200_000.0, 81.0), 4);
        assert_eq!(steps_for(1e9, 0.0), 1);
        assert_eq!(steps_for(5e-324, 0.0), 26);
    }

    #[test]
    fn places_in_the_shape_lie_in_one_of_its_cells() {
        let shapes = [
            Shape::Circle { radius: 1000.0 },
            Shape::Circle { radius: 3e6 },
            Shape::Box { width: 400_000.0, height: 5_000.0 },
        ];
        for shape in shapes {
            let cells: Vec<Cell> = cover(CENTER, shape).collect();
            for (x, y) in (-50..50).flat_map(|x| (-50..50).map(move |y| (f64::from(x), f64::from(y)))) {
                let scale = shape.reach() / 6_000_000.0;
                let point =
                    Point { longitude: CENTER.longitude + x * scale, latitude: CENTER.latitude + y * scale };
                let is_covered = cells.iter().any(|cell| cell.scores().contains(&point.score()));
                assert!(is_covered || shape.distance(CENTER, point).is_none(), "{shape:?} {point:?}");
            }
        }
    }

    #[test]
    fn cells_that_are_one_are_looked_into_once() {
        let cells: Vec<Cell> = cover(CENTER, Shape::Circle { radius: 1e8 }).collect();
        assert_eq!(cells.len(), 4);
    }
}
