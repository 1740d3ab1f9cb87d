"""Finding who can do something: what agents offer, indexed, matched, ranked and watched.

Start with `query.py` (what can be asked) and `finder.py` (how it is answered). `offers.py` is the index
that the registry keeps, `registration.py` judges what an agent says of itself, `watches.py` tells of
changes. The rest is pure: `semver.py`, `schemas.py`, `subschema.py`, `facets.py`, `ranking.py`.

It does not own the entries, which are the registry's, nor the way in which agents ask, which is `df`'s.
"""
