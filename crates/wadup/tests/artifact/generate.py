"""Prints a Python module that is nested about as deeply as CPython for WASI allows, in every way.

Each of its functions is called with a number by `answers`.
"""

# CPython allows 20 blocks in each other. A `try` is one for `finally` and one for `except`, whose
# handlers are one more.
BLOCKS = 18
COSTS = {"for": 1, "while": 1, "with": 1, "try": 2, "if": 0}


def indented(depth, text):
    return "    " * depth + text + "\n"


def blocks(name, kinds):
    """Statements in each other: loops, `with`, `try` with all of its parts."""
    lines = f"def {name}(n):\n    total = 0\n"
    ends = []
    depth = 0
    blocks = 0
    while blocks + COSTS[kinds[depth % len(kinds)]] <= BLOCKS:
        kind = kinds[depth % len(kinds)]
        blocks += COSTS[kind]
        depth += 1
        head, tail = {
            "for": (f"for i{depth} in range(n % 2 + 1):", f"total += i{depth}"),
            "while": (f"while total % {depth + 7} != 0:", f"total += {depth}"),
            "with": (f"with Manager({depth}) as m{depth}:", f"total += m{depth}.value"),
            "try": ("try:", "total += 1"),
            "if": (f"if total >= -{depth}:", f"total += {depth}"),
        }[kind]
        lines += indented(depth, head)
        ends.append((depth, kind, tail))
    lines += indented(depth + 1, "total += 10 // (n % 3)")
    for depth, kind, tail in reversed(ends):
        lines += indented(depth + 1, tail)
        if kind == "while":
            lines += indented(depth + 1, "break")
        if kind == "try":
            lines += indented(depth, f"except (ValueError, KeyError) as e{depth}:")
            lines += indented(depth + 1, f"raise RuntimeError({depth}) from e{depth}")
            lines += indented(depth, "except ZeroDivisionError:")
            lines += indented(depth + 1, f"total += {depth}")
            lines += indented(depth, "else:")
            lines += indented(depth + 1, "total += 2")
            lines += indented(depth, "finally:")
            lines += indented(depth + 1, "total += 3")
    return lines + indented(1, "return total") + "\n"


def functions(name, depth):
    """Functions in each other, each with a variable of all that are around it."""
    lines = f"def {name}(n):\n"
    for level in range(1, depth):
        lines += indented(level, f"v{level} = n + {level}")
        lines += indented(level, f"def f{level}(a{level}=v{level}):")
    lines += indented(depth, "return " + " + ".join(f"v{level}" for level in range(1, depth)))
    for level in range(depth - 1, 0, -1):
        lines += indented(level, f"return f{level}() + v{level}")
    return lines + "\n"


def expression(name, head, middle, tail, depth):
    return f"def {name}(n):\n    return {head * depth}{middle}{tail * depth}\n\n"


def f_strings(name, depth):
    text = "n"
    for level in range(depth):
        text = f"f'{level} {{{text}:>{{n % 7 + {level}}}}}'"
    return f"def {name}(n):\n    return {text}\n\n"


def long_function(name, statements):
    lines = f"def {name}(n):\n    x = n\n"
    for number in range(statements):
        lines += f"    if x % {number + 2} == 0: x = x // {number + 2} + {number}\n"
        lines += f"    elif not (x > {number} and x < {number * 3} or x == {number * 7}): x += {number}\n"
    return lines + "    return x\n\n"


def matches(name, depth):
    pattern = "last"
    for level in range(depth):
        pattern = f"{{'k': [{level}, {pattern}, *rest{level}]}}"
    value = "n"
    for level in range(depth):
        value = f"{{'k': [{level}, {value}, 'rest']}}"
    return (f"def {name}(n):\n    match {value}:\n        case {pattern} if last == n:\n"
            f"            return last\n    return None\n\n")


def module():
    kinds = [
        ("try", "with", "for"), ("try",), ("with",), ("for", "try"), ("while", "try", "with"),
        ("with", "try", "if"), ("for", "with", "while", "try", "if"),
    ]
    return "".join([
        "class Manager:\n"
        "    def __init__(self, value): self.value = value\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, kind, error, traceback): return self.value % 5 == 0\n\n",
        *(blocks(f"blocks_{number}", each) for number, each in enumerate(kinds)),
        functions("functions_", 19),
        expression("parentheses", "(", "n", ")", 130),
        expression("lists", "[", "n", ", 1]", 90),
        expression("tuples", "(", "n", ", 'é')", 90),
        expression("dicts", "{'key': ", "n", ", 'other': None}", 90),
        expression("comprehensions", "[", "n", " for x in range(2)]", 10),
        expression("calls", "abs(", "n", ")", 90),
        expression("lambdas", "(lambda m=n: ", "n", ")()", 60),
        expression("signs", "-", "n", "", 300),
        expression("conditions", "n if n > 5 else (", "n", ")", 90),
        expression("sums", "n + ", "1", "", 1500),
        expression("chains", "n < ", "100", "", 900),
        f_strings("f_strings", 12),
        long_function("long_function", 1500),
        matches("matches", 30),
        "def answers():\n"
        "    for name, function in sorted(globals().copy().items()):\n"
        "        if name in ('Manager', 'answers') or name.startswith('__'): continue\n"
        "        for n in (0, 1, 5, 7):\n"
        "            try: answer = repr(function(n))\n"
        "            except Exception as error: answer = repr(error)\n"
        "            yield f'{name}({n}) = {answer}'\n",
    ])


if __name__ == "__main__":
    print(module(), end="")
