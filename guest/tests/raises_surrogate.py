"""What UTF-8 cannot hold is escaped."""
# outcome: raised KeyError
# message: '\udc80'


def main():
    raise KeyError("\udc80")
