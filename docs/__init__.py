"""The documentation: hand-written pages, and `reference/`, which `docs.reference.generate` writes."""
