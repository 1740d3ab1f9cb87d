"""One target a file: `check(data)` turns bytes into something hostile and raises if the node falls for it."""
