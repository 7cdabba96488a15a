//! Sans-IO core for the ActiveProspect APIs: keys, origins, request signing, the meaning of a 401, and the exchange.
