"""What the raw JSON of a run says: medians, claims. Shared by compare, plots and report.

A raw file is {"context": {...}, "values": {group: {subject: [samples]}}, "units": {group: unit}}; a group without a unit
is nanoseconds.
"""
import fnmatch
import json
import math
import re
import statistics
from pathlib import Path


class Row:
    """The samples of one subject in one group."""

    def __init__(self, samples):
        self.samples = samples
        self.median = statistics.median(samples)
        self.spread = statistics.median(abs(s - self.median) for s in samples) / self.median if self.median else 0.0


class Results:
    """All groups of some raw files: rows[group][subject], in the order of the files."""

    def __init__(self, reports):
        self.rows, self.units, self.contexts = {}, {}, {}
        for name, report in reports:
            self.contexts[name] = report["context"]
            self.units.update(report.get("units", {}))
            for group, subjects in report["values"].items():
                self.rows[group] = {subject: Row(samples) for subject, samples in subjects.items() if samples}

    @classmethod
    def read(cls, folder):
        return cls([(path.stem, json.loads(path.read_text())) for path in sorted(Path(folder).glob("*.json"))])

    def unit(self, group):
        return self.units.get(group, "ns")

    def value(self, group, subject):
        row = self.rows.get(group, {}).get(subject)
        return None if row is None else row.median

    def ratio(self, group, subject, reference):
        over, under = self.value(group, subject), self.value(group, reference)
        return over / under if over is not None and under else None

    def geometric_mean(self, pattern, subject, reference):
        ratios = [r for g in fnmatch.filter(self.rows, pattern) if (r := self.ratio(g, subject, reference)) is not None]
        return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None

    @property
    def context(self):
        return next(iter(self.contexts.values()), {})


AGGREGATES = {
    "geomean": lambda ratios: math.exp(statistics.fmean(map(math.log, ratios))),
    "median": statistics.median,
    "worst": max,
}


class Claim:
    """One line of claims.txt, whose first lines describe the format."""

    def __init__(self, line):
        line, _, self.reason = (part.strip() for part in line.partition(" -- "))
        self.text = " ".join(line.split())
        pattern, self.subject, relation, factor, reference = line.split()
        if relation != "<=":
            raise ValueError(f"claims.txt: '{line}' has no <=")
        matched = re.fullmatch(r"(geomean|median|worst)\((.*)\)", pattern)
        self.aggregate, self.patterns = (matched[1], matched[2].split("|")) if matched else (None, [pattern])
        self.factor = float(factor)
        self.references = reference.split("|")

    def groups(self, results):
        return [g for p in self.patterns for g in fnmatch.filter(results.rows, p)]

    def unchecked(self, results):
        """What of the claim a run says nothing about, though it measured the question: patterns that name no group, or all of it."""
        measured = {g.split("/")[0] for g in results.rows}
        patterns = [p for p in self.patterns if p.split("/")[0] in measured]
        lost = [p for p in patterns if not fnmatch.filter(results.rows, p)]
        return lost or (patterns if not list(self.check(results)) else [])

    def reference(self, results, group):
        """(name, value) of what the subject is compared with in this group; None if it is missing."""
        first = self.references[0]
        if re.fullmatch(r"[0-9.]+", first):
            return first, float(first)
        if first.startswith("@"):
            value = results.value(first[1:], self.subject)
            return None if value is None else (first, value)
        rows = results.rows[group]
        names = rows if first == "*" else [r for r in self.references if r in rows]
        peers = [n for n in names if not n.startswith(("zmm", "oracle")) and n != "floor" or n in self.references]
        peers = [n for n in peers if n != self.subject]
        best = min(peers, key=lambda n: rows[n].median, default=None)
        return None if best is None else (best, rows[best].median)

    def check(self, results):
        """Yields a Verdict for each group of the claim, or one for an aggregate."""
        ratios, names = [], []
        for group in self.groups(results):
            value = results.value(group, self.subject)
            reference = self.reference(results, group)
            if value is None or reference is None or not reference[1]:
                continue
            ratio = value / reference[1]
            ratios.append(ratio)
            names.append(group)
            if self.aggregate is None:
                yield Verdict(self, group, reference[0], ratio, value, reference[1], results.unit(group))
        if self.aggregate and ratios:
            label = f"{self.aggregate} of {len(ratios)}: {' '.join(self.patterns)}"
            if self.aggregate == "worst":
                label += f" ({names[ratios.index(max(ratios))]})"
            yield Verdict(self, label, "|".join(self.references), AGGREGATES[self.aggregate](ratios))


class Verdict:
    def __init__(self, claim, group, reference, ratio, value=None, against=None, unit=""):
        self.claim, self.group, self.reference, self.ratio = claim, group, reference, ratio
        self.value, self.against, self.unit = value, against, unit
        self.met = ratio <= claim.factor

    def __str__(self):
        text = (f"{'met   ' if self.met else 'MISSED'} {self.ratio:6.3f} (claim ≤ {self.claim.factor:5.2f})  {self.group}: "
                f"{self.claim.subject} over {self.reference}")
        if self.value is not None:
            text += f"  [{self.value:.2f} / {self.against:.2f} {self.unit}]"
        return text


def unchecked(claims, results):
    """Lines that tell of each claim, or part of one, that the run could not check."""
    return [f"{claim.text} ({', '.join(lost)})" for claim in claims if (lost := claim.unchecked(results))]


def read_claims(path):
    lines = (line.partition("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [Claim(line) for line in lines if line]
