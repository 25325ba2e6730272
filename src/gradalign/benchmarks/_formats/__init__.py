"""Readers of the formats that benchmarks are published in: one format a module, nothing executed.

A reader takes a file to a table, or to one InputError that names the file and the mend.
"""
