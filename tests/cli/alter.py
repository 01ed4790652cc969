"""alter.py FILE.h5 DATASET HOW -- alters one number of a result file as a liar would: the dataset is written anew, so that every
checksum fits.  HOW: `bit` flips the lowest bit of a mantissa or integer in the middle, `value` adds a tenth of the spread."""
import sys

import h5py
import numpy as np

path, name, how = sys.argv[1:]
with h5py.File(path, "r+") as f:
    d = f[name]
    x = d[()]
    flat = np.array(x).reshape(-1)
    usable = np.flatnonzero(np.isfinite(flat))
    k = usable[usable.size // 2]
    before = flat[k]
    if how == "bit":
        flat.view(np.uint64)[k] ^= np.uint64(1)
    else:
        flat[k] += 0.1 * (np.ptp(flat[usable]) or 1)
    assert flat[k] != before
    d[...] = flat.reshape(np.shape(x))
