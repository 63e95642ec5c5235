"""Vocabulary every stage shares: quantities, value types, errors, settings, town, store and registry. Imports nothing of ours."""
