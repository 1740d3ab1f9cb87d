"""Reference pages, written by `generate.py` from the tables of the product; never edited by hand."""
