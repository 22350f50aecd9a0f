"""Figures about a generator, by models that took no part in its training."""
