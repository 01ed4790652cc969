"""opens.py FILE.h5 AXIS... -- a result file as its readers see it: h5py, netCDF4, xarray.  Complains and exits with 1 when something is
not as promised."""
import importlib.util
import sys

import h5py
import netCDF4
import numpy as np
import xarray

path, axes = sys.argv[1], sys.argv[2:]
wrong = []


def expect(true, what):
    if not true:
        wrong.append(what)


def walk(name, x):
    if isinstance(x, h5py.Group):
        order = x.id.get_create_plist().get_link_creation_order()
        expect(order & h5py.h5p.CRT_ORDER_TRACKED, f"{name}: order of creation is not tracked")
        return
    t = x.dtype
    expect(t.kind in "iuf" or h5py.check_string_dtype(t), f"{name}: type {t}")
    expect(h5py.check_enum_dtype(t) is None and t.names is None, f"{name}: an enum or compound")
    expect(t.kind in "OS" or t.byteorder in "<|=", f"{name}: byte order {t.byteorder}")
    text = h5py.check_string_dtype(t)
    expect(not text or (text.encoding == "utf-8" and text.length is None), f"{name}: text that is not variable-length UTF-8")
    for i, d in enumerate(x.dims):
        expect(h5py.h5ds.is_scale(x.id) or len(d) == 1, f"{name}: dimension {i} has {len(d)} scales")
    plist = x.id.get_create_plist()
    known = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
    for i in range(plist.get_nfilters()):
        expect(plist.get_filter(i)[0] in known, f"{name}: filter {plist.get_filter(i)[0]}")


with h5py.File(path) as f:
    walk("/", f["/"])
    f.visititems(walk)
    means = {n: f[n][()] for n in f if n in ("u", "m")}
    shapes = {n: f[n].shape for n in axes}
    for n in ("title", "model", "config", "quench_version", "Conventions"):
        expect(isinstance(f.attrs.get(n), str), f"attribute {n} is {f.attrs.get(n)!r}")
    for n in f["samples"]:
        expect(h5py.h5ds.is_scale(f["samples"][n].id) or len(f["samples"][n].dims) == f["samples"][n].ndim, f"/samples/{n}")
    expect("environment" in f and len(f["environment"].attrs) > 3, "no /environment")

with netCDF4.Dataset(path) as d:
    for a in axes:
        expect(a in d.dimensions and a in d.variables, f"netCDF4: no dimension {a}")
    for n, x in means.items():
        expect(d[n].dimensions == tuple(axes), f"netCDF4: {n} over {d[n].dimensions}")
        expect(np.array_equal(np.ma.filled(d[n][...], np.nan), x, equal_nan=True), f"netCDF4: other numbers in {n}")

for engine in ["netcdf4"] + (["h5netcdf"] if importlib.util.find_spec("h5netcdf") else []):
    with xarray.open_dataset(path, engine=engine) as d:
        for a in axes:
            expect(a in d.coords and d[a].dims == (a,) and d[a].shape == shapes[a], f"{engine}: no coordinate {a}")
            expect("units" in d[a].attrs and "long_name" in d[a].attrs, f"{engine}: {a} lacks units or long_name")
        for n, x in means.items():
            expect(d[n].dims == tuple(axes), f"{engine}: {n} over {d[n].dims}")
            expect(np.array_equal(d[n].values, x, equal_nan=True), f"{engine}: other numbers in {n}")
            expect("long_name" in d[n].attrs and "units" in d[n].attrs, f"{engine}: {n} lacks units or long_name")
            expect(d[n + "_eq"].dtype == np.int8, f"{engine}: {n}_eq is {d[n + '_eq'].dtype}")
        if importlib.util.find_spec("matplotlib") and engine == "netcdf4":
            import matplotlib

            matplotlib.use("Agg")
            d.m.plot()
    with xarray.open_dataset(path, engine=engine, group="samples") as d:
        for n in means:
            expect(d[n].dims == tuple(axes) + ("replica", "bin"), f"{engine}: /samples/{n} over {d[n].dims}")
        for a in axes:
            expect(a in d.coords, f"{engine}: /samples has no coordinate {a}")

for w in wrong[:5]:
    print(w)
sys.exit(1 if wrong else 0)
