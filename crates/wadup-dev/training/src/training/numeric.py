"""Numbers: integers small and large, floats, decimals, fractions."""

import array
import cmath
import decimal
import fractions
import math
import statistics

from ._times import times


@times(20)
def work_sieve() -> None:
    for _ in range(3):
        limit = 8000
        flags = bytearray([1]) * limit
        for i in range(2, int(limit**0.5) + 1):
            if flags[i]:
                flags[i * i :: i] = bytes(len(flags[i * i :: i]))
        [i for i in range(2, limit) if flags[i]]


@times(10)
def work_loops() -> None:
    total = 0
    for i in range(25000):
        if i % 3 == 0 or i & 5:
            total += i * 2
        elif i > 100:
            total -= i // 7
        else:
            total ^= i << 2
    n, steps = 77031, 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1


@times(100)
def work_floats() -> None:
    bodies = [[float(i), i * 0.5, i * 0.25, 0.0, 0.01 * i, 0.0, 1.0 + i] for i in range(6)]
    for _ in range(60):
        for i, a in enumerate(bodies):
            for b in bodies[i + 1 :]:
                dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
                pull = 0.001 / ((dx * dx + dy * dy + dz * dz + 0.1) ** 1.5)
                a[3] -= dx * b[6] * pull
                a[4] -= dy * b[6] * pull
                b[3] += dx * a[6] * pull
                b[4] += dy * a[6] * pull
        for body in bodies:
            body[0] += 0.01 * body[3]
            body[1] += 0.01 * body[4]


@times(3)
def work_matrices() -> None:
    size = 24
    one = [[i + j / 3 for j in range(size)] for i in range(size)]
    two = [[i * j % 7 for j in range(size)] for i in range(size)]
    for _ in range(3):
        columns = list(zip(*two))
        [[sum(a * b for a, b in zip(row, column)) for column in columns] for row in one]


@times(10)
def work_large_integers() -> None:
    value = 1
    for i in range(1, 250):
        value *= i
    str(value), value % 10**9 + 7, value >> 100, pow(3, 10**9, 10**9 + 7), math.gcd(value, 2**300)
    a, b = 0, 1
    for _ in range(1500):
        a, b = b, a + b
    int(str(a)[:300]), a.bit_length(), a.to_bytes(200, "big"), divmod(a, 12345678901234567890)
    for seed in range(300):
        (seed * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)


@times(5)
def work_mathematics() -> None:
    for i in range(1, 3000):
        x = i / 10
        math.sqrt(x), math.sin(x), math.log(x), math.floor(x), round(x, 1), x // 1, x % 1, int(x), float(i)
        abs(-x), x > i, min(x, i), math.isclose(x, i), divmod(i, 7), -x, x**2
    cmath.exp(1j) * (2 + 3j)


@times(10)
def work_exact() -> None:
    total = decimal.Decimal(0)
    for i in range(1500):
        total += decimal.Decimal(i) / 7
        total.quantize(decimal.Decimal("0.01"))
    sum(fractions.Fraction(1, i) for i in range(1, 60))


@times(20)
def work_statistics() -> None:
    values = array.array("d", (i * 37 % 101 / 3 for i in range(400)))
    for _ in range(3):
        statistics.mean(values), statistics.median(values), statistics.stdev(values)
    math.fsum(values), values.tolist(), array.array("i", range(300)).tobytes()


@times(9)
def work_bytes() -> None:
    data = bytes(range(256)) * 8
    for _ in range(20):
        view = memoryview(data)[10:500]
        view.tobytes(), data.hex()[:10], data.find(b"\xff"), data.translate(data[:256])
        checksum = 0
        for byte in data[:600]:
            checksum = (checksum * 31 + byte) & 0xFFFFFFFF
        bytearray(data).extend(b"x"), data.split(b"\x00"), b"".join([data, b"y"])
