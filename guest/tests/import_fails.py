"""An exception at import is a build error."""
# outcome: refused ModuleNotFoundError
# message: No module named 'nowhere'
# traceback: import nowhere

import nowhere


def main():
    pass
