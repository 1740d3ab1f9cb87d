"""One exporter per file; each shows the board to one kind of reader."""
