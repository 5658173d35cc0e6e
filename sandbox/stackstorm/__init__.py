"""The pack on a running StackStorm: what ``make test-st2`` runs."""
