"""The training folder as arrays: every picture brought to one size once, in chunks that are mapped, not read.

    pairs    SIDE x SIDE x 4: the photograph stretched to a square, and its matte
    cutouts  CUT x CUT x 4: one thing and its alpha, cropped to it, in proportion; crisp pairs give some, too
    grounds  SIDE x SIDE x 3: nothing of interest in it

The folder may change while it is used: `pack` adds what is new as another chunk, `Store.refresh` takes up new chunks,
and what somebody deleted there is no longer `wanted`.
"""
import glob
import json
import os

import numpy as np
from PIL import Image

from evalsets import Known, held_out, stem

SIDE, CUT = 384, 320


def _bounds(alpha):
    """Left, top, right, bottom of what is there, or None."""
    rows, columns = np.flatnonzero((alpha > 24).any(1)), np.flatnonzero((alpha > 24).any(0))
    return (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None


def _square(rgba):
    """A cut-out cropped to its alpha, resized within a square; the empty rest is at equal parts on both sides."""
    box = _bounds(np.asarray(rgba.getchannel('A')))
    if box is None:
        return None
    crop = rgba.crop(box)
    if max(crop.size) < 72:
        return None
    k = (CUT - 4) / max(crop.size)
    size = [max(1, round(n * k)) for n in crop.size]
    out = Image.new('RGBA', (CUT, CUT), (0, 0, 0, 0))
    out.paste(crop.resize(size, Image.LANCZOS), [(CUT - n) // 2 for n in size])
    return np.asarray(out)


def refuse(photo, known):
    if photo in known:
        raise ValueError('is in an evaluation set')


def _pair(path, known):
    photo, matte = Image.open(path).convert('RGB'), Image.open(path[:-4] + '.png').convert('L')
    refuse(photo, known)
    if matte.size != photo.size:
        matte = matte.resize(photo.size, Image.BILINEAR)
    whole = np.concatenate([np.asarray(photo.resize((SIDE, SIDE), Image.LANCZOS)),
                            np.asarray(matte.resize((SIDE, SIDE), Image.BOX))[..., None]], 2)
    a = whole[..., 3]
    box = _bounds(a) or (0, 0, SIDE, SIDE)
    # A thing that the border cuts, or whose matte is soft or tiny, is no good cut-out.
    border = np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]]) > 127
    share, soft = (a > 127).mean(), ((a > 25) & (a < 230)).mean()
    cut = None
    if 0.03 < share < 0.7 and border.mean() < 0.06 and soft < 0.12 * share + 0.01:
        rgba = photo.copy()
        rgba.putalpha(matte)
        cut = _square(rgba)
    return whole, {'box': [float(n) / SIDE for n in box], 'share': float(share)}, cut


def wanted(cache, kind, items):
    """For each item whether its file is still there, and is not held out, which it may not have been when packed."""
    ending = {'pairs': '.jpg', 'cutouts': '.png', 'grounds': '.jpg'}

    def path(source, name):
        folder, source = ('pairs', source[6:]) if source.startswith('pairs-') else (kind, source)
        return os.path.join(cache, folder, source, name + ending[folder])

    return [os.path.exists(path(source, name)) and not held_out(kind, source, name) for source, name, _ in items]


class Store:
    """Chunks of one kind: `items[k]` is (source, name, facts), `get(k)` its array."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        self.chunks, self.items, self.where = [], [], []
        self.refresh()

    def refresh(self):
        for path in sorted(glob.glob(os.path.join(self.folder, f'{self.kind}-*.json')))[len(self.chunks):]:
            with open(path) as f:
                items = json.load(f)
            self.where += [(len(self.chunks), k) for k in range(len(items))]
            self.items += [tuple(i) for i in items]
            self.chunks.append(np.load(path[:-5] + '.npy', mmap_mode='r') if items else None)

    def __len__(self):
        return len(self.items)

    def get(self, k):
        chunk, at = self.where[k]
        return self.chunks[chunk][at]

    def add(self, arrays, items):
        if not items:
            return
        number = len(glob.glob(os.path.join(self.folder, f'{self.kind}-*.json')))
        path = os.path.join(self.folder, f'{self.kind}-{number:04d}')
        np.save(path + '.npy', np.stack(arrays))
        with open(path + '.tmp', 'w') as f:
            json.dump(items, f)
        os.replace(path + '.tmp', path + '.json')


def _new(cache, kind, ending, known):
    for path in sorted(glob.glob(os.path.join(cache, kind, '*', '*' + ending))):
        source, name = os.path.basename(os.path.dirname(path)), stem(path)
        if (source, name) not in known and not held_out(kind, source, name):
            yield path, source, name


def pack(cache, folder, most=1500):
    """Adds at most `most` new files of each kind to the chunks in `folder`; says how many of each there were."""
    os.makedirs(folder, exist_ok=True)
    stores = {kind: Store(folder, kind) for kind in ('pairs', 'cutouts', 'grounds')}
    evaluated = Known(cache)
    known = {kind: {tuple(i[:2]) for i in s.items} for kind, s in stores.items()}
    new = {kind: ([], []) for kind in stores}

    def keep(kind, array, *item):
        new[kind][0].append(array)
        new[kind][1].append(item)

    def each(kind, ending, take):
        for path, source, name in _new(cache, kind, ending, known[kind]):
            if len(new[kind][1]) >= most:
                break
            try:
                take(path, source, name)
            except (OSError, ValueError) as error:
                print('left out', path, error, flush=True)

    def pair(path, source, name):
        whole, facts, cut = _pair(path, evaluated)
        keep('pairs', whole, source, name, facts)
        if cut is not None:
            keep('cutouts', cut, f'pairs-{source}', name, {})

    def origin(source, name):
        # What was cut out of a pair no longer looks like its photograph.
        path = os.path.join(cache, 'pairs', source, name + '.jpg')
        if os.path.exists(path):
            refuse(Image.open(path), evaluated)

    def cutout(path, source, name):
        origin(source, name)
        cut = _square(Image.open(path).convert('RGBA'))
        if cut is not None:
            keep('cutouts', cut, source, name, {})

    def ground(path, source, name):
        origin(source, name)
        image = Image.open(path).convert('RGB')
        refuse(image, evaluated)
        keep('grounds', np.asarray(image.resize((SIDE, SIDE), Image.LANCZOS)), source, name, {})

    each('pairs', '.jpg', pair)
    each('cutouts', '.png', cutout)
    each('grounds', '.jpg', ground)
    for kind, (arrays, items) in new.items():
        stores[kind].add(arrays, items)
    return {kind: len(items) for kind, (_, items) in new.items()}
