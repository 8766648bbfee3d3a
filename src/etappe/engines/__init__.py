"""Engines: the same kernels over parts of the customers, on one machine or on many."""
