//! Fake providers over real HTTP: deterministic, seeded, and able to fail on request. For test mode, demo and benchmarks only.
