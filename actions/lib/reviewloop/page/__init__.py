"""Reports as one HTML file that needs no script and no network: charts, tables and their page."""

MARK = "<!doctype html><!-- reviewloop report -->"
"""How a report's file begins."""
