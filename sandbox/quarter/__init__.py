"""A simulated quarter: the real sensor, rules, workflows and actions among people and faults.

Run it as a program, ``python -m sandbox.quarter``: it replaces the clock, the waiting and the
network of its whole process before anything of the pack is imported. See ``docs/reliability.md``.
"""
