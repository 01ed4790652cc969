"""Reads result files of quench: labelled means, the samples behind them, and the jackknife of any function of observables.

    import quench
    r = quench.open("storage_p4.h5")
    r.data.m.plot()                                     # xarray.Dataset: means, errors, coordinates
    r.bins("m2")                                        # (axes..., replica, bin): what the means come from
    r.value("t_star")                                   # (axes..., replica, ...): every replica of an outcome or curve
    binder, err = r.jackknife(lambda m2, m4: 1 - m4 / (3 * m2**2), "m2", "m4")

A reader, no analysis: boundaries, fits and collapses are verbs of the program (`quench boundary`, `fit`, `collapse`).
Needs numpy, h5py and xarray.
"""
import h5py
import numpy as np
import xarray

__all__ = ["open", "Result"]

MIN_REPLICAS = 8  # from so many on the spread between replicas is the error, as in the program
BLOCK_TAUS = 5  # else bins are merged into blocks of so many autocorrelation times


def open(path):  # noqa: A001: quench.open, as xarray.open_dataset
    """The result file `path`."""
    return Result(path)


class Result:
    """One result file.  Everything is read when it is asked for; nothing is ever written."""

    def __init__(self, path):
        self.path = str(path)
        with h5py.File(self.path, "r") as f:
            if f.attrs.get("Conventions", b"") not in ("quench-1", b"quench-1"):
                raise ValueError(f"{self.path}: not a result of quench")
            axes = f.attrs["axes"]
            self.axes = (axes.decode() if isinstance(axes, bytes) else axes).split()
            self.config = f.attrs["config"]

    @property
    def data(self):
        """Means, errors and coordinates, as an xarray.Dataset."""
        return xarray.load_dataset(self.path)

    def group(self, name):
        """A group that an analysis verb wrote (`fit`, `boundary`) or `environment`, as an xarray.Dataset."""
        return xarray.load_dataset(self.path, group=name)

    def _sample(self, name):
        with h5py.File(self.path, "r") as f:
            samples = f.get("samples")
            if samples is None or name not in samples:
                have = sorted(samples) if samples is not None else []
                raise KeyError(f"{self.path}: no samples of '{name}'; there are: {', '.join(have)}")
            v = samples[name]
            dims, coords = [], {}
            for d in v.dims:
                scale = d[0]
                dim = scale.name.rsplit("/", 1)[-1]
                dims.append(dim)
                if dim in f and dim not in ("replica", "bin", "half", "word"):
                    x = f[dim]
                    coords[dim] = (dim, x.asstr()[()] if x.dtype == object else x[()])
            return xarray.DataArray(v[()], dims=dims, coords=coords, name=name)

    def value(self, name):
        """Every replica of an outcome, curve or artifact: (axes..., replica, own dimensions...)."""
        return self._sample(name)

    def bins(self, name):
        """Bin means of a series: (axes..., replica, own dimensions..., bin).  Bins differ in size by one measurement at most: see bin_sizes()."""
        x = self._sample(name)
        if x.dims[-1] != "bin":
            raise KeyError(f"{self.path}: '{name}' is no series; value('{name}') has its replicas")
        return x

    def bin_sizes(self, bins):
        """Measurements in every bin: (axes..., replica, bin); 0 for bins that hold none."""
        count = self._sample("measurements")
        k = np.arange(bins + 1)
        n = count.values[..., None]
        start = n // bins * k + n % bins * k // bins
        sizes = np.where(n < bins, k[:-1] < n, np.diff(start, axis=-1))
        return xarray.DataArray(sizes, dims=(*count.dims, "bin"), coords=count.coords)

    def jackknife(self, f, *names, over=None):
        """f(mean of names[0], mean of names[1], ...) at every point, bias-corrected, and its jackknife error.

        names: series, outcomes or curves; f acts elementwise on numpy arrays.  over: "replica" (each is one block), "bin" (blocks of several
        autocorrelation times, all replicas pooled), or None: replicas where there are at least 8, else bins.
        """
        samples = [self._sample(n) for n in names]
        series = [x.dims[-1] == "bin" for x in samples]
        if any(series) != all(series):
            raise ValueError("series and other observables cannot be mixed: they have no common blocks")
        replicas = samples[0].sizes["replica"]
        if over is None:
            over = "replica" if replicas >= MIN_REPLICAS or not all(series) else "bin"
        if over == "bin" and not all(series):
            raise ValueError("over='bin' is for series")
        if over == "replica" and replicas < 2:
            raise ValueError("one replica has no spread; over='bin' for series")
        n_axes = samples[0].dims.index("replica")
        template = samples[0].isel(replica=0, drop=True)
        if all(series):
            template = template.isel(bin=0, drop=True)
            weight = self.bin_sizes(samples[0].sizes["bin"]).values
            tau = [self._sample(n + "_tau").values for n in names]
        value, error = np.full(template.shape, np.nan), np.full(template.shape, np.nan)
        for at in np.ndindex(template.shape):
            point, own = at[:n_axes], at[n_axes:]
            x = np.array([s.values[(*point, slice(None), *own)] for s in samples])  # (names, replica[, bin])
            if not all(series):
                blocks, w, short = x, np.ones(x.shape[1]), 1.0
            else:
                size = weight[point].astype(float)
                if over == "replica":
                    blocks, w, short = _replica_means(x, size)
                else:
                    blocks, w, short = _blocks(x, size, np.array([t[(*point, slice(None), *own)] for t in tau]))
            keep = np.isfinite(blocks).all(axis=0) & (w > 0)
            value[at], error[at] = _jackknife(f, blocks[:, keep], w[keep])
            error[at] /= np.sqrt(short)
        wrap = lambda v: xarray.DataArray(v, dims=template.dims, coords=template.coords)  # noqa: E731
        return wrap(value), wrap(error)


def _replica_means(x, size):
    total = size.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(size > 0, x * size, 0).sum(axis=2) / total
    return means, (total > 0).astype(float), 1.0


def _blocks(x, size, tau):
    """Bins merged until a block spans BLOCK_TAUS tau, over all replicas; last: by how much the squared error falls short, since blocks touch."""
    means, weights, short = [], [], []
    for r in range(x.shape[1]):
        count = size[r].sum()
        used = int((size[r] > 0).sum())
        if not count or not np.isfinite(tau[:, r]).all():
            continue
        t = max(0.5, tau[:, r].max())
        per = max(1, min(int(np.ceil(BLOCK_TAUS * t * used / count)), used // 4))
        here = used // per
        for b in range(here):
            s = slice(b * per, used if b + 1 == here else (b + 1) * per)
            w = size[r, s].sum()
            means.append((x[:, r, s] * size[r, s]).sum(axis=1) / w)
            weights.append(w)
            short.append(max(0.5, 1 - (t - 0.25 / t) / w))
    if not means:
        return np.empty((x.shape[0], 0)), np.empty(0), 1.0
    return np.array(means).T, np.array(weights), float(np.mean(short))


def _jackknife(f, x, w):
    """Delete-one jackknife over blocks of unequal weight (Busing, Meijer & van der Leeden 1999)."""
    n = x.shape[1]
    if n < 2:
        return (f(*x[:, 0]) if n else np.nan), np.nan
    total = w.sum()
    mean = (x * w).sum(axis=1) / total
    whole = f(*mean)
    without = f(*(mean[:, None] + w * (mean[:, None] - x) / (total - w)))
    better = n * whole - ((1 - w / total) * without).sum()
    h = total / w
    pseudo = h * whole - (h - 1) * without - better
    return better, np.sqrt((pseudo**2 / (h - 1)).mean())
