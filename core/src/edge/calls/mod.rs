//! What is answered, call by call.

pub(super) mod audit;
pub(super) mod claim;
pub(super) mod enter;
pub(super) mod leave;
pub(super) mod live;
pub(super) mod operator;
pub(super) mod origin;
pub(super) mod room;
pub(super) mod status;
