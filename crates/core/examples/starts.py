"""Compares the starts of random schedules with croniter, an independent implementation: starts.py PROGRAM [COUNT [SEED]]."""

import datetime
import random
import subprocess
import sys

from croniter import croniter

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
# Without daylight saving: at its jumps the rules differ by intention.
ZONES = {"UTC": 0, "Asia/Kolkata": 330, "America/Phoenix": -420, "Asia/Tokyo": 540}


def field(draw, first, last, names=()):
    """Draws a field: `*`, numbers, ranges, steps and names."""

    def number(value):
        return names[value - first] if names and value - first < len(names) and draw.random() < 0.3 else str(value)

    def part():
        kind = draw.randrange(4)
        low = draw.randint(first, last)
        high = draw.randint(low, last)
        if kind == 0:
            return f"*/{draw.randint(1, last)}"
        if kind == 1 and high > low:
            return f"{number(low)}-{number(high)}"
        if kind == 2 and high > low:
            return f"{low}-{high}/{draw.randint(1, max(1, last // 2))}"
        return number(low)

    if draw.random() < 0.4:
        return "*"
    return ",".join(part() for _ in range(draw.choice([1, 1, 1, 2, 3])))


def is_whole(text, first, last, names=()):
    """Tells whether a field other than `*` leaves nothing out: whether its day counts as given is a matter of taste."""
    values = {name: first + at for at, name in enumerate(names)}

    def number(word):
        return values[word] if word in values else int(word)

    covered = set()
    for part in text.split(","):
        limits, _, step = part.partition("/")
        low, _, high = limits.partition("-")
        if low == "*":
            low, high = first, last
        else:
            low, high = number(low), number(high or low)
        covered.update(range(low, high + 1, int(step or 1)))
    return text != "*" and len(covered) == last - first + 1


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    draw = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    cases = []
    while len(cases) < count:
        text = " ".join(
            [
                field(draw, 0, 59),
                field(draw, 0, 23),
                field(draw, 1, 31),
                field(draw, 1, 12, MONTHS),
                field(draw, 0, 6, DAYS),
            ]
        )
        _, _, day, _, weekday = text.split()
        if is_whole(day, 1, 31) or is_whole(weekday, 0, 6, DAYS):
            continue
        zone = draw.choice(list(ZONES))
        begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        cases.append((zone, text, begin + datetime.timedelta(seconds=draw.randrange(4 * 365 * 86400))))
    lines = "".join(f"{zone}|{text}|{at:%Y-%m-%dT%H:%M:%SZ}\n" for zone, text, at in cases)
    answers = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(answers) == count
    never = 0
    for (zone, text, at), answer in zip(cases, answers):
        local = at.astimezone(datetime.timezone(datetime.timedelta(minutes=ZONES[zone])))
        try:
            cron = croniter(text, local.replace(tzinfo=None), max_years_between_matches=40)
            starts = [cron.get_next(datetime.datetime) for _ in range(3)]
            # The last start may be this very moment.
            cron = croniter(text, local.replace(tzinfo=None) + datetime.timedelta(seconds=1))
            starts.append(cron.get_prev(datetime.datetime))
        except Exception as error:  # croniter tells a schedule that never comes by different errors
            assert answer == "never", f"{zone} {text} {at}: {answer}, croniter: {error}"
            never += 1
            continue
        shift = datetime.timedelta(minutes=ZONES[zone])
        expected = " ".join(f"{start - shift:%Y-%m-%dT%H:%M:%SZ}" for start in starts)
        assert answer == expected, f"{zone} {text} {at}:\n  {answer}\n  {expected} (croniter)"
    print(f"{count} schedules agree, {never} of them never come")


if __name__ == "__main__":
    main()
