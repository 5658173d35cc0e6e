"""``python -m reviewloop.cli``."""

from __future__ import annotations

import sys

from reviewloop.cli.main import main

sys.exit(main())
