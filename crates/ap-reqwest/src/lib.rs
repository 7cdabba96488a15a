//! Async transport for the ActiveProspect APIs, over reqwest.
