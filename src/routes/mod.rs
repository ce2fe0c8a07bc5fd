//! Tidegate's own paths, by who calls them.

pub mod operator;
pub mod origin;
pub mod room;
pub mod shoppers;
