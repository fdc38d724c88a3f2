"""A package that has data files."""
