"""Recursion without end."""
# outcome: raised RecursionError
# traceback: [Previous line repeated


def main():
    main()
