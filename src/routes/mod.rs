//! Tidegate's own paths, by who calls them.

pub mod audit;
pub mod claiming;
pub mod cross_origin;
pub mod live;
pub mod operator;
pub mod origin;
pub mod room;
pub mod shoppers;
