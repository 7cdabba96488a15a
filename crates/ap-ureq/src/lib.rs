//! Blocking transport for the ActiveProspect APIs, over ureq.
