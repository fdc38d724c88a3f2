"""main has to be callable."""
# outcome: refused wadup.NoMain
# message: what it calls `main` is not callable

main = 5
