"""An exception has its traceback with source lines."""
# outcome: raised ValueError
# message: not a number: 'x'
# traceback: File "/app/raises.py", line 18, in main
# traceback: check("x")
# traceback: During handling of the above exception, another exception occurred
# stderr: ValueError: not a number: 'x'


def check(text):
    try:
        int(text)
    except ValueError:
        raise ValueError(f"not a number: {text!r}")


def main():
    check("x")
