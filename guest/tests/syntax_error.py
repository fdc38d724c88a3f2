"""A syntax error shows its line."""
# outcome: refused SyntaxError
# traceback: File "/app/syntax_error.py", line 6

def main(:
    pass
