"""analysis.py FOLDER -- results with known answers, in the form of `quench run`: power.h5 (w = (1 + T) P^0.7, t with runs that did not end), phase.h5 (m and
success change at T = 0.5 + load), sizes.h5 (m2, m4 and their ratio around T = 2), single.h5 (one replica), foreign.h5 (not ours)."""
import sys

import h5py
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(20261125)


class Result:
    def __init__(self, name, disorder, replicas, **axes):
        self.f = h5py.File(f"{folder}/{name}.h5", "w")
        self.axes, self.replicas = axes, replicas
        self.f.attrs["axes"] = " ".join(axes)
        self.f.attrs["disorder_parameters"] = disorder
        for a, x in axes.items():
            self.f[a] = np.array(x, float)
            self.f[a].make_scale(a)
        self.s = self.f.create_group("samples")
        self.s["replica"] = np.arange(replicas)
        self.s["replica"].make_scale("replica")
        self.grid = np.meshgrid(*axes.values(), indexing="ij")

    def put(self, group, name, x, dims, **attrs):
        d = group.create_dataset(name, data=x)
        for k, a in enumerate(dims):
            d.dims[k].attach_scale(self.f[a] if a in self.f else self.s[a])
        for k, v in attrs.items():
            d.attrs[k] = v

    def noise(self):
        return rng.standard_normal((*self.grid[0].shape, self.replicas))

    def outcome(self, name, x, binary=False):
        dims = [*self.axes]
        self.put(self.f, name, np.nanmean(x, -1), dims, kind="outcome")
        self.put(self.f, name + "_err", np.nanstd(x, -1, ddof=1) / np.sqrt(self.replicas) if self.replicas > 1 else x[..., 0] * np.nan, dims)
        for end in ("_lo", "_hi") if binary else ():
            self.put(self.f, name + end, x.mean(-1), dims)
        self.put(self.s, name, x, [*dims, "replica"])

    def derived(self, name, x, expression):
        self.put(self.f, name, x, [*self.axes], kind="derived", expression=expression, average="of the series before the expression")


r = Result("power", "P", 16, T=[0, 1, 2], P=[16, 32, 64, 128, 256, 512])
t, p = (g[..., None] for g in r.grid)
shared = 0.05 * rng.standard_normal((1, 6, 16))
r.outcome("w", (1 + t) * p**0.7 * np.exp(0.05 * r.noise() + shared))
x = p * np.exp(0.5 * r.noise())
x[rng.random(x.shape) < 0.05] = np.nan
r.outcome("t", x)
r.f.close()

r = Result("phase", "load", 32, load=[0.1, 0.2, 0.3], T=np.linspace(0, 1.5, 16))
load, t = (g[..., None] for g in r.grid)
u = (t - 0.5 - load) / 0.2
r.outcome("m", 0.5 - 0.5 * np.tanh(u) + 0.05 * r.noise())
r.outcome("success", (rng.random(u.shape[:2] + (32,)) < 1 / (1 + np.exp(2 * u))) * 1.0, binary=True)
r.f.close()

r = Result("sizes", "", 32, L=[8, 16, 32], T=np.linspace(1.8, 2.2, 11))
l, t = (g[..., None] for g in r.grid)
z = (t - 2) * l / 8
m2 = l**-0.25 * (1 - 0.3 * np.tanh(z))
ratio = 2 + np.tanh(z)
a, b = m2 * (1 + 0.01 * r.noise()), m2**2 * ratio * (1 + 0.01 * r.noise())
r.outcome("m2", a)
r.outcome("m4", b)
r.derived("binder", 1 - b.mean(-1) / (3 * a.mean(-1) ** 2), "1 - m4/(3*m2^2)")
r.f.close()

r = Result("single", "load", 1, load=[0.1, 0.2], T=[1, 2, 3])
r.outcome("m", 1 + 0.1 * r.noise())
r.f.close()

with h5py.File(f"{folder}/foreign.h5", "w") as f:
    f["data"] = np.arange(10.0)
