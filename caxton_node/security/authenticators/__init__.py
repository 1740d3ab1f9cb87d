"""One kind of credential per file, behind one Protocol (`authenticator.py`).

They own what makes a credential good. Which one is asked, what is remembered of its answer and who is slowed
down is decided by `security/identity.py`, the same for all.
"""
