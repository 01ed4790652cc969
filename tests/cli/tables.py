"""tables.py FILE.h5 PROGRAM -- `show` as CSV and JSON, whole, one observable and a selection, against the file as h5py reads it."""
import csv
import io
import json
import math
import subprocess
import sys

import h5py
import numpy as np

path, program = sys.argv[1:]
wrong = []


def show(*arguments):
    p = subprocess.run([program, "show", path, *arguments], capture_output=True, text=True)
    if p.returncode or p.stderr:
        wrong.append(f"show {arguments}: exit status {p.returncode}: {p.stderr}")
    return p.stdout


def number(text):
    return math.nan if text in ("", "nan", None) else float(text)


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


with h5py.File(path) as f:
    axes = f.attrs["axes"].split()
    grid = np.meshgrid(*[f[a][()] for a in axes], indexing="ij")
    table = {a: g.ravel() for a, g in zip(axes, grid)}
    for name in f:
        if isinstance(f[name], h5py.Dataset) and f[name].shape == grid[0].shape and name not in axes:
            table[name] = f[name][()].ravel()
rows = len(table[axes[0]])


def compare(what, got, names, keep):
    if len(got) != keep.sum():
        wrong.append(f"{what}: {len(got)} rows, not {keep.sum()}")
        return
    for n in names:
        if n not in got[0]:
            wrong.append(f"{what}: no column {n}")
            continue
        for row, want in zip(got, table[n][keep]):
            if not same(number(row[n]), float(want)):
                wrong.append(f"{what}: {n} is {row[n]}, not {want!r}")
                return


everything = np.ones(rows, bool)
beside = ["m", "m_err", "m_dof", "m_tau", "m_neff", "m_eq"]
cold = table["T"] < 0.5
one = (table["T"] == 0.3) & (table[axes[0]] == table[axes[0]][0])
first = repr(float(table[axes[0]][0]))
for form, read in (("--csv", lambda t: list(csv.DictReader(io.StringIO(t)))), ("--json", json.loads)):
    compare(form, read(show(form)), axes + ["m", "u", "m_err"], everything)
    compare(f"m {form}", read(show("m", form)), axes + beside, everything)
    compare(f"range {form}", read(show("m", form, "--where", "T=:0.4")), axes + beside, cold)
    compare(f"two ranges {form}", read(show(form, "--where", "T=0.3", "--where", f"{axes[0]}={first}")), axes + ["m"], one)
    compare(f"list {form}", read(show("m", form, "--where", "T=0.1,0.3")), axes + ["m"], np.isin(table["T"], [0.1, 0.3]))
if len(show().splitlines()) < 10 or len(show("m").splitlines()) < rows:
    wrong.append("a plain table is too short")
for w in wrong[:5]:
    print(w)
sys.exit(1 if wrong else 0)
