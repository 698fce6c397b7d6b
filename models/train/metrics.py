"""How far mattes are from the truth. All take arrays of shape N, height, width with values from 0 to 1."""
import numpy as np


def iou(p, y):
    """Intersection over union of what is above one half, for each picture."""
    p, y = p > 0.5, y > 0.5
    return (p & y).sum((1, 2)) / np.maximum(1, (p | y).sum((1, 2)))


def max_f(p, y):
    """The best F-measure (beta squared .3) over 50 thresholds, of mean precision and mean recall."""
    y = y > 0.5
    precision, recall = [], []
    for t in np.linspace(0, 1, 51)[:-1]:
        b = p > t
        hit = (b & y).sum((1, 2))
        precision.append((hit / np.maximum(b.sum((1, 2)), 1)).mean())
        recall.append((hit / np.maximum(y.sum((1, 2)), 1)).mean())
    precision, recall = np.array(precision), np.array(recall)
    return float((1.3 * precision * recall / (0.3 * precision + recall + 1e-9)).max())


def _object(p, mask):
    x = p[mask]
    if x.size == 0:
        return 0.0
    mean = x.mean()
    return 2 * mean / (mean * mean + 1 + x.std() + 1e-8)


def _similarity(p, g):
    n = p.size
    if n < 2:
        return 1.0
    x, y = p.mean(), g.mean()
    sx, sy = ((p - x) ** 2).sum() / (n - 1), ((g - y) ** 2).sum() / (n - 1)
    sxy = ((p - x) * (g - y)).sum() / (n - 1)
    a, b = 4 * x * y * sxy, (x * x + y * y) * (sx + sy)
    return a / (b + 1e-8) if a != 0 else (1.0 if b == 0 else 0.0)


def structure(p, y):
    """The S-measure of one picture: half likeness of subject and ground, half likeness of the four quarters."""
    mask = y > 0.5
    share = mask.mean()
    if share in (0, 1):
        return 1 - p.mean() if share == 0 else p.mean()
    objects = share * _object(p, mask) + (1 - share) * _object(1 - p, ~mask)
    rows, columns = np.nonzero(mask)
    r, c = int(round(rows.mean())) + 1, int(round(columns.mean())) + 1
    g, regions = mask.astype(np.float32), 0.0
    for at in ((slice(0, r), slice(0, c)), (slice(0, r), slice(c, None)), (slice(r, None), slice(0, c)),
               (slice(r, None), slice(c, None))):
        if p[at].size:
            regions += p[at].size / g.size * _similarity(p[at], g[at])
    return max(0.0, 0.5 * objects + 0.5 * regions)


def summary(p, y):
    return {'IoU': float(iou(p, y).mean()), 'MAE': float(np.abs(p - y).mean()), 'maxF': max_f(p, y),
            'S': float(np.mean([structure(a, b) for a, b in zip(p, y)]))}
