"""A syntax error shows its line."""
# outcome: refused SyntaxError
# traceback: File "/app/syntax_error.py", line 5

def main(:
    pass
