"""Simulations that take minutes: `make sim-long` runs them, `make test` does not."""
