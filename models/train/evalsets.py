"""Lays the evaluation sets out as CACHE/eval/SET/ID.jpg and ID.png (the reference; none in the set `empty`).

    python evalsets.py --ccp GITDIR --u2net GITDIR --davis FOLDER --grounds CACHE/grounds

ccp     bearpaw/clothing-co-parsing: of the sorted ids with pixel labels, each tenth from the seventh; any label.
u2net   xuebinqin/U-2-Net: its test photographs, and its own u2net maps as reference: agreement, not truth.
davis   a folder of photographs and masks of the same name.
empty   grounds that `held_out` keeps from training.

Nothing of them may be trained on: `held_out` knows their names, `Known` what they look like.
"""
import argparse
import glob
import io
import os
import re
import subprocess
import zlib

import numpy as np
from PIL import Image

DAVIS = ('blackswan', 'cows', 'dance-twirl', 'scooter-black')
SETS = ('ccp', 'u2net', 'davis')


def held_out(kind, source, name):
    """Whether the name of a file of the training folder says that it belongs to an evaluation set."""
    # DAVIS itself has a folder for each sequence, and numbers in it: so whoever labels a copy of it gets these names.
    if name.startswith(DAVIS) or (source in DAVIS and re.fullmatch(r'\d{5}', name)):
        return True
    if kind == 'grounds':
        # Crops of one photograph overlap: all of them are held out, or none.
        photograph = re.sub(r'^([0-9a-f]{16})-\d+$', r'\1', name)
        return zlib.crc32(f'{source}/{photograph}'.encode()) % 12 == 0
    return False


def thumbnail(image):
    return np.asarray(image.convert('L').resize((24, 24), Image.BOX), np.float32)


class Known:
    """Finds evaluation photographs by what they look like, whatever they are called."""

    def __init__(self, cache):
        files = sorted(f for s in SETS for f in glob.glob(os.path.join(cache, 'eval', s, '*.jpg')))
        self.thumbnails = np.array([thumbnail(Image.open(f)) for f in files]).reshape(-1, 24, 24)

    def __contains__(self, image):
        away = np.abs(self.thumbnails - thumbnail(image)).mean((1, 2))
        return bool(len(away)) and float(away.min()) < 6


class Git:
    """Files of a bare git directory."""

    def __init__(self, folder):
        self.git = ['git', f'--git-dir={folder}']
        lines = subprocess.check_output([*self.git, 'ls-tree', '-r', 'HEAD'], text=True).splitlines()
        self.blobs = {line.split('\t', 1)[1]: line.split()[2] for line in lines}

    def read(self, name):
        return subprocess.check_output([*self.git, 'cat-file', 'blob', self.blobs[name]])


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def write(folder, name, photo, matte):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f'{name}.jpg'), 'wb') as f:
        f.write(photo)
    if matte is not None:
        matte.save(os.path.join(folder, f'{name}.png'))


def ccp(folder, out):
    import scipy.io
    git = Git(folder)
    photos = {stem(n)[:4]: n for n in git.blobs if n.endswith('.jpg')}
    labels = {stem(n)[:4]: n for n in git.blobs if 'pixel' in n and n.endswith('.mat')}
    for k in sorted(set(photos) & set(labels))[6::10]:
        label = scipy.io.loadmat(io.BytesIO(git.read(labels[k])))['groundtruth'] > 0
        write(out, k, git.read(photos[k]), Image.fromarray((label * 255).astype(np.uint8)))


def u2net(folder, out):
    git = Git(folder)
    maps = {stem(n): n for n in git.blobs if n.startswith('test_data/u2net_results/')}
    for n in sorted(git.blobs):
        if n.startswith('test_data/test_images/') and stem(n) in maps:
            write(out, stem(n), git.read(n), Image.open(io.BytesIO(git.read(maps[stem(n)]))).convert('L'))


def davis(folder, out):
    for n in sorted(os.listdir(folder)):
        if n.endswith('.jpg'):
            with open(os.path.join(folder, n), 'rb') as f:
                write(out, stem(n), f.read(), Image.open(os.path.join(folder, stem(n) + '.png')).convert('L'))


def empty(folder, out, most=64):
    # What was laid out before may be trained on by now.
    for old in glob.glob(os.path.join(out, '*.jpg')):
        os.remove(old)
    # A ground that was cut from beside a pair's subject is seen in training, as part of that pair.
    seen = {stem(p) for p in glob.glob(os.path.join(os.path.dirname(os.path.abspath(folder)), 'pairs', '*', '*.jpg'))}
    paths = [p for p in sorted(glob.glob(os.path.join(folder, '*', '*.jpg'))) if stem(p) not in seen]
    found = [(os.path.basename(os.path.dirname(p)), stem(p)) for p in paths]
    found = [(s, n) for s, n in found if held_out('grounds', s, n)]
    for s, n in sorted(found, key=lambda f: zlib.crc32(f'{f}'.encode()))[:most]:
        with open(os.path.join(folder, s, n + '.jpg'), 'rb') as f:
            write(out, f'{s}-{n}', f.read(), None)


if __name__ == '__main__':
    sets = {'ccp': ccp, 'u2net': u2net, 'davis': davis, 'grounds': empty}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cache', default=os.path.join(os.path.dirname(__file__), 'cache'))
    for name in sets:
        parser.add_argument(f'--{name}')
    options = parser.parse_args()
    for name, build in sets.items():
        if getattr(options, name):
            build(getattr(options, name), os.path.join(options.cache, 'eval', 'empty' if name == 'grounds' else name))
