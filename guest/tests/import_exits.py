"""sys.exit() at import: there is no main() to call."""
# outcome: refused SystemExit
# message: 0

import sys

sys.exit(0)
