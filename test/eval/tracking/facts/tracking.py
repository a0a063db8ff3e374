"""Writes tracking.json: small random sequences and masks with the scores that an independent implementation of the
published definitions gives them (numpy and scipy; scipy's own assignment and morphology). Run by hand:
    python3 test/eval/tracking/facts/tracking.py > test/eval/tracking/facts/tracking.json
"""
import json

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.optimize import linear_sum_assignment

EPS = np.finfo(float).eps
ALPHAS = np.arange(0.05, 0.99, 0.05)


def score(sequences):
    idtp = idfp = idfn = tp = fp = fn = switches = 0
    hota_tp, hota_fn, hota_fp, association = (np.zeros(19) for _ in range(4))
    for frames in sequences:
        truths = sorted({i for f in frames for i in f["truth"]})
        tracks = sorted({j for f in frames for j in f["tracks"]})
        row = {i: k for k, i in enumerate(truths)}
        col = {j: k for k, j in enumerate(tracks)}
        n, m = len(truths), len(tracks)
        frames = [
            (np.array([row[i] for i in f["truth"]], int), np.array([col[j] for j in f["tracks"]], int),
             np.array(f["similarity"], float).reshape(len(f["truth"]), len(f["tracks"])))
            for f in frames
        ]
        rows, cols = np.zeros(n), np.zeros(m)
        together, fit = np.zeros((n, m)), np.zeros((n, m))
        for g, t, s in frames:
            rows[g] += 1
            cols[t] += 1
            together[np.ix_(g, t)] += s >= 0.5
            union = s.sum(0, keepdims=True) + s.sum(1, keepdims=True) - s
            fit[np.ix_(g, t)] += np.divide(s, union, out=np.zeros_like(s), where=union > EPS)
        # Identity: the padded matrix of Ristani et al., with objects and tracks that stay alone.
        miss, extra = np.zeros((n + m, n + m)), np.zeros((n + m, n + m))
        extra[n:, :m] = 1e10
        miss[:n, m:] = 1e10
        for i in range(n):
            miss[i, :m] = miss[i, m + i] = rows[i]
        for j in range(m):
            extra[:n, j] = extra[j + n, j] = cols[j]
        miss[:n, :m] -= together
        extra[:n, :m] -= together
        a, b = linear_sum_assignment(miss + extra)
        idfn += miss[a, b].sum()
        idfp += extra[a, b].sum()
        idtp += rows.sum() - miss[a, b].sum()
        # CLEAR.
        last, before = np.full(n, -1), np.full(n, -1)
        for g, t, s in frames:
            if len(g) == 0:
                fp += len(t)
                continue
            if len(t) == 0:
                fn += len(g)
                continue
            value = np.where(s < 0.5 - EPS, 0, 1000 * (t[None] == before[g][:, None]) + s)
            a, b = linear_sum_assignment(-value)
            keep = value[a, b] > EPS
            a, b = g[a[keep]], t[b[keep]]
            switches += int(((last[a] >= 0) & (last[a] != b)).sum())
            last[a] = b
            before[:] = -1
            before[a] = b
            tp += len(a)
            fn += len(g) - len(a)
            fp += len(t) - len(a)
        # HOTA.
        fit = fit / (rows[:, None] + cols[None] - fit)
        for k, alpha in enumerate(ALPHAS):
            counts = np.zeros((n, m))
            for g, t, s in frames:
                a, b = linear_sum_assignment(-fit[np.ix_(g, t)] * s)
                keep = s[a, b] >= alpha - EPS
                counts[g[a[keep]], t[b[keep]]] += 1
                hota_tp[k] += keep.sum()
                hota_fn[k] += len(g) - keep.sum()
                hota_fp[k] += len(t) - keep.sum()
            association[k] += (counts * counts / np.maximum(1, rows[:, None] + cols[None] - counts)).sum()
    detection = hota_tp / np.maximum(1, hota_tp + hota_fn + hota_fp)
    recall = hota_tp / np.maximum(1, hota_tp + hota_fn)
    association = association / np.maximum(1, hota_tp)
    return {
        "idf1": idtp / max(1, idtp + idfp / 2 + idfn / 2),
        "hota": np.sqrt(detection * association).mean(),
        "detectionAccuracy": detection.mean(),
        "associationAccuracy": association.mean(),
        "owta": np.sqrt(recall * association).mean(),
        "mota": (tp - fp - switches) / max(1, tp + fn),
        "switches": switches,
        "falsePositives": fp,
        "misses": fn,
    }


def sequence(random, length, objects, flicker):
    """Objects that come and go, tracks that swap, flicker and invent."""
    frames, name = [], {i: 100 + i for i in range(objects)}
    for _ in range(length):
        truth = [i for i in range(objects) if random.random() < 0.9]
        if random.random() < 0.3:
            i = int(random.integers(objects))
            k = int(random.integers(objects))
            name[i], name[k] = name[k], name[i]
        if random.random() < 0.2:
            name[int(random.integers(objects))] = int(200 + random.integers(50))
        tracks = sorted({name[i] for i in range(objects) if random.random() < flicker} | ({999} if random.random() < 0.2 else set()))
        similarity = np.round(random.random((len(truth), len(tracks))) * 0.6, 3)
        for a, i in enumerate(truth):
            for b, j in enumerate(tracks):
                if name[i] == j:
                    similarity[a, b] = round(0.3 + 0.7 * random.random(), 3)
        frames.append({"truth": truth, "tracks": tracks, "similarity": similarity.ravel().tolist()})
    return frames


def outline(seg):
    e, s, se = np.zeros_like(seg), np.zeros_like(seg), np.zeros_like(seg)
    e[:, :-1] = seg[:, 1:]
    s[:-1] = seg[1:]
    se[:-1, :-1] = seg[1:, 1:]
    b = (seg ^ e) | (seg ^ s) | (seg ^ se)
    b[-1] = seg[-1] ^ e[-1]
    b[:, -1] = seg[:, -1] ^ s[:, -1]
    b[-1, -1] = 0
    return b


def quality(truth, mask):
    union = (truth | mask).sum()
    j = 1.0 if union == 0 else (truth & mask).sum() / union
    radius = int(np.ceil(0.008 * np.linalg.norm(truth.shape)))
    y, x = np.mgrid[-radius:radius + 1, -radius:radius + 1]
    disk = x * x + y * y <= radius * radius
    a, b = outline(truth), outline(mask)
    if a.sum() == 0 or b.sum() == 0:
        return float(j), 1.0 if a.sum() == b.sum() else 0.0
    precision = (b & binary_dilation(a, disk)).sum() / b.sum()
    recall = (a & binary_dilation(b, disk)).sum() / a.sum()
    return float(j), 0.0 if precision + recall == 0 else float(2 * precision * recall / (precision + recall))


def main():
    random = np.random.default_rng(20261127)
    cases = [[sequence(random, 12, 4, 0.85)], [sequence(random, 20, 6, 0.7), sequence(random, 8, 3, 0.95)], [sequence(random, 6, 2, 0.4)]]
    cases.append([[{"truth": [], "tracks": [1], "similarity": []}, {"truth": [1], "tracks": [], "similarity": []}]])
    masks = []
    height, width = 90, 160
    y, x = np.mgrid[:height, :width]
    ellipses = [(60, 40, 30, 20), (64, 43, 30, 22), (10, 10, 30, 30), (159, 89, 12, 12), (80, 45, 0, 0), (100, 40, 40, 15)]
    for truth, other in [(0, 1), (2, 0), (3, 3), (4, 4), (4, 0), (5, 1)]:
        inside = [((x - cx) / max(rx, 1e-9)) ** 2 + ((y - cy) / max(ry, 1e-9)) ** 2 < 1 for cx, cy, rx, ry in (ellipses[truth], ellipses[other])]
        j, f = quality(*inside)
        masks.append({"truth": ellipses[truth], "mask": ellipses[other], "j": j, "f": f})
    print(json.dumps({"tracking": [{"sequences": c, "scores": {k: float(v) for k, v in score(c).items()}} for c in cases],
                      "masks": {"width": width, "height": height, "ellipses": masks}}))


main()
