"""What several suites share: real processes, real certificates, clocks turned by hand."""
