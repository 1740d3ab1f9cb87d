"""The sections of the configuration, by what they are about; `schema.py` puts them together."""
