"""Tests of Caxton node: see docs/testing.md for the suites."""
