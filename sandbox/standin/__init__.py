"""A small stand-in for StackStorm: one pack, one process, nothing installed.

A test tool: StackStorm is where the pack runs. Start at :class:`sandbox.standin.standin.StandIn`.
"""

from . import compat

compat.repair()  # before any module here imports orquesta or jsonschema
