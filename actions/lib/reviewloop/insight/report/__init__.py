"""How reviews stand and go, in numbers: sections of a report, from past histories.

:func:`reviewloop.insight.report.whole.report` makes all of it in one pass.
"""
