//! A faithful double of the ActiveProspect APIs on loopback, for tests and for trying things out.
