"""Fuzzing of everything that reads guest memory or module bytes: `make fuzz`, and in small in `make test`."""
