"""same.py A.h5 B.h5 [ATTRIBUTE...] -- are two result files the same outside /environment?

Every group, dataset, dtype, filter, shape, order of links, attribute and bit; the named attributes of the root may differ.  Prints the first
differences and exits with 1 when there are any."""
import sys

import h5py
import numpy as np

BOOKKEEPING = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"}  # of dimension scales: compared by what they say, below


def plain(value):
    a = np.asarray(value)
    if a.dtype.kind in "OSU":
        return [str(a.dtype), [str(x) for x in a.ravel().tolist()]]
    return [a.dtype.str, a.shape, a.tobytes()]


def describe(f):
    seen = {}

    def group(path, g):
        names = [n for n in g if not (path == "/" and n == "environment")]
        seen[path] = {"links": names, "attributes": {k: plain(v) for k, v in g.attrs.items()}}
        for n in names:
            x, at = g[n], path.rstrip("/") + "/" + n
            if isinstance(x, h5py.Group):
                group(at, x)
                continue
            body = x.asstr()[()] if h5py.check_string_dtype(x.dtype) else x[()]
            seen[at] = {
                "dtype": str(x.dtype), "shape": x.shape, "chunks": x.chunks,
                "filters": (x.compression, x.compression_opts, x.shuffle, x.fletcher32),
                "scales": [[s.name for s in d.values()] for d in x.dims],
                "attributes": {k: plain(v) for k, v in x.attrs.items() if k not in BOOKKEEPING},
                "numbers": plain(body),
            }

    group("/", f)
    return seen


def main():
    differences = []
    with h5py.File(sys.argv[1], "r") as a, h5py.File(sys.argv[2], "r") as b:
        x, y = describe(a), describe(b)
    for name in sys.argv[3:]:
        x["/"]["attributes"].pop(name, None)
        y["/"]["attributes"].pop(name, None)
    for path in list(x) + [p for p in y if p not in x]:
        if path not in x or path not in y:
            differences.append(f"{path} is only in {sys.argv[1 if path in x else 2]}")
            continue
        for what in x[path]:
            if x[path][what] != y[path].get(what):
                detail = ""
                if what == "attributes":
                    keys = sorted(set(x[path][what]) | set(y[path][what]))
                    detail = " " + ", ".join(k for k in keys if x[path][what].get(k) != y[path][what].get(k))
                differences.append(f"{path} differs in its {what}{detail}")
    numbers = sum(1 for v in x.values() if "numbers" in v)
    if numbers < 10:
        differences.append(f"only {numbers} datasets to compare")
    for d in differences[:5]:
        print(d)
    sys.exit(1 if differences else 0)


main()
