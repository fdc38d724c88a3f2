# Never comes back, whatever is raised in it.
# options: --timeout 500ms
# outcome: limit-exceeded time

def main():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
