"""Files written by nibabel, and what it reads from them, for transforms/volumes/nifti.

Run:      python tools/golden_nifti/golden.py transforms/volumes/nifti/testdata/nibabel.json
Versions: nibabel 5.4.2, numpy 2.4.6, Python 3.11

Then check what Go writes, in both directions:

          go test ./transforms/volumes/nifti -run TestWritten -args -out=FOLDER
          python tools/golden_nifti/golden.py --check FOLDER

Each file has its bytes, the shape, spacing and values (float32) of its closest
canonical image, slices outermost, and its voxels as stored (uint8) where they are
ids. "orientations" are affines and what io_orientation says of them.
"""
import base64
import gzip
import io
import itertools
import json
import os
import sys

import nibabel as nib
import numpy as np

SHAPE = (3, 4, 5)
TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


def rotation(rng, degrees):
    """A rotation about a random axis."""
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    a = np.radians(degrees)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * k @ k


def oriented(perm, signs, zooms):
    """The matrix of stored axes along directions perm, with signs."""
    m = np.zeros((3, 3))
    for axis in range(3):
        m[perm[axis], axis] = signs[axis] * zooms[axis]
    return m


def affine(m, origin=(-12.5, 30, 7)):
    out = np.eye(4)
    out[:3, :3] = m
    out[:3, 3] = origin
    return out


def image(data, aff, order="<", sform=1, qform=0, **fields):
    header = nib.Nifti1Header(endianness=order)
    header.set_data_dtype(data.dtype.newbyteorder(order))
    header.set_xyzt_units("mm")
    header["descrip"] = b"golden"
    img = nib.Nifti1Image(data, aff, header, dtype=data.dtype)
    img.set_sform(aff, sform)
    img.set_qform(aff, qform, strip_shears=True)
    for name, value in fields.items():
        img.header[name] = value
    return img


def encode(img, gz, patch=None):
    data = bytearray(img.to_bytes())
    if patch:
        patch(data)
    return gzip.compress(bytes(data), mtime=0) if gz else bytes(data)


def b64(data):
    return base64.b64encode(data).decode()


def read(data, gz):
    return nib.Nifti1Image.from_bytes(gzip.decompress(data) if gz else data)


def case(name, data, gz, ids=False):
    img = read(data, gz)
    canonical = nib.as_closest_canonical(img)
    values = canonical.get_fdata(dtype=np.float64).reshape(canonical.shape[:3])
    c = {
        "name": name,
        "file": b64(data),
        "shape": list(values.shape[::-1]),
        "spacing": list(map(float, nib.affines.voxel_sizes(canonical.affine)[::-1])),
        "values": b64(values.astype("<f4").ravel(order="F").tobytes()),
    }
    if ids:
        c["stored"] = b64(img.get_fdata().astype(np.uint8).ravel(order="F").tobytes())
    return c


def orientations(rng, cases):
    n = 0
    for perm in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            dtype, order, gz = TYPES[n % len(TYPES)], "<>"[n // 3 % 2], n % 7 == 3
            m = oriented(perm, signs, (0.75, 1.25, 3))
            if n % 2:
                m = rotation(rng, rng.uniform(2, 25)) @ m
            shape = SHAPE if n != 20 else (3, 35, 18)  # more lines than are turned at a time
            ids = rng.permutation(np.arange(np.prod(shape)) % 200).reshape(shape)
            if dtype == "int8":
                ids %= 100
            img = image(ids.astype(dtype), affine(m), order, sform=n % 3, qform=(n + 1) % 3)
            if n % 3 == 0 and (n + 1) % 3 == 0:
                raise AssertionError
            cases.append(case(f"orientation {n}: {dtype}{order} {perm} {signs}", encode(img, gz), gz, ids=True))
            n += 1


def types(rng, cases):
    for dtype in TYPES:
        for order in "<>":
            kind = np.dtype(dtype)
            data = rng.integers(0, 100, SHAPE).astype(dtype)
            if kind.kind == "f":
                data = (rng.normal(size=SHAPE) * 300).astype(dtype)
            else:
                info = np.iinfo(kind)
                data[0, 0, 0], data[1, 0, 0] = info.min, info.max
            img = image(data, affine(oriented((1, 0, 2), (1, -1, -1), (2, 1, 1.5))), order)
            gz = order == ">"
            cases.append(case(f"type {dtype}{order}", encode(img, gz), gz))


def put(order, at, fmt, *values):
    def patch(data):
        raw = np.array(values, dtype=order + fmt).tobytes()
        data[at:at + len(raw)] = raw
    return patch


def special(rng, cases):
    hu = rng.integers(-1024, 1500, SHAPE).astype(np.int16)
    aff = affine(oriented((0, 1, 2), (-1, 1, 1), (0.8, 0.8, 5)))
    nan, inf = np.nan, np.inf
    for name, pair in {
        "none": (0, 0), "slope 0": (0, 7), "slope NaN": (nan, 3), "slope Inf": (inf, 3), "one": (1, 0),
        "inter": (1, -1024), "both": (0.1, 2.5), "negative": (-2, 0.3),
    }.items():
        cases.append(case("scale " + name, encode(image(hu, aff), False, put("<", 112, "f4", *pair)), False))
    real = (rng.normal(size=SHAPE) * 10).astype(np.float32)
    cases.append(case("scaled floats", encode(image(real, aff, ">"), False, put(">", 112, "f4", 0.3, 0.7)), False))
    ids = rng.integers(0, 14, SHAPE)
    for dtype in ("uint8", "int64", "float32", "float64"):
        img = image((ids * 2 - 1 if dtype == "float64" else ids).astype(dtype), aff)
        scale = put("<", 112, "f4", 0.5, 0.5) if dtype == "float64" else None
        cases.append(case("ids as " + dtype, encode(img, False, scale), False, ids=True))
    cases.append(case("ids of tenths", encode(image((ids * 10).astype(np.int16), aff), False, put("<", 112, "f4", 0.1, 0)), False, ids=True))

    for n in range(8):
        m = rotation(rng, (180 if n % 3 == 0 else rng.uniform(0, 180))) @ oriented((0, 1, 2), (1, 1, -1 if n % 2 else 1), (1, 2, 3))
        cases.append(case(f"qform only {n}", encode(image(hu, affine(m), "<>"[n % 2], sform=0, qform=1), False), False))
    half = affine(oriented((0, 1, 2), (-1, -1, 1), (1, 2, 3)))  # a half turn: its quaternion has no first number
    cases.append(case("qform half turn", encode(image(hu, half, sform=0, qform=2), False), False))

    def both(data):
        other = affine(oriented((2, 0, 1), (1, -1, 1), (1, 1, 2)))
        put("<", 280, "f4", *other[:3].ravel())(data)
    cases.append(case("sform before qform", encode(image(hu, aff, sform=2, qform=1), False, both), False))

    def no_sform(data):
        both(data)
        put("<", 254, "i2", 0)(data)
    cases.append(case("sform without code", encode(image(hu, aff, sform=2, qform=1), False, no_sform), False))
    for name, change in {
        "neither": None,
        "neither, distances of 0": put("<", 80, "f4", 0, 2, 0),
        "neither, distances below 0": put("<", 80, "f4", -2, 2, -3),
    }.items():
        cases.append(case(name, encode(image(hu, aff, sform=0, qform=0), False, change), False))
    other = image(hu, affine(oriented((2, 0, 1), (1, -1, 1), (1, 1, 2))), sform=2, qform=1)
    cases.append(case("unknown codes", encode(other, False, put("<", 252, "i2", 99, -4)), False))
    qform = image(hu, half, sform=0, qform=1)
    cases.append(case("qfac of 0", encode(qform, False, put("<", 76, "f4", 0)), False))
    img = image(hu, aff, ">")
    img.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment that is kept"))
    cases.append(case("extension", encode(img, True), True))
    cases.append(case("extension of ids", encode(extended(ids.astype(np.int16), aff), True), True, ids=True))
    cases.append(case("more axes", encode(image(hu.reshape(SHAPE + (1, 1)), aff), False), False))
    cases.append(case("one voxel", encode(image(hu[:1, :1, :1], aff), False), False))


def extended(data, aff):
    img = image(data, aff, ">")
    img.header["cal_max"], img.header["cal_min"], img.header["intent_code"] = 300, -100, 1002
    img.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a comment that is kept"))
    return img


def affines(rng):
    """Affines from nearly aligned to shapeless, none of which is a tie."""
    out = []
    for n in range(80):
        m = rotation(rng, rng.uniform(0, 180)) @ oriented(rng.permutation(3), rng.choice([-1, 1], 3), rng.uniform(0.3, 5, 3))
        if n % 4 == 1:
            m = m @ (np.eye(3) + np.triu(rng.normal(size=(3, 3)), 1))  # sheared
        if n % 4 == 3:
            m = rng.normal(size=(3, 3))
        m = np.round(m, 4)
        ornt = nib.io_orientation(affine(m))
        if np.isnan(ornt).any():
            continue
        out.append({"matrix": m.tolist(), "to": ornt[:, 0].astype(int).tolist(), "flip": (ornt[:, 1] < 0).tolist()})
    return out


def check(folder):
    """NAME.nii(.gz) are re-encoded files, NAME.json the golden case or what was drawn."""
    names = [n[:-5] for n in sorted(os.listdir(folder)) if n.endswith(".json")]
    for name in names:
        with open(os.path.join(folder, name + ".json")) as f:
            want = json.load(f)
        path = next(p for p in (os.path.join(folder, name + e) for e in (".nii", ".nii.gz")) if os.path.exists(p))
        got = nib.load(path)
        data = np.asarray(got.dataobj)
        if "file" not in want:  # a new file
            assert nib.aff2axcodes(got.affine) == ("R", "A", "S") and got.header["sform_code"] == 1, name
            np.testing.assert_allclose(got.header.get_zooms(), want["spacing"][::-1], rtol=1e-6)
            np.testing.assert_array_equal(data.ravel(order="F"), np.array(want["drawn"]))
            assert data.shape == tuple(want["shape"][::-1]) and str(got.header.get_data_dtype()) == want["dtype"], name
            assert nib.Nifti1Image.from_filename(path).header.get_xyzt_units()[0] == "mm", name
            continue
        raw = base64.b64decode(want["file"])
        gz = raw[:2] == b"\x1f\x8b"
        old = read(raw, gz)
        assert got.header.get_data_dtype() == np.uint8 and got.shape == old.shape, name
        np.testing.assert_array_equal(data, old.get_fdata(dtype=np.float32), err_msg=name)
        np.testing.assert_array_equal(got.affine, old.affine, err_msg=name)
        for field in ("pixdim", "qform_code", "sform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c",
                      "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "xyzt_units", "descrip", "dim", "intent_code"):
            np.testing.assert_array_equal(got.header[field], old.header[field], err_msg=name + " " + field)
        assert got.header.endianness == old.header.endianness and got.header["cal_max"] == 0, name
        assert [e.get_content() for e in got.header.extensions] == [e.get_content() for e in old.header.extensions], name
    print(f"{len(names)} files agree with nibabel {nib.__version__}")


def main(path):
    rng = np.random.default_rng(14)
    cases = []
    orientations(rng, cases)
    types(rng, cases)
    special(rng, cases)
    with open(path, "w") as f:
        for name, rows in {"{\"files\"": cases, ",\"orientations\"": affines(rng)}.items():
            f.write(name + ": [\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]")
        f.write("}\n")


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1] == "--check" else main(sys.argv[1])
