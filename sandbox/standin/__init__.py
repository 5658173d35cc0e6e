"""A small stand-in for StackStorm: one pack, one process, nothing installed.

It runs a pack's real metadata, sensor, rules, Orquesta workflows and action classes for tests and
the demo. It is not a product: StackStorm is where the pack runs. Start at :class:`standin.StandIn`.
"""
