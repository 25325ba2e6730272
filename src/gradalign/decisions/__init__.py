"""Decisions of functions of an Optuna trial: what they may be, and what they are.

Nothing is imported here: Optuna takes its time, and few commands need it.
"""
