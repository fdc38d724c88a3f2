"""Compiles the module `nested` anew, and describes it: what the compiler made of it, instruction
by instruction, and what its functions answer. Runs in the sandbox and in native CPython."""

import hashlib
import inspect
import types

import nested


def parts(code):
    """Everything in a code object that the compiler decides, without what the platform does."""
    yield repr((
        code.co_qualname, code.co_argcount, code.co_nlocals, code.co_stacksize, code.co_flags,
        code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_exceptiontable, list(code.co_lines()),
    ))
    yield code.co_code.hex()
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from parts(constant)
        else:
            yield repr(constant)


def digests(code):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            digest = hashlib.sha256("\n".join(parts(constant)).encode()).hexdigest()
            yield f"{constant.co_name} {digest}"


def main():
    source = inspect.getsource(nested)
    print(len(source), hashlib.sha256(source.encode()).hexdigest())
    code = compile(source, "nested.py", "exec")
    for line in digests(code):
        print(f"compiled {line}")
    # What the build has compiled is the same, and so is what comes of it.
    namespace = {"__name__": "again"}
    exec(code, namespace)
    built = list(nested.answers())
    assert built == list(namespace["answers"]())
    for function in vars(nested).values():
        if isinstance(function, types.FunctionType):
            digest = hashlib.sha256("\n".join(parts(function.__code__)).encode()).hexdigest()
            print(f"built {function.__name__} {digest}")
    for answer in built:
        print(answer[:100], len(answer), hashlib.sha256(answer.encode()).hexdigest())


if __name__ == "__main__":
    main()
