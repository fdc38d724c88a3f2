"""Classes, calls, generators, exceptions and coroutines."""

import abc
import contextlib
import dataclasses
import enum
import functools
import typing
import weakref

from ._times import times


class Shape(abc.ABC):
    count = 0

    def __init__(self, name: str) -> None:
        self.name = name
        Shape.count += 1

    @abc.abstractmethod
    def area(self) -> float: ...

    def __lt__(self, other: "Shape") -> bool:
        return self.area() < other.area()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class Square(Shape):
    def __init__(self, side: float) -> None:
        super().__init__("square")
        self._side = side

    @property
    def side(self) -> float:
        return self._side

    @side.setter
    def side(self, value: float) -> None:
        self._side = value

    def area(self) -> float:
        return self.side**2


class Circle(Shape):
    __slots__ = ("radius",)

    def __init__(self, radius: float) -> None:
        super().__init__("circle")
        self.radius = radius

    def area(self) -> float:
        return 3.14159 * self.radius * self.radius

    @classmethod
    def unit(cls) -> "Circle":
        return cls(1.0)

    @staticmethod
    def check(value: object) -> bool:
        return isinstance(value, (Circle, Square))


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.x + other.x, self.y + other.y)

    def __mul__(self, factor: float) -> "Vector":
        return Vector(self.x * factor, self.y * factor)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and self.x == other.x and self.y == other.y

    def __hash__(self) -> int:
        return hash((self.x, self.y))

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> float:
        return (self.x, self.y)[index]

    def __iter__(self):
        yield self.x
        yield self.y

    def __contains__(self, value: float) -> bool:
        return value in (self.x, self.y)

    def __bool__(self) -> bool:
        return True

    def __call__(self, value: float) -> float:
        return value * self.x


class Lazy:
    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return name


@dataclasses.dataclass(order=True)
class Task:
    priority: int
    name: str = dataclasses.field(compare=False)
    done: bool = False


class Level(enum.IntFlag):
    READ = 1
    WRITE = 2


@times(2)
def work_shapes() -> None:
    for _ in range(20):
        shapes: list[Shape] = [Square(i) if i % 2 else Circle(i / 2) for i in range(120)]
        sum(shape.area() for shape in shapes)
        shapes[1].side = 5
        sorted(shapes)[:3], max(shapes)
        [repr(shape) for shape in shapes if Circle.check(shape)]
        Circle.unit()


@times(2)
def work_operators() -> None:
    total = Vector(0, 0)
    for i in range(5000):
        total = total + Vector(i, 1.5) * 2
        len(total), total[0], list(total), 5 in total, bool(total), total(3), total == Vector(1, 2)
    {Vector(i % 10, 0): i for i in range(500)}


@times(2)
def work_attributes() -> None:
    lazy = Lazy()
    for i in range(4000):
        lazy.anything, hasattr(lazy, "_private"), getattr(lazy, "_x", None)
        setattr(lazy, f"a{i % 10}", i)
        vars(lazy)


@times(4)
def work_records() -> None:
    tasks = [Task(i * 7 % 13, f"t{i}") for i in range(400)]
    for _ in range(8):
        sorted(tasks)
        [dataclasses.replace(task, done=True) for task in tasks[:100]]
    [dataclasses.asdict(task) for task in tasks]
    [Level.READ | Level.WRITE, Level(1), Level["READ"]] * 10


def _arguments(first, /, second, *rest, key=None, **others):
    return first, second, rest, key, others


@times(3)
def work_calls() -> None:
    bound = functools.partial(_arguments, 1, key=2)
    values, named = (3, 4, 5), {"key": 1, "more": 2}
    for i in range(5000):
        _arguments(i, 2)
        _arguments(i, second=3, key=4)
        _arguments(*values, **named)
        bound(5)
        (lambda x, y=2: x + y)(i)
        len(values), abs(-i), isinstance(i, int), str(i), int("7"), max(i, 3), ord("a"), print


@times(10)
def work_closures() -> None:
    def counter():
        count = 0

        def step(by=1):
            nonlocal count
            count += by
            return count

        return step

    def traced(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    step = traced(counter())
    for _ in range(8000):
        step()


@times(50)
def work_recursion() -> None:
    def hanoi(count, source, target, spare):
        if count == 0:
            return 0
        return hanoi(count - 1, source, spare, target) + 1 + hanoi(count - 1, spare, target, source)

    def ackermann(m, n):
        if m == 0:
            return n + 1
        if n == 0:
            return ackermann(m - 1, 1)
        return ackermann(m - 1, ackermann(m, n - 1))

    hanoi(13, "a", "b", "c")
    ackermann(2, 40)


@times(20)
def work_generators() -> None:
    def numbers(limit):
        for i in range(limit):
            sent = yield i
            if sent:
                return

    def flatten(tree):
        for item in tree:
            if isinstance(item, list):
                yield from flatten(item)
            else:
                yield item

    tree = [1, [2, [3, 4, [5, 6]], 7], [8, [9]]] * 10
    for _ in range(30):
        sum(numbers(300))
        list(flatten(tree))
        generator = numbers(5)
        next(generator)
        with contextlib.suppress(StopIteration):
            generator.send(True)


class Custom(ValueError):
    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


@times(2)
def work_exceptions() -> None:
    @contextlib.contextmanager
    def guard():
        try:
            yield 1
        except KeyError:
            pass
        finally:
            len("")

    for i in range(2500):
        try:
            try:
                raise Custom(i)
            except Custom as error:
                raise RuntimeError("outer") from error
        except RuntimeError as error:
            str(error.__cause__)
        with guard():
            {}["missing"]
        try:
            int("x")
        except (TypeError, ValueError):
            pass
        else:
            raise AssertionError


@times(10)
def work_coroutines() -> None:
    class Pause:
        def __await__(self):
            yield

    async def leaf(value):
        await Pause()
        return value * 2

    async def tree(depth):
        if depth == 0:
            return await leaf(1)
        return await tree(depth - 1) + await tree(depth - 1)

    async def stream():
        for i in range(200):
            yield i

    async def run():
        return await tree(6), [i async for i in stream()]

    for _ in range(10):
        # Without an event loop: a sandbox has wadup's own one, for `main()`.
        coroutine = run()
        with contextlib.suppress(StopIteration):
            while True:
                coroutine.send(None)


@times(2)
def work_making_classes() -> None:
    for i in range(150):
        made = type(f"Made{i}", (Lazy,), {"x": i, "get": lambda self: self.x})
        made().get()

        class Inner(typing.NamedTuple):
            a: int
            b: str = ""

        @dataclasses.dataclass
        class Data:
            a: int
            b: typing.Optional[str] = None

        Inner(1), Data(2) if i % 10 == 0 else None
        if i > 25:
            break
    for _ in range(300):
        weakref.ref(Lazy()), typing.Optional[int], typing.get_type_hints(Square.area)


@times(8)
def work_matching() -> None:
    commands = [("go", 1), {"kind": "stop", "n": 2}, [1, 2, 3], Task(1, "a"), "word", None, 7]
    for _ in range(1200):
        for command in commands:
            match command:
                case ("go", int(speed)):
                    speed
                case {"kind": "stop", **rest}:
                    rest
                case [first, *others]:
                    first, others
                case Task(priority=1, name=name):
                    name
                case str() | None:
                    pass
                case _ if command:
                    pass
