"""The entry module needs a main()."""
# outcome: refused AttributeError
# message: the entry module `no_main` needs a function `main()`, but there is no `main` in it
