"""Lists, dicts, sets, iterators and what the standard library adds to them."""

import bisect
import collections
import functools
import heapq
import itertools
import operator
import random

from ._times import times


@times(3)
def work_lists() -> None:
    for _ in range(40):
        numbers = [i * 7919 % 1009 for i in range(600)]
        numbers.sort()
        numbers.reverse()
        [x for x in numbers if x % 3]
        sorted(numbers, key=lambda x: -x)
        numbers[10:200:3], numbers.index(5), sum(numbers), max(numbers), min(numbers)
        copied = numbers[:]
        while copied:
            copied.pop()
        for i in range(100):
            copied.insert(0, i)
        any(x > 10**6 for x in numbers), all(numbers)


@times(5)
def work_dicts() -> None:
    for _ in range(40):
        data = {f"key{i}": i for i in range(300)}
        for key, value in data.items():
            data[key] = value + 1
        {value: key for key, value in data.items()}
        data.get("none"), data.pop("key5"), data.setdefault("new", []), "key7" in data
        {**data, "more": 1} | {"b": 2}
        merged = dict(data)
        merged.update(a=1, b=2)
        for key in list(merged):
            del merged[key]
        list(data), list(data.values())


@times(3)
def work_groups() -> None:
    records = [(i % 17, f"n{i % 5}", i) for i in range(1500)]
    for _ in range(8):
        groups = collections.defaultdict(list)
        for group, name, value in records:
            groups[group, name].append(value)
        {key: sum(values) / len(values) for key, values in groups.items()}
        collections.Counter(name for _, name, _ in records).most_common(3)
        for _, members in itertools.groupby(sorted(records, key=operator.itemgetter(1)), operator.itemgetter(1)):
            sum(1 for _ in members)


@times(9)
def work_sets() -> None:
    for i in range(150):
        one = set(range(0, 200, 2)) | {i}
        two = frozenset(range(0, 200, 3))
        one & two, one - two, one ^ two, one <= two, 7 in one
        one.add(i), one.discard(4), {x // 2 for x in two}


@times(5)
def work_iterators() -> None:
    for _ in range(60):
        list(zip(range(200), itertools.count(), "abc" * 70))
        list(map(operator.add, range(200), range(200)))
        list(filter(None, range(200)))
        list(itertools.chain.from_iterable([[1, 2], (3, 4)] * 50))
        list(itertools.islice(itertools.cycle("abc"), 200))
        list(itertools.accumulate(range(200)))
        functools.reduce(operator.mul, range(1, 30))
        list(enumerate(reversed(range(200))))
        list(itertools.product(range(10), repeat=2)), list(itertools.combinations(range(9), 3))


@times(6)
def work_queues() -> None:
    for _ in range(8):
        heap: list[tuple[int, int]] = []
        for i in range(500):
            heapq.heappush(heap, (i * 31 % 257, i))
        while heap:
            heapq.heappop(heap)
        queue = collections.deque(maxlen=50)
        for i in range(500):
            queue.append(i)
            queue.rotate(1)
        ordered: list[int] = []
        for i in range(300):
            bisect.insort(ordered, i * 17 % 101)


@times(10)
def work_graph() -> None:
    edges = {n: [(n * 3 + 1) % 400, (n * 5 + 2) % 400, (n + 1) % 400] for n in range(400)}
    for start in range(12):
        seen = {start}
        queue = collections.deque([(start, 0)])
        while queue:
            node, depth = queue.popleft()
            for neighbour in edges[node]:
                if neighbour not in seen:
                    seen.add(neighbour)
                    queue.append((neighbour, depth + 1))


@times(100)
def work_memo() -> None:
    @functools.cache
    def ways(amount: int, coins: tuple[int, ...]) -> int:
        if amount == 0:
            return 1
        if amount < 0 or not coins:
            return 0
        return ways(amount - coins[0], coins) + ways(amount, coins[1:])

    ways(260, (50, 20, 10, 5, 2, 1))
    ways.cache_clear()


@times(7)
def work_random() -> None:
    chance = random.Random(5)
    for _ in range(3000):
        chance.random(), chance.randint(1, 6), chance.choice("abc")
    chance.shuffle(list(range(500)))


@times(3)
def work_tuples() -> None:
    Point = collections.namedtuple("Point", "x y z")
    total = 0
    for i in range(6000):
        point = Point(i, i + 1, i + 2)
        x, y, z = point
        total += x + point.y - point[2]
        first, *rest = (i, x, y, z)
        point == (1, 2, 3), hash(point)
