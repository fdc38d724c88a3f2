"""The entry module needs a main()."""
# outcome: refused wadup.NoMain
# message: the entry module `no_main` needs a function `main()`, and it has none
