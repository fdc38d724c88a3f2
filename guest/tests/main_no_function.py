"""main has to be callable."""
# outcome: refused AttributeError
# message: `main` is not callable

main = 5
