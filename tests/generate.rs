//! The demonstration's generator: every command it makes is accepted, and twice the same.
