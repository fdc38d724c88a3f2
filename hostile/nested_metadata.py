# Hands over JSON that is nested deeply.
# outcome: rejected

def main():
    with open("/metadata/0.json", "w") as file:
        file.write('{"tables":' + "[" * 500_000)
